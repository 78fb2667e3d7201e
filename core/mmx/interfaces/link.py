"""Links: from the raw outputs of a head to logits, and from logits to probabilities."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Link(nn.Module, ABC):
    """What the numbers of a head mean; part of the model, for it may have parameters.

    Attributes:
        inputs: R, outputs of every head.
    """

    inputs: int

    @abstractmethod
    def forward(self, raw: Tensor) -> Tensor:
        """Logits [B, K], as losses see them, of raw outputs [B, R]; most links change nothing."""

    @abstractmethod
    def log_probs(self, logits: Tensor) -> Tensor:
        """Log-probabilities of logits [B, K]: [B, C], or [B, L, 2] of several labels.

        The exponentials of the last axis sum to 1, whatever the logits.
        """
