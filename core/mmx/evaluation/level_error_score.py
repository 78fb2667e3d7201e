"""Mean absolute error of ordered levels of several methods, compared by groups."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.confusion import Floats, divide
from mmx.evaluation.counted_rows import CountedRows, CountedScore, count_answers
from mmx.evaluation.hidden import HIDDEN
from mmx.evaluation.level_error import error_of_counts, sides
from mmx.evaluation.results import Interval


class LevelError(CountedScore):
    """Mean over the levels that occur of the mean of |answer - level|; lower is better.

    Args:
        counted: answers by group and level.
        beyond: by method, [S, G, C (C - 1)], rows whose answer is beyond a threshold: see
            ``sides``.
        rows: [G, C (C - 1)], rows of each level, once for each threshold.
        levels: C.
    """

    lower_is_better = True

    def __init__(
        self, counted: CountedRows, beyond: Mapping[str, Floats], rows: Floats, levels: int
    ) -> None:
        super().__init__(counted)
        self.beyond = beyond
        self.of_level = rows
        self.levels = levels
        self.most = float(levels - 1)
        total = rows.sum(axis=0)
        self.scale = divide(np.ones_like(total), total * counted.rows.shape[1])
        self.scale = np.where(total > 0, self.scale, 0.0)  # [C (C - 1)]

    def by_seed(self, method: str) -> Floats:
        """[S], the score of each training seed."""
        found: Floats = self.beyond[method].sum(axis=1) @ self.scale
        return found

    def interval(self, method: str) -> Interval:
        """Mean over the seeds, with 95 % over groups."""
        return error_of_counts(self.of_level, self.beyond[method].mean(axis=0), self.levels)

    def interplay(self, method: str) -> float:
        """Sum over seeds of the variance that seeds and groups have together."""
        beyond, rows = self.beyond[method], self.of_level
        share = divide(beyond.sum(axis=1, keepdims=True), rows.sum(axis=0))
        pull = (beyond - np.nan_to_num(share) * rows) @ self.scale  # [S, G]
        moved = pull - pull.mean(axis=0)
        return float((moved**2).sum() * self.groups / max(self.groups - 1, 1))

    def difference(self, method: str, other: str) -> float:
        """Method minus other."""
        return float(self._gaps(method, other).sum())

    def flipped(self, signs: Floats, method: str, other: str) -> Floats:
        """[B], the difference when groups with sign -1 change places."""
        found: Floats = signs @ self._gaps(method, other)
        return found

    def silent(self, method: str, other: str) -> bool:
        """Whether the answers of both are as far off in every group, mean over the seeds."""
        return not self._differ(method, other).any()

    def hidden(self, method: str, other: str) -> float:
        """Squared difference that levels without one discordant group may hide.

        A level with m groups, none of which differs, may differ by one level in a share
        1 - .025^(1/m) of them.
        """
        possible = 1 - HIDDEN ** (1 / (self.counted.rows > 0).sum(axis=0))
        silent = ~self._differ(method, other)
        return float(((possible[silent] / self.counted.rows.shape[1]) ** 2).sum())

    def _differ(self, method: str, other: str) -> NDArray[np.bool_]:
        """Levels that occur of which some group differs between the two."""
        ours, theirs = (self.beyond[one].mean(axis=0) for one in (method, other))
        apart = (ours != theirs).any(axis=0).reshape(self.levels, -1).any(axis=1)
        here = self.of_level.sum(axis=0).reshape(self.levels, -1)[:, 0] > 0
        found: NDArray[np.bool_] = apart[here]
        return found

    def _gaps(self, method: str, other: str) -> Floats:
        """[G], what each group adds to the difference."""
        ours, theirs = (self.beyond[one].mean(axis=0) for one in (method, other))
        gaps: Floats = (ours - theirs) @ self.scale
        return gaps


def level_error(
    predicted: Mapping[str, NDArray[np.int64]],
    labels: NDArray[np.int64],
    groups: Sequence[str],
    classes: int,
) -> LevelError:
    """The mean absolute error of each method, by group.

    Args:
        predicted: by method, [S, n] levels in 0..C-1, one row per training seed.
        labels: [n], true levels in 0..C-1.
        groups: n names.
        classes: C.

    Raises:
        DataError: shapes that do not fit, or levels outside 0..C-1.
    """
    counted = count_answers(predicted, labels, groups, classes)
    labels = np.asarray(labels).astype(np.int64)
    member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1].astype(np.int64)
    rows = sides(labels, labels, member, classes)[0]
    beyond = {
        name: np.stack([sides(of, labels, member, classes)[1] for of in np.atleast_2d(one)])
        for name, one in predicted.items()
    }
    return LevelError(counted, beyond, rows, classes)
