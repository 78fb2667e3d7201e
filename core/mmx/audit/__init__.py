"""The audit: leaks and faults of the data, found before anything is trained.

A check is a function from a ``Subject`` to findings, given by the hook ``mmx_audit_checks``; the
checks of mmx use the same hook as anybody's.
"""

from mmx.audit.check import Check, all_checks, examine
from mmx.audit.checks.wider_group import like_a_group
from mmx.audit.finding import Evidence, Finding, Score, Verdict
from mmx.audit.subject import Subject

__all__ = [
    "Check", "Evidence", "Finding", "Score", "Subject", "Verdict", "all_checks", "examine",
    "like_a_group",
]  # fmt: skip
