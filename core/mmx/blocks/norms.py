"""Normalisation of vectors, one per sample."""

from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import batch_norm

Norm = Literal["layer", "batch"]
"""Which norm stands in a layer."""


def vector_norm(kind: Norm, width: int) -> nn.Module:
    """LayerNorm or BatchNorm of [B, width]."""
    return nn.LayerNorm(width) if kind == "layer" else PatientBatchNorm(width)


class PatientBatchNorm(nn.BatchNorm1d):
    """BatchNorm of [B, D] that takes its running statistics for a batch of one.

    One sample has no variance; the ordinary layer raises an error then.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalise [B, D]."""
        if len(input) > 1 or not self.training:
            return super().forward(input)
        mean, variance = self.running_mean, self.running_var
        return batch_norm(input, mean, variance, self.weight, self.bias, False, 0.0, self.eps)
