"""Tasks in which each row has exactly one of the named classes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mmx.errors import DataError
from mmx.interfaces.task import Strata, Target, Task, WrongAnswer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmx.interfaces.dataset import Sample


class OneClassTask(Task):
    """Everything about such a target but its link and its scores; target [n], int64, -1: unknown.

    Log-probabilities are [n, C], and what is predicted is the most probable class.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._places: Mapping[str | None, int] = {name: at for at, name in enumerate(self.names)}

    def target(self, sample: "Sample") -> Target:
        """Its place among the names."""
        if sample.label in self._places:
            return Target(self._places[sample.label])
        if sample.label is None:
            return Target(-1, "has no label")
        return Target(-1, f"label {sample.label!r} is none of the classes {', '.join(self.names)}")

    def known(self, target: Tensor) -> Tensor:
        """Rows that have a class."""
        return target >= 0

    def strata(self, target: "NDArray[np.int64]") -> Sequence[Strata]:
        """By class."""
        return (Strata("", self.names, target),)

    def counts(self, target: Tensor) -> Tensor:
        """[C], rows of each class."""
        return torch.bincount(target[target >= 0], minlength=len(self.names))

    def check(self, target: "NDArray[np.int64]", part: str = "") -> None:
        """At least two classes."""
        if len(self.names) < 2:
            raise DataError(
                f"there is nothing to tell apart: the only class is {self.names[0]!r}"
                if self.names
                else "no row has a label"
            )
        found = np.unique(target[target >= 0])
        if part and len(found) < 2:
            only = self.names[found[0]] if len(found) else "none"
            raise DataError(
                f"the {part} part has samples of one class only, {only!r}: "
                "there is nothing to learn to tell apart; give it samples of the others"
            )

    def words(self, target: "NDArray[np.int64]") -> "NDArray[np.object_]":
        """Names of the classes."""
        named: NDArray[np.object_] = np.array([*self.names, ""], dtype=object)
        words: NDArray[np.object_] = named[target]  # -1 is the last: ""
        return words

    def part_loss(self, log_probs: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy."""
        return torch.nn.functional.nll_loss(log_probs, target, reduction="none")

    def values(self, log_probs: Tensor) -> Tensor:
        """Probabilities of the classes."""
        return log_probs.exp()

    def predicted(self, log_probs: Tensor) -> Tensor:
        """The most probable class, the first among equals."""
        return log_probs.argmax(dim=1)

    def answers(self, log_probs: Tensor) -> "dict[str, NDArray[np.generic]]":
        """The name of the class that is answered."""
        return {"predicted": self._named(self.predicted(log_probs))}

    def truths(self, target: Tensor) -> "dict[str, NDArray[np.generic]]":
        """The name of the class; None where it is unknown."""
        return {"label": self._named(target)}

    def _named(self, indices: Tensor) -> "NDArray[np.generic]":
        named: NDArray[np.object_] = np.array([*self.names, None], dtype=object)
        words: NDArray[np.object_] = named[indices.numpy()]  # -1 is the last: None
        return words

    def prompted(self, logits: Tensor, *, alone: bool) -> Tensor | None:
        """Softmax over the classes: of texts that are told alone, too, exactly one is right."""
        return logits.log_softmax(dim=-1)

    def wrong(self, log_probs: Tensor, target: Tensor, most: int) -> Sequence[WrongAnswer]:
        """Rows of another class than the one that is answered."""
        predicted = self.predicted(log_probs)
        confidence = log_probs.exp().gather(1, predicted[:, None])[:, 0]
        wrong = torch.nonzero((predicted != target) & (target >= 0)).flatten()
        chosen = wrong[confidence[wrong].argsort(descending=True)][:most]
        return [
            WrongAnswer(
                row,
                int(predicted[row]),
                self.names[target[row]],
                self.names[predicted[row]],
                float(confidence[row]),
                float(log_probs[row, target[row]].exp()),
            )
            for row in chosen.tolist()
        ]
