"""The laws of each kind of method, for our tests and everybody's."""

from mmx.testing.certificate import Certificate, check_plugin
from mmx.testing.method_check import Check, check, check_law, laws, parametrize_with_checks

__all__ = [
    "Certificate", "Check", "check", "check_law", "check_plugin", "laws", "parametrize_with_checks",
]  # fmt: skip
