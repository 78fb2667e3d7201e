"""The smallest task, so that methods can be trained in the real loop."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor

from mmx.blocks import Sigmoid, Softmax
from mmx.evaluation import quick_labels, quick_scores
from mmx.interfaces import Link, OneClassTask, Scores, TaskParams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ClassesParams(TaskParams):
    """One of several classes, looked at during training alone."""

    type: Literal["single_label"] = "single_label"
    exclusive: ClassVar[bool] = True
    selects: ClassVar[Mapping[str, bool]] = {"balanced_accuracy": True}

    def build(self, names: Sequence[str], state: Mapping[str, object] | None = None) -> "Classes":
        """Build it."""
        return Classes(names)


class Classes(OneClassTask):
    """A softmax over the classes."""

    type = "single_label"

    def link(self) -> Link:
        """A softmax."""
        return Softmax(len(self.names))

    def quick_scores(
        self, log_probs: "NDArray[np.float64]", target: "NDArray[np.int64]"
    ) -> dict[str, float]:
        """As for a single label."""
        return quick_scores(log_probs, target)

    def evaluate(
        self, log_probs: "NDArray[np.float64]", target: "NDArray[np.int64]", groups: Sequence[str]
    ) -> Scores:
        """Nothing is evaluated here."""
        raise NotImplementedError


class LabelsParams(TaskParams):
    """Several labels, looked at during training alone."""

    type: Literal["multi_label"] = "multi_label"
    selects: ClassVar[Mapping[str, bool]] = {"macro_auroc": True}

    def build(self, names: Sequence[str], state: Mapping[str, object] | None = None) -> "Labels":
        """Build it."""
        return Labels(names)


class Labels(Classes):
    """A sigmoid for each label; target [n, L] in {0, 1, -1}."""

    type = "multi_label"

    def link(self) -> Link:
        """A sigmoid each."""
        return Sigmoid(len(self.names))

    def known(self, target: Tensor) -> Tensor:
        """Rows of which a label is known."""
        return (target >= 0).any(dim=1)

    def counts(self, target: Tensor) -> Tensor:
        """[L, 3], rows in which a label is absent, present, unknown."""
        return torch.stack([(target == value).sum(dim=0) for value in (0, 1, -1)], dim=1)

    def part_loss(self, log_probs: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy, mean over the labels that are known."""
        known = target >= 0
        each = -log_probs.gather(-1, target.clamp(min=0)[..., None])[..., 0]
        return each.masked_fill(~known, 0).sum(dim=1) / known.sum(dim=1).clamp(min=1)

    def quick_scores(
        self, log_probs: "NDArray[np.float64]", target: "NDArray[np.int64]"
    ) -> dict[str, float]:
        """As for several labels."""
        return quick_labels(log_probs, target)
