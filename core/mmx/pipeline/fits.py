"""What the data of a spec hold for its hooks and of its classes, before anything is trained."""

from typing import TYPE_CHECKING

import numpy as np

from mmx.data import uneven_shares
from mmx.errors import DataError
from mmx.interfaces import Strata
from mmx.pipeline.prepare import PreparedData
from mmx.spec import Spec

if TYPE_CHECKING:
    from numpy.typing import NDArray


def check_promises(spec: Spec, prepared: PreparedData) -> None:
    """Refuse hooks whose promises need more groups than the part that they are fitted on has.

    Raises:
        DataError: says what to set instead.
    """
    part = "calibration" if (prepared.split.parts == "calibration").any() else "validation"
    labelled = [row for row in prepared.split.rows(part) if prepared.manifest.known[row]]
    groups = len(set(prepared.manifest.groups[labelled].tolist()))
    for params in spec.inference:
        if groups < params.fewest_groups:
            raise DataError(
                f"{params.entry_point} promises what it needs {params.fewest_groups} groups for, "
                f"and the {part} part has {groups}; give that part more of the data, or leave "
                "the promise out"
            )


def class_notes(prepared: PreparedData) -> list[str]:
    """Sentences about classes that the training or the validation part has no sample of."""
    strata, told = prepared.manifest.strata, []
    for part, words in (
        ("train", "nothing could be learned of it, and its test samples count as wrong"),
        ("validation", "the epoch, thresholds and calibrations were chosen without it"),
    ):
        rows = prepared.split.rows(part)
        absent = [name for one in strata for name in _absent(one, one.labels[rows])]
        if absent:
            told.append(f"the {part} part has no sample of {', '.join(absent)}: {words}")
    return told + _uneven(prepared)


def _uneven(prepared: PreparedData) -> list[str]:
    """A sentence about labels that the split could not share evenly."""
    found = uneven_shares(prepared.manifest.strata, prepared.split)
    if not found:
        return []
    many = len({one.label for one in found})
    labels = len(prepared.manifest.strata)
    first = found[0]
    return [
        f"the share of {many} of {labels} labels in a part is more than two points off their share "
        f"in all parts, most of {first.label}: {first.share:.1%} of the {first.part} part, "
        f"{first.overall:.1%} of all; the data report lists them. Groups are too few, or too "
        "large, to be dealt more evenly"
    ]


def _absent(strata: Strata, labels: "NDArray[np.int64]") -> list[str]:
    """Classes that none of some rows has."""
    seen = set(np.unique(labels).tolist())
    return [name for index, name in enumerate(strata.named) if index not in seen]
