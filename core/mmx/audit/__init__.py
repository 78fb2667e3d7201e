"""The audit: leaks and faults of the data, found before anything is trained.

A check is a function from a ``Subject`` to findings; those of mmx stand in `mmx.audit.checks`,
others come from the hooks that a spec names.
"""

from mmx.audit.check import Check, all_checks, examine
from mmx.audit.checks.wider_group import like_a_group
from mmx.audit.finding import Evidence, Finding, Score, Verdict
from mmx.audit.subject import Subject, SubjectImages

__all__ = [
    "Check", "Evidence", "Finding", "Score", "Subject", "SubjectImages", "Verdict", "all_checks",
    "examine", "like_a_group",
]  # fmt: skip
