"""How each of several labels is ranked, over the rows in which it is known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.auroc import Area, area, mean_area, mean_of_many
from mmx.evaluation.average_precision import Precision, average_precision, mean_precision
from mmx.evaluation.confusion import Floats
from mmx.evaluation.results import Interval
from mmx.evaluation.shares import FEWEST_GROUPS

MANY = 8  # labels: their mean is then nearly symmetric (docs/benchmarks.md)
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RankedLabel:
    """One label, over the rows in which it is known.

    Attributes:
        area: its AUROC; None where the rows are all of one kind.
        precision: its average precision; likewise.
        rows: known, positive and negative ones.
        groups: that hold such a row.
    """

    area: Area | None
    precision: Precision | None
    rows: tuple[int, int, int]
    groups: tuple[int, int, int]

    @property
    def scored(self) -> bool:
        """Whether both kinds have as many groups as an interval of one label needs."""
        return min(self.groups[1:]) >= FEWEST_GROUPS


def ranked(probs: Floats, target: Ints, member: Ints, groups: int) -> list[RankedLabel]:
    """Rank each label over the rows in which it is known; influences are [G] of all groups.

    Args:
        probs: [n, L], of each label being present.
        target: [n, L] in {0, 1, -1}.
        member: [n], in 0..G-1.
        groups: G.
    """
    columns = zip(probs.T, target.T, strict=True)
    return [_ranked(scores, truth, member, groups) for scores, truth in columns]


def _ranked(probs: Floats, target: Ints, member: Ints, groups: int) -> RankedLabel:
    known = target >= 0
    scores, positive = probs[known], target[known] == 1
    own, index = np.unique(member[known], return_inverse=True)
    kinds = (np.ones_like(positive), positive, ~positive)
    rows = tuple(int(kind.sum()) for kind in kinds)
    sizes = tuple(int(np.unique(index[kind]).size) for kind in kinds)
    index = index.astype(np.int64)
    found = area(scores, positive, index) if known.any() else None
    precise = average_precision(scores, positive, index) if known.any() else None

    def everywhere(influence: Floats) -> Floats:
        """[G], the influence of the label's own groups, on the scale of all."""
        whole = np.zeros(groups)
        whole[own] = influence * groups / len(own)
        return whole

    return RankedLabel(
        None if found is None else replace(found, influence=everywhere(found.influence)),
        None if precise is None else replace(precise, influence=everywhere(precise.influence)),
        (rows[0], rows[1], rows[2]),
        (sizes[0], sizes[1], sizes[2]),
    )


def means_of_labels(found: Sequence[RankedLabel]) -> dict[str, Interval]:
    """macro_auroc and macro_average_precision, over the labels that have enough of both kinds."""
    areas = [one.area for one in found if one.scored and one.area is not None]
    precise = [one.precision for one in found if one.scored and one.precision is not None]
    return {
        "macro_auroc": _mean_area(areas) if areas else Interval(math.nan),
        "macro_average_precision": mean_precision(precise) if precise else Interval(math.nan),
    }


def _mean_area(areas: Sequence[Area]) -> Interval:
    return mean_of_many(areas) if len(areas) >= MANY else mean_area(areas)


def independent_share(found: Sequence[RankedLabel]) -> float:
    """Mean over the labels that are scored of n* over rows, in (0, 1]; NaN where there are none."""
    shares = [
        float(one.area.effective.sum()) / one.rows[0]
        for one in found
        if one.scored and one.area is not None
    ]
    return float(np.mean(shares)) if shares else math.nan
