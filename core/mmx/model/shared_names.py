"""What several modalities call the same, told apart by the name of the modality."""

from collections import Counter
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def told_apart(given: Mapping[str, Mapping[str, T]]) -> dict[str, T]:
    """One mapping of all that modalities give by name.

    A name that one modality alone uses stays; ``lesion`` of two, called dermoscopy and clinic,
    becomes ``dermoscopy_lesion`` and ``clinic_lesion``.

    Args:
        given: modality -> what it gives by name.
    """
    uses = Counter(name for values in given.values() for name in values)
    return {
        name if uses[name] == 1 else f"{modality}_{name}": value
        for modality, values in given.items()
        for name, value in values.items()
    }
