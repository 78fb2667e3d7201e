"""Answers of several methods counted by group, and the scores that are compared by them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmx.errors import DataError
from mmx.evaluation.bounds import alignments, clopper_pearson, jeffreys, mean_share, mover
from mmx.evaluation.confusion import Floats, divide
from mmx.evaluation.effective import clustered_shares
from mmx.evaluation.hidden import HIDDEN
from mmx.evaluation.kappa import moments
from mmx.evaluation.pvalues import mcnemar
from mmx.evaluation.results import Interval
from mmx.interfaces import McNemar, Score

METRICS = ("balanced_accuracy", "macro_f1", "accuracy")
"""Metrics by which models of one label are compared, the headline first."""
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CountedRows:
    """Rows of G groups and C classes; only classes that have rows are here.

    Attributes:
        rows: [G, C], rows of a group by true class.
        right: by method, [S, G, C], how many of them are right, by training seed.
        called: by method, [S, G, C], rows of the group that were given the class.
        correct: by method, [S, n], which rows it has right.
        moments: by method, [S, G, 6], sums of answers and labels as numbers: see ``moments``.
    """

    rows: Floats
    right: Mapping[str, Floats]
    called: Mapping[str, Floats]
    correct: Mapping[str, NDArray[np.bool_]]
    moments: Mapping[str, Floats]


def count_answers(
    predicted: Mapping[str, NDArray[np.int64]],
    labels: NDArray[np.int64],
    groups: Sequence[str],
    classes: int,
) -> CountedRows:
    """Count the answers of each method by group and class.

    Args:
        predicted: by method, [S, n] classes in 0..C-1, one row per training seed.
        labels: [n], true classes in 0..C-1.
        groups: n names.
        classes: C.

    Raises:
        DataError: shapes that do not fit, or classes outside 0..C-1.
    """
    rows = {name: np.atleast_2d(np.asarray(one)) for name, one in predicted.items()}
    labels = np.asarray(labels)
    _check(rows, labels, groups, classes)
    member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1].ravel()
    shape = (int(member.max()) + 1, classes)
    here = np.bincount(labels, minlength=classes) > 0

    def counted(of: Ints, weights: NDArray[np.generic] | None = None) -> Floats:
        found = np.bincount(member * classes + of, weights, minlength=shape[0] * classes)
        return found.reshape(shape)[:, here].astype(np.float64)

    return CountedRows(
        counted(labels),
        {
            name: np.stack([counted(labels, of == labels) for of in one])
            for name, one in rows.items()
        },
        {name: np.stack([counted(of) for of in one]) for name, one in rows.items()},
        {name: one == labels for name, one in rows.items()},
        {name: np.stack([moments(of, labels, member) for of in one]) for name, one in rows.items()},
    )


class CountedScore(Score):
    """A score that follows from answers counted by group."""

    def __init__(self, counted: CountedRows) -> None:
        self.counted = counted
        self.groups = len(counted.rows)

    @property
    def methods(self) -> Sequence[str]:
        """Their names."""
        return tuple(self.counted.right)

    @property
    def shares(self) -> Floats:
        """[G], how much of a difference that all groups have would rest on each; sum 1."""
        rows = self.counted.rows
        shares: Floats = (rows / rows.sum(axis=0)).mean(axis=1)
        return shares

    def silent(self, method: str, other: str) -> bool:
        """Whether both have the same rows right, in every group, mean over the seeds."""
        ours, theirs = (self.counted.right[one].mean(axis=0) for one in (method, other))
        return bool(np.array_equal(ours, theirs))

    def hidden(self, method: str, other: str) -> float:
        """Squared difference that classes without one discordant group may hide.

        A class with m groups, none of which differs, may differ in a share 1 - .025^(1/m) of them.
        """
        rows = self.counted.rows
        ours, theirs = (self.counted.right[one].mean(axis=0) for one in (method, other))
        silent = ~(np.abs(ours - theirs) > 0).any(axis=0)
        possible = 1 - HIDDEN ** (1 / (rows > 0).sum(axis=0))
        return float(((possible[silent] / rows.shape[1]) ** 2).sum())

    def pairs(self, method: str, other: str) -> tuple[McNemar, ...]:
        """McNemar's counts for each pair of runs, in the order of the seeds."""
        correct = self.counted.correct
        both = zip(correct[method], correct[other], strict=False)
        return tuple(mcnemar(ours, theirs) for ours, theirs in both)


class MeanShare(CountedScore):
    """Mean over columns of the share of rows that is right: balanced accuracy, or accuracy."""

    def __init__(self, counted: CountedRows) -> None:
        super().__init__(counted)
        self.scale = 1 / (counted.rows.sum(axis=0) * counted.rows.shape[1])  # [C]

    def by_seed(self, method: str) -> Floats:
        """[S], the score of each training seed."""
        found: Floats = (self.counted.right[method].sum(axis=1) * self.scale).sum(axis=1)
        return found

    def interval(self, method: str) -> Interval:
        """Mean over the seeds, with 95 % over groups."""
        shares = clustered_shares(self.counted.rows, self.counted.right[method].mean(axis=0))
        if self.counted.rows.shape[1] > 1:
            return Interval(*map(float, mean_share(shares)))
        low, high = jeffreys(shares.share, shares.effective)
        return Interval(float(shares.share[0]), float(low[0]), float(high[0]))

    def interplay(self, method: str) -> float:
        """Sum over seeds of the variance that seeds and groups have together."""
        right, rows = self.counted.right[method], self.counted.rows
        moved = right - right.mean(axis=0)
        moved = moved - divide(moved.sum(axis=1), rows.sum(axis=0))[:, None] * rows
        return float(((moved**2).sum(axis=(0, 1)) * _unbiased(rows) * self.scale**2).sum())

    def difference(self, method: str, other: str) -> float:
        """Method minus other."""
        return float(self._gaps(method, other).sum())

    def flipped(self, signs: Floats, method: str, other: str) -> Floats:
        """[B], the difference when groups with sign -1 change places."""
        found: Floats = signs @ self._gaps(method, other)
        return found

    def _gaps(self, method: str, other: str) -> Floats:
        """[G], what each group adds to the difference."""
        ours, theirs = (self.counted.right[one].mean(axis=0) for one in (method, other))
        gaps: Floats = (ours - theirs) @ self.scale
        return gaps


def accuracy(counted: CountedRows) -> MeanShare:
    """Accuracy is the mean share over one column that holds all classes."""

    def all_classes(of: Floats) -> Floats:
        total: Floats = of.sum(axis=-1, keepdims=True)
        return total

    right = {name: all_classes(one) for name, one in counted.right.items()}
    called = {name: all_classes(one) for name, one in counted.called.items()}
    rows = all_classes(counted.rows)
    return MeanShare(CountedRows(rows, right, called, counted.correct, counted.moments))


class MacroF1(CountedScore):
    """Mean over classes of 2 right / (true + called), from the counts of all seeds together.

    Flips exchange the counts of groups, and what comes out is scored anew.
    """

    def by_seed(self, method: str) -> Floats:
        """[S], the score of each training seed."""
        hits, size = self._sums(method)
        found: Floats = divide(hits.sum(axis=1), size.sum(axis=1)).mean(axis=1)
        return found

    def interval(self, method: str) -> Interval:
        """Mean over the seeds, with 95 % over groups."""
        hits, size = self._means(method)
        shares = clustered_shares(size, hits)
        aligned = alignments(shares.residuals)
        still = ~(shares.residuals != 0).any(axis=0)  # unknown how such a class goes with others
        unknown = (still[:, None] | still[None, :]) & ~np.eye(len(still), dtype=bool)
        aligned = np.where(unknown, 0.5, aligned)
        weights = np.full(len(still), 1 / len(still))
        bounds = clopper_pearson(shares.share, shares.effective)
        return Interval(*map(float, mover(shares.share, bounds, weights, aligned)))

    def interplay(self, method: str) -> float:
        """Sum over seeds of the variance that seeds and groups have together."""
        hits, size = self._sums(method)
        total = size.sum(axis=1, keepdims=True)
        share = divide(hits.sum(axis=1, keepdims=True), total)
        pull = ((hits - share * size) / total).mean(axis=2)  # [S, G], linear in each group
        moved = pull - pull.mean(axis=0)
        return float((moved**2).sum() * self.groups / max(self.groups - 1, 1))

    def difference(self, method: str, other: str) -> float:
        """Method minus other."""
        return float(self.flipped(np.ones((1, self.groups)), method, other)[0])

    def flipped(self, signs: Floats, method: str, other: str) -> Floats:
        """[B], the difference when groups with sign -1 change places."""
        ours, theirs = (self._means(name) for name in (method, other))
        middle = [(a + b).sum(axis=0) / 2 for a, b in zip(ours, theirs, strict=True)]
        apart = [signs @ ((a - b) / 2) for a, b in zip(ours, theirs, strict=True)]  # [B, C]
        scores = [
            divide(middle[0] + side * apart[0], middle[1] + side * apart[1]).mean(axis=1)
            for side in (1, -1)
        ]
        gaps: Floats = scores[0] - scores[1]
        return gaps

    def _means(self, method: str) -> list[Floats]:
        """[G, C] of both sums, mean over the seeds."""
        return [one.mean(axis=0) for one in self._sums(method)]

    def _sums(self, method: str) -> tuple[Floats, Floats]:
        """[S, G, C] twice the hits, and rows that are of a class or were called so."""
        called = self.counted.called[method]
        return 2 * self.counted.right[method], self.counted.rows + called


def _unbiased(rows: Floats) -> Floats:
    """[C], m / (m - 1) for the m groups that have rows of a class; 0 for a single one."""
    many = (rows > 0).sum(axis=0).astype(np.float64)
    return np.where(many > 1, divide(many, many - 1), 0.0)


def _check(
    predicted: Mapping[str, NDArray[np.int64]], labels: Ints, groups: Sequence[str], classes: int
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
