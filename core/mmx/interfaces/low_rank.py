"""Low-rank additions to weights that a network reads past the layer that holds them.

``torch.nn.MultiheadAttention`` multiplies by ``in_proj_weight`` without calling a layer, and one
layer may make queries, keys and values at once. There the weight itself is W + (alpha / rank) B A
whenever it is read, on all of its rows or on those of one part alone. W stays the same tensor with
the same bits. ``torch.nn.utils.parametrize.remove_parametrizations`` merges.

Source: Hu et al. 2021, arXiv:2106.09685
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.nn.utils import parametrize

Rows = tuple[int, int]
"""Of a weight: the first one, and the one behind the last."""


class LowRank(nn.Module):
    """Weight [O, I] -> the same with (alpha / rank) B A added to some of its rows.

    Dropout hides inputs of the adapter, the same ones of all tokens of a batch.
    """

    def __init__(
        self, weight: Tensor, rows: Rows | None, rank: int, scale: float, dropout: float
    ) -> None:
        super().__init__()
        first, stop = rows or (0, len(weight))
        self._around = (0, 0, first, len(weight) - stop)
        self.scale = scale
        self.lora_A = nn.Parameter(weight.new_empty(rank, weight.shape[1]))
        self.lora_B = nn.Parameter(weight.new_zeros(stop - first, rank))
        self.lora_dropout = nn.Dropout(dropout)
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))  # as PyTorch draws a layer

    def forward(self, weight: Tensor) -> Tensor:
        """[O, I]."""
        first = self.lora_A * self.lora_dropout(torch.ones_like(self.lora_A[0]))
        return weight + pad(self.scale * (self.lora_B @ first), self._around)


def add_low_rank(
    module: nn.Module, tensor: str, rows: Rows | None, *, rank: int, scale: float, dropout: float
) -> None:
    """Let rows of a weight of a module be read with an addition, in place.

    Args:
        module: that holds the weight.
        tensor: its name there.
        rows: first one that gets the addition, and the one behind the last; None: all.
        rank: of B A.
        scale: alpha / rank.
        dropout: share of the inputs of the adapter that is hidden in training.
    """
    addition = LowRank(getattr(module, tensor), rows, rank, scale, dropout)
    parametrize.register_parametrization(module, tensor, addition)
