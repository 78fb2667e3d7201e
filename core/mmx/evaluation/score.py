"""What a comparison by groups needs to know of a score."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from mmx.evaluation.confusion import Floats
from mmx.evaluation.pvalues import McNemar
from mmx.evaluation.results import Interval

HIDDEN = 0.025  # where no group differs, a difference that shows as seldom as this may hide


class Score(ABC):
    """One metric of all methods.

    Attributes:
        groups: G, of the test part.
        most: that two methods can differ.
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
    def shares(self) -> Floats:
        """[G], how much of a difference that all groups have would rest on each; sum 1."""

    @abstractmethod
    def by_seed(self, method: str) -> Floats:
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
    def flipped(self, signs: Floats, method: str, other: str) -> Floats:
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
