"""Quadratic-weighted kappa of several methods, compared by groups."""

import numpy as np

from mmx.evaluation.confusion import Floats
from mmx.evaluation.counted_rows import CountedScore
from mmx.evaluation.hidden import HIDDEN
from mmx.evaluation.kappa import interval_of_kappa, kappa_of, kappas
from mmx.evaluation.results import Interval


class KappaScore(CountedScore):
    """Kappa from the moments of the means over seeds.

    Flips exchange the moments of groups, and what comes out is scored anew.
    """

    @property
    def shares(self) -> Floats:
        """[G], share of the rows."""
        rows = self.counted.rows.sum(axis=1)
        shares: Floats = rows / rows.sum()
        return shares

    def by_seed(self, method: str) -> Floats:
        """[S], the score of each training seed."""
        return kappas(self.counted.moments[method].sum(axis=1))

    def interval(self, method: str) -> Interval:
        """Of the moments of all seeds together, with 95 % over groups."""
        return interval_of_kappa(*kappa_of(self._means(method)))

    def interplay(self, method: str) -> float:
        """Sum over seeds of the variance that seeds and groups have together."""
        pull = np.stack([kappa_of(of)[1] for of in self.counted.moments[method]]) / self.groups
        moved = pull - pull.mean(axis=0)
        return float((moved**2).sum() * self.groups / max(self.groups - 1, 1))

    def difference(self, method: str, other: str) -> float:
        """Method minus other."""
        return float(self.flipped(np.ones((1, self.groups)), method, other)[0])

    def flipped(self, signs: Floats, method: str, other: str) -> Floats:
        """[B], the difference when groups with sign -1 change places."""
        ours, theirs = self._means(method), self._means(other)
        middle, apart = (ours + theirs).sum(axis=0) / 2, signs @ ((ours - theirs) / 2)
        gaps: Floats = kappas(middle + apart) - kappas(middle - apart)
        return gaps

    def silent(self, method: str, other: str) -> bool:
        """Whether the answers of every group are alike in their moments."""
        return bool(np.allclose(self._means(method), self._means(other)))

    def hidden(self, method: str, other: str) -> float:
        """Squared difference that may hide where no group differs."""
        alike = self.silent(method, other)
        return (1 - HIDDEN ** (1 / self.groups)) ** 2 if alike else 0.0

    def _means(self, method: str) -> Floats:
        """[G, 6], mean over the seeds."""
        means: Floats = self.counted.moments[method].mean(axis=0)
        return means
