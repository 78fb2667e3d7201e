"""Links: from the raw outputs of a head to logits, and from logits to probabilities."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from mmx.errors import ShapeError


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

    def logits(self, log_probs: Tensor) -> Tensor:
        """Logits [B, K] of which these are the log-probabilities: ``log_probs`` turned round.

        Only a fusion that mixes decisions asks for it: it mixes probabilities, and the loss reads
        logits.

        Args:
            log_probs: as ``log_probs`` gives them; they need not be normalised.

        Raises:
            ShapeError: this link has no way back.
        """
        raise ShapeError(
            f"{type(self).__name__} does not say which logits belong to given probabilities, so "
            "decisions cannot be mixed; use a fusion of features, such as fusion: concat, or write "
            "Link.logits"
        )
