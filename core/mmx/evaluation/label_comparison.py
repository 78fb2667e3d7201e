"""Whether methods differ in how they rank several labels."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mmx.errors import DataError
from mmx.evaluation.comparison import Comparison, compare_scores
from mmx.evaluation.confusion import Floats
from mmx.evaluation.hidden import what_may_hide
from mmx.evaluation.linear_score import Linear, LinearScore
from mmx.evaluation.ranked_label import RankedLabel, means_of_labels, ranked
from mmx.interfaces import Score

LABEL_METRICS = ("macro_auroc", "macro_average_precision")
"""Metrics by which models of several labels are compared."""
Ints = NDArray[np.int64]


# parameters: keywords of a call that users of the library make, each what they may want to say
def compare_labels(
    probs: Mapping[str, Floats],
    target: Ints,
    groups: Sequence[str],
    *,
    base: str,
    against: Mapping[str, str] | None = None,
    only: Iterable[str] | None = None,
    fixed: Iterable[str] = (),
    metrics: Sequence[str] = LABEL_METRICS,
    family: int = 0,
    flips: int | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare methods with a base on the same test rows of several labels.

    Args:
        probs: by method, [S, n, L] probabilities of each label being present, by training seed.
        target: [n, L] in {0, 1, -1}, -1 for unknown.
        groups: n names.
        base: a key of ``probs``.
        against: as in ``compare``; so are ``only``, ``fixed``, ``family``, ``flips`` and ``seed``.
        only: methods that are corrected for together.
        fixed: methods that no seed changes.
        metrics: of macro_auroc and macro_average_precision, over the labels that at least three
            groups have and three lack.
        family: comparisons that are corrected for together with these.
        flips: how many.
        seed: of the flips.

    Raises:
        DataError: shapes that do not fit, no label to score, an unknown method or metric.

    Source: sign flips of groups, see ``flips``, on the influence of each group; decision 0056.
    """
    return compare_scores(
        scores_of_labels(probs, np.asarray(target), groups, metrics),
        base=base, against=against, only=only, fixed=fixed, family=family, flips=flips, seed=seed,
    )  # fmt: skip


def scores_of_labels(
    probs: Mapping[str, Floats],
    target: Ints,
    groups: Sequence[str],
    metrics: Sequence[str],
) -> dict[str, Score]:
    """Each metric of all methods.

    Args:
        probs: by method, [S, n, L] probabilities of each label being present, by training seed.
        target: [n, L] in {0, 1, -1}, -1 for unknown.
        groups: n names.
        metrics: of macro_auroc and macro_average_precision.

    Raises:
        DataError: shapes that do not fit, no label to score, or an unknown metric.
    """
    given = {name: np.asarray(one, dtype=np.float64) for name, one in probs.items()}
    wrong = [name for name, one in given.items() if one.ndim != 3 or one.shape[1:] != target.shape]
    if wrong or len(groups) != len(target):
        raise DataError(
            f"a target of {target.shape} needs as many groups and [seeds, n, L] probabilities of "
            f"each method, got {len(groups)} and {[given[name].shape for name in wrong]}"
        )
    member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1].astype(np.int64)
    many = int(member.max()) + 1
    found = {name: [ranked(of, target, member, many) for of in one] for name, one in given.items()}
    if not any(label.scored for label in next(iter(found.values()))[0]):
        raise DataError("no label has three groups with it and three without it to compare by")
    return {name: _score(name, found, target, member) for name in metrics if _known(name)}


def label_areas(probs: Floats, target: Ints) -> Floats:
    """[L], AUROC of each label, mean over the seeds; NaN where its known rows are of one kind.

    Args:
        probs: [S, n, L].
        target: [n, L] in {0, 1, -1}, -1 for unknown.
    """
    rows = np.arange(len(target))  # groups do not move an area
    found = [ranked(of, target, rows, len(rows)) for of in probs]
    values = [[np.nan if one.area is None else one.area.value for one in of] for of in found]
    areas: Floats = np.array(values).mean(axis=0)
    return areas


def _known(metric: str) -> bool:
    if metric not in LABEL_METRICS:
        raise DataError(f"there is no metric {metric!r}; known are {', '.join(LABEL_METRICS)}")
    return True


def _score(
    metric: str, found: Mapping[str, Sequence[Sequence[RankedLabel]]], target: Ints, member: Ints
) -> Score:
    """One metric of all methods."""
    first = next(iter(found.values()))[0]
    scored = np.array([one.scored for one in first])
    kinds = [_by_group(target[:, scored] == value, member) for value in (1, 0)]
    shares = np.mean([(of / of.sum(axis=0)).mean(axis=1) for of in kinds], axis=0)
    sizes = np.array([one.groups[1:] for one in first], dtype=np.float64)[scored]
    hidden = float(np.hypot(what_may_hide(sizes[:, 0]), what_may_hide(sizes[:, 1])))
    return LinearScore(
        {name: _linear(metric, seeds) for name, seeds in found.items()}, shares, hidden
    )


def _linear(metric: str, seeds: Sequence[Sequence[RankedLabel]]) -> Linear:
    intervals = [means_of_labels(one)[metric] for one in seeds]
    part = "area" if metric == "macro_auroc" else "precision"
    influences = [
        np.mean([getattr(one, part).influence for one in of if one.scored], axis=0) for of in seeds
    ]
    return Linear(
        np.array([one.value for one in intervals]),
        np.stack(influences),
        np.array([[one.low, one.high] for one in intervals]),
    )


def _by_group(cells: NDArray[np.bool_], member: Ints) -> Floats:
    """[G, L], how many of the cells [n, L] each group holds."""
    sums = np.zeros((int(member.max()) + 1, cells.shape[1]))
    np.add.at(sums, member, cells)
    return sums
