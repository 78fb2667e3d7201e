"""What differs between two specs."""

from dataclasses import dataclass, replace
from typing import Any

from mmx.spec.short import short_key
from mmx.spec.whole import Spec


@dataclass(frozen=True, slots=True)
class AbsentKey:
    """Stands for a key that one of the two specs does not have."""

    def __str__(self) -> str:
        return "(absent)"


ABSENT = AbsentKey()
"""Stands for a value that one of two specs does not have."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One key whose value differs.

    Attributes:
        key: dotted path, such as ``model.fusion.heads``, in its short form where it has one.
        left: value in the first spec; ``ABSENT`` when it has no such key.
        right: value in the second spec.
    """

    key: str
    left: object
    right: Any


def diff_specs(left: Spec, right: Spec) -> list[Difference]:
    """Every key whose resolved value differs, in the order of the spec; defaults count too."""
    found = differences(left.resolved(), right.resolved(), "")
    return [replace(one, key=short_key(one.key, Spec)) for one in found]


def differences(left: object, right: object, key: str = "") -> list[Difference]:
    """Every key whose value differs between two pieces of plain data, nested ones too."""
    if isinstance(left, list) and isinstance(right, list):
        left, right = dict(enumerate(left)), dict(enumerate(right))
    if not (isinstance(left, dict) and isinstance(right, dict)):
        # 1 and 1.0 and true are equal in Python, but not in a spec
        same = left == right and type(left) is type(right)
        return [] if same else [Difference(key, left, right)]
    return [
        difference
        for name in left | right
        for difference in differences(
            left.get(name, ABSENT), right.get(name, ABSENT), f"{key}.{name}" if key else str(name)
        )
    ]
