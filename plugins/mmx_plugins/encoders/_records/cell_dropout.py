"""Cells that are missing in training, so that what stands for a missing cell is learned."""

import torch
from torch import Tensor, nn


class CellDropout(nn.Module):
    """Known cells [B, K]: in training each falls with a probability, but never all of a row.

    Without it the token of a missing cell would stay random in columns that are complete.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, known: Tensor) -> Tensor:
        """Which cells of [B, K] stay known."""
        if not (self.training and self.probability):
            return known
        kept = known & (torch.rand(known.shape, device=known.device) >= self.probability)
        return torch.where(kept.any(dim=1, keepdim=True), kept, known)
