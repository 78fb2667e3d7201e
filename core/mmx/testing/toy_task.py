"""The smallest task, so that methods can be trained in the real loop."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mmx.blocks import Softmax
from mmx.evaluation import quick_scores
from mmx.interfaces import Link, OneClassTask, Scores, TaskParams

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ClassesParams(TaskParams):
    """One of several classes, looked at during training alone."""

    type: Literal["single_label"] = "single_label"
    exclusive: ClassVar[bool] = True
    selects: ClassVar[Mapping[str, bool]] = {"balanced_accuracy": True}

    def build(self, names: Sequence[str], state: Mapping[str, Any] | None = None) -> "Classes":
        """Build it."""
        return Classes(names)


class Classes(OneClassTask):
    """A softmax over the classes."""

    type = "single_label"

    def link(self) -> Link:
        """A softmax."""
        return Softmax(len(self.names))

    def quick_scores(self, log_probs: "NDArray[Any]", target: "NDArray[Any]") -> dict[str, float]:
        """As for a single label."""
        return quick_scores(log_probs, target)

    def evaluate(
        self, log_probs: "NDArray[Any]", target: "NDArray[Any]", groups: Sequence[str]
    ) -> Scores:
        """Nothing is evaluated here."""
        raise NotImplementedError
