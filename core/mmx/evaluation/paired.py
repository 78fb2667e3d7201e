"""Scores of several methods on the same resampled groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# scipy ships no type information
from scipy.sparse import csr_array  # type: ignore[import-untyped]

from mmx.errors import DataError
from mmx.evaluation.bootstrap import Draws, resampled_weights
from mmx.evaluation.confusion import Floats, class_shares

METRICS = ("balanced_accuracy", "macro_f1", "accuracy")
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Resampled:
    """Scores of K methods, each with its training seeds, under the same draws of groups.

    Attributes:
        observed: by metric and method, [S], on the sample itself.
        draws: by metric and method, [R, S]; draw r holds the same groups for all of them.
        right: by method, [S, n], which rows it has right.
        kept: R.
        redrawn: draws that were thrown away because a class was missing from them.
    """

    observed: Mapping[str, Mapping[str, Floats]]
    draws: Mapping[str, Mapping[str, Floats]]
    right: Mapping[str, NDArray[np.bool_]]
    kept: int
    redrawn: int


def resample(
    predicted: Mapping[str, NDArray[Any]],
    labels: NDArray[Any],
    groups: Sequence[str],
    classes: int,
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Resampled:
    """Score every method and seed on the sample and on the same draws of groups.

    Args:
        predicted: by method, [S, n] classes in 0..C-1, one row per training seed.
        labels: [n], true classes in 0..C-1.
        groups: n names; rows of one group are drawn together.
        classes: C.
        resamples: how many draws.
        seed: of the draws.

    Raises:
        DataError: shapes that do not fit, or classes outside 0..C-1.
    """
    rows = {name: np.atleast_2d(np.asarray(one)) for name, one in predicted.items()}
    labels = np.asarray(labels)
    _check(rows, labels, groups, classes)
    member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    stacked = np.concatenate(list(rows.values()))
    sums, counted = _sums(stacked, labels, member, classes)
    draws = Draws()
    chunks = resampled_weights(counted, resamples, seed, draws)
    observed = _scores(np.ones((1, counted.shape[0])), sums, classes)
    drawn = [_scores(weights, sums, classes) for weights in chunks]
    ends = np.cumsum([len(one) for one in rows.values()])[:-1]
    return Resampled(
        {m: _by_method(rows, observed[m][0], ends) for m in METRICS},
        {m: _by_method(rows, np.concatenate([d[m] for d in drawn]), ends) for m in METRICS},
        {name: one == labels for name, one in rows.items()},
        draws.kept,
        draws.redrawn,
    )


def _by_method(names: Mapping[str, Any], values: Floats, ends: Ints) -> dict[str, Floats]:
    """Columns of [..., K * S], cut at ``ends``, by the name of the method."""
    return dict(zip(names, np.split(values, ends, axis=-1), strict=True))


def _sums(predicted: Ints, labels: Ints, member: Ints, classes: int) -> tuple[Any, Any]:
    """Per group: [G, K * C * C] counts of true and predicted class, and [G, C] rows per class."""
    groups, many = int(member.max()) + 1, len(predicted)
    cells = labels * classes + predicted + classes**2 * np.arange(many)[:, None]
    place = np.broadcast_to(member, cells.shape)
    shape = (groups, many * classes**2)
    ones = np.ones(cells.size)
    sums = csr_array((ones, (place.ravel(), cells.ravel())), shape=shape)
    counted = csr_array((np.ones(len(labels)), (member, labels)), shape=(groups, classes))
    return sums, counted


def _scores(weights: Floats, sums: Any, classes: int) -> dict[str, Floats]:
    """[R, K] by metric, for groups that count ``weights`` [R, G] times."""
    confusion = (weights @ sums).reshape(len(weights), -1, classes, classes)
    here = confusion[0, 0].sum(axis=1) > 0
    shares = class_shares(confusion)
    hits = np.trace(confusion, axis1=2, axis2=3)
    return {
        "balanced_accuracy": shares["sensitivity"][..., here].mean(axis=2),
        "macro_f1": shares["f1"][..., here].mean(axis=2),
        "accuracy": hits / confusion.sum(axis=(2, 3)),
    }


def _check(
    predicted: Mapping[str, NDArray[Any]], labels: Ints, groups: Sequence[str], classes: int
) -> None:
    """Refuse what cannot be compared."""
    if not predicted or not labels.size or len(labels) != len(groups):
        raise DataError(
            f"there are {len(predicted)} methods, {labels.size} labels and {len(groups)} groups; "
            "give at least one method, and one group for each label"
        )
    for name, rows in predicted.items():
        if rows.ndim != 2 or not len(rows) or rows.shape[1] != len(labels):
            raise DataError(
                f"the predictions of {name} have shape {rows.shape}; give one row per training "
                f"seed with {len(labels)} entries each"
            )
    for name, values in {"labels": labels, **predicted}.items():
        if values.dtype.kind not in "iu" or values.min() < 0 or values.max() >= classes:
            raise DataError(f"{name}: give classes as integers from 0 to {classes - 1}")
