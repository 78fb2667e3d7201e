"""What a comparison of methods by groups needs to know of a metric."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmx.interfaces.interval import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class McNemar:
    """Whether two sets of answers to the same questions are right equally often.

    Attributes:
        gained: rows that only ours has right.
        lost: rows that only theirs has right.
        p: two-sided; groups are not regarded, each row counts as a question of its own.
        exact: by the binomial distribution, as there are few discordant pairs.
    """

    gained: int
    lost: int
    p: float
    exact: bool


class Score(ABC):
    """One metric of all methods, as ``mmx.evaluation.compare_scores`` compares them.

    Attributes:
        groups: G, of the test part.
        most: that two methods can differ; infinite where nothing bounds it.
        lower_is_better: it is an error.
    """

    groups: int
    most: float = 1.0
    lower_is_better: bool = False

    @property
    @abstractmethod
    def methods(self) -> Sequence[str]:
        """Their names."""

    @property
    @abstractmethod
    def shares(self) -> "NDArray[np.float64]":
        """[G], how much of a difference that all groups have would rest on each; sum 1."""

    @abstractmethod
    def by_seed(self, method: str) -> "NDArray[np.float64]":
        """[S], the score of each training seed."""

    @abstractmethod
    def interval(self, method: str) -> Interval:
        """Mean over the seeds, with 95 % over groups for these training runs."""

    @abstractmethod
    def interplay(self, method: str) -> float:
        """Sum over seeds of the variance that seeds and groups have together."""

    @abstractmethod
    def difference(self, method: str, other: str) -> float:
        """Method minus other, of the means over seeds; what ``flipped`` gives without a flip."""

    @abstractmethod
    def flipped(
        self, signs: "NDArray[np.float64]", method: str, other: str
    ) -> "NDArray[np.float64]":
        """[B], the difference when groups with sign -1 ([B, G]) change places between the two."""

    @abstractmethod
    def silent(self, method: str, other: str) -> bool:
        """Whether no group differs between the two, mean over the seeds."""

    @abstractmethod
    def hidden(self, method: str, other: str) -> float:
        """Squared difference that may hide where no group differs."""

    def pairs(self, method: str, other: str) -> tuple[McNemar, ...]:
        """McNemar's counts for each pair of runs, where an answer is right or wrong."""
        return ()
