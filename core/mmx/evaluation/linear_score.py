"""Scores that are no count, compared by what each group adds to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmx.evaluation.confusion import Floats
from mmx.evaluation.results import Interval
from mmx.interfaces import Score


@dataclass(frozen=True, slots=True)
class Linear:
    """A score of one method, as nearly a sum over groups.

    Attributes:
        value: [S], by training seed.
        influence: [S, G], centred; the score is about its mean over other groups plus the mean of
            these.
        bounds: [S, 2], of the 95 % interval of each seed.
    """

    value: Floats
    influence: Floats
    bounds: Floats


class LinearScore(Score):
    """A score whose groups are compared by their influence.

    A ranking score is no sum over groups, and ranks of two methods cannot be mixed; so it is with
    any statistic of all rows (``leave_group_out`` gives its influences). So a group
    exchanges what it adds to the difference: its influence, and its share of the difference itself.
    These add up to the difference, and their spread is that of the jackknife.

    Args:
        methods: by name.
        shares: [G], how much of the rows is of each group; sum 1.
        hidden: difference that may hide where no group differs.
        most: that two methods can differ; infinite where nothing bounds it.
        lower_is_better: it is an error.
    """

    def __init__(
        self, methods: Mapping[str, Linear], shares: Floats, hidden: float = 0.0, *,
        most: float = 1.0, lower_is_better: bool = False,
    ) -> None:  # fmt: skip
        self.of, self.groups = methods, len(shares)
        self._shares, self._hidden = shares, hidden
        self.most, self.lower_is_better = most, lower_is_better

    @property
    def methods(self) -> Sequence[str]:
        """Their names."""
        return tuple(self.of)

    @property
    def shares(self) -> Floats:
        """[G], share of the rows."""
        return self._shares

    def by_seed(self, method: str) -> Floats:
        """[S], the score of each training seed."""
        return self.of[method].value

    def interval(self, method: str) -> Interval:
        """Mean over the seeds, with the mean of their bounds: for few seeds a little too wide."""
        low, high = self.of[method].bounds.mean(axis=0).tolist()
        return Interval(float(self.of[method].value.mean()), low, high)

    def interplay(self, method: str) -> float:
        """Sum over seeds of the variance that seeds and groups have together."""
        pull = self.of[method].influence / self.groups
        moved = pull - pull.mean(axis=0)
        return float((moved**2).sum() * self.groups / max(self.groups - 1, 1))

    def difference(self, method: str, other: str) -> float:
        """Method minus other."""
        return float(self.of[method].value.mean() - self.of[other].value.mean())

    def flipped(self, signs: Floats, method: str, other: str) -> Floats:
        """[B], the difference when groups with sign -1 change places."""
        found: Floats = signs @ self._gaps(method, other)
        return found

    def silent(self, method: str, other: str) -> bool:
        """Whether no group differs between the two, mean over the seeds."""
        return not bool((np.abs(self._gaps(method, other)) > 1e-12).any())

    def hidden(self, method: str, other: str) -> float:
        """Squared difference that may hide where no group differs."""
        return self._hidden**2 if self.silent(method, other) else 0.0

    def _gaps(self, method: str, other: str) -> Floats:
        """[G], what each group adds to the difference."""
        ours, theirs = (self.of[one].influence.mean(axis=0) for one in (method, other))
        gaps: Floats = (ours - theirs) / self.groups
        return gaps + self._shares * self.difference(method, other)
