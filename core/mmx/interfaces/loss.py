"""Losses: from the outputs of the model to a scalar with named terms."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from mmx.interfaces.link import Link
from mmx.interfaces.params import Params


@dataclass(frozen=True, slots=True)
class Outputs:
    """All that the model gives for a batch.

    Attributes:
        logits: [B, K], of the fused path, after the link; K = C classes for a single label.
        part_logits: [B, K] by name of a part, only of parts that the loss or an auxiliary asks for.
        present: [B, M], bool, one column for each of ``modalities``.
        penalties: scalars that are added to the loss, already weighted.
        explain: gates, attention and the like; detached, first axis B.
        part_present: [B], bool, by name of a part: rows whose modality is there.
        modalities: names of the modalities of the model, in the order of the spec.
    """

    logits: Tensor
    part_logits: Mapping[str, Tensor] = field(default_factory=dict)
    # None only until __post_init__
    present: Tensor = None  # type: ignore[assignment]
    penalties: Mapping[str, Tensor] = field(default_factory=dict)
    explain: Mapping[str, Tensor] = field(default_factory=dict)
    part_present: Mapping[str, Tensor] = field(default_factory=dict)
    modalities: tuple[str, ...] = ("image", "text")

    def __post_init__(self) -> None:
        """Without ``present``, every sample has all modalities."""
        if self.present is None:
            shape, device = (len(self.logits), len(self.modalities)), self.logits.device
            every = torch.ones(shape, dtype=torch.bool, device=device)
            object.__setattr__(self, "present", every)

    def there(self, part: str) -> Tensor:
        """[B], bool: rows of which the part says something, since its modality is there."""
        known = {**dict(zip(self.modalities, self.present.T, strict=True)), **self.part_present}
        return known[part] if part in known else self.present.any(dim=1)


@dataclass(frozen=True, slots=True)
class LossValue:
    """A loss and what it is made of.

    Attributes:
        total: scalar that is minimised; penalties of the model are added by the loop.
        terms: named parts, detached scalars, for logs and plots.
    """

    total: Tensor
    terms: Mapping[str, Tensor]


class LossParams(Params):
    """Settings of a loss."""

    kind: ClassVar[str] = "loss"
    tasks: ClassVar[frozenset[str]] = frozenset({"single_label"})

    @property
    def rebalances(self) -> bool:
        """Whether it corrects class imbalance by itself."""
        return False

    @property
    def states_prior(self) -> bool:
        """Whether ``Loss.prior`` of what it builds is right; False if no prior is known."""
        return True

    @property
    def needs_cosines(self) -> bool:
        """Whether it is defined for logits that are cosines only."""
        return False

    def check_modalities(self, names: Sequence[str]) -> None:
        """Refuse modalities that it cannot score; any do, unless it reads them by name.

        Args:
            names: of those that the fusion reads, in the order of the spec.

        Raises:
            ShapeError: says what would fit; it is told at the line of the loss.
        """

    def link(self, class_counts: Tensor) -> Link | None:
        """The link that the loss is defined for; None: that of the task.

        Args:
            class_counts: as ``build`` is given them; a link may start from them.
        """
        return None

    @abstractmethod
    def build(self, class_counts: Tensor) -> "Loss":
        """Build the loss for the counts of the training part, as seen after the sampler.

        Args:
            class_counts: [C], rows of each class or level; of several labels [L, 3], rows in which
                the label is absent, present and unknown.
        """


class Loss(nn.Module, ABC):
    """Scores a batch.

    Attributes:
        parts: names of the parts whose logits it reads.
    """

    parts: tuple[str, ...] = ()

    def set_modalities(self, names: Sequence[str]) -> None:
        """Be told the modalities that the fusion reads, before ``parts`` is asked for.

        Args:
            names: in the order of the spec.
        """

    @abstractmethod
    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        """Score a batch.

        Args:
            outputs: of the model.
            target: [B], int64 in 0..C-1; of several labels [B, L] in {0, 1, -1}, -1 for unknown.
            progress: share of the training that is done, in [0, 1].
        """

    def adjust(self, logits: Tensor) -> Tensor:
        """Logits [B, K] as predictions are made from them; most losses change nothing."""
        return logits

    def prior(self, class_counts: Tensor) -> Tensor:
        """Class shares for which its smallest value gives the right probabilities, adjusted.

        Most losses answer for the classes as training sees them. One that weighs classes answers
        for their weighted shares: with weights n / n_c for classes that are all equally common.

        Args:
            class_counts: [C], or [L, 3] of several labels, as training sees them after the sampler.

        Returns:
            [C], float64, > 0, up to a factor; of several labels [L, 2], of absent and present.
        """
        counts = class_counts[:, :2] if class_counts.ndim == 2 else class_counts
        counts = counts.double().clamp(min=1)  # a class without a row counts as one row
        return counts / counts.sum(dim=-1, keepdim=True)
