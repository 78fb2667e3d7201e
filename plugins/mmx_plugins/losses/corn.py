"""CORN: is the level above k, asked only of rows that are at least k; monotone by construction.

Source: Shi et al. 2023, Deep Neural Networks for Rank-Consistent Ordinal Regression Based On
Conditional Probabilities, arXiv:2111.08851. Its divisor is the number of terms of each batch; here
it is the training mean, so that batches add up.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from mmx import hookimpl
from mmx.blocks import log_above
from mmx.interfaces import Link, Loss, LossParams, LossValue, Outputs, Params


class CornParams(LossParams):
    """Settings of CORN; it has none."""

    source: ClassVar[str] = "Shi et al. 2023, arXiv:2111.08851"
    tasks: ClassVar[frozenset[str]] = frozenset({"ordinal"})

    type: Literal["corn"] = "corn"

    def link(self, class_counts: Tensor) -> Link:
        return ConditionalLink(len(class_counts))

    def build(self, class_counts: Tensor) -> "Corn":
        counts = class_counts.double()
        asked = (torch.arange(len(counts)) + 1).clamp(max=len(counts) - 1)
        return Corn(float((counts * asked).sum() / counts.sum().clamp(min=1)))


class ConditionalLink(Link):
    """sigmoid(z_k) = P(y > k | y >= k) for C - 1 outputs; P(y > k) = prod_{j <= k} sigmoid(z_j)."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.inputs = levels - 1

    def forward(self, raw: Tensor) -> Tensor:
        return raw

    def log_probs(self, logits: Tensor) -> Tensor:
        reached = F.pad(F.logsigmoid(logits).cumsum(dim=-1), (1, 0))  # log P(y >= k), k = 0..C-1
        return reached + F.pad(F.logsigmoid(-logits), (0, 1))

    def logits(self, log_probs: Tensor) -> Tensor:
        return log_above(log_probs) - log_probs[..., :-1]


class Corn(Loss):
    """sum_k sum over rows with y >= k of BCE(z_k, [y > k]), over rows and terms of a row."""

    def __init__(self, per_row: float) -> None:
        super().__init__()
        self.per_row = per_row

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        precise = torch.promote_types(outputs.logits.dtype, torch.float32)
        logits = outputs.logits.to(precise)
        level = torch.arange(logits.shape[1], device=target.device)
        asked, above = target[:, None] >= level, target[:, None] > level
        each = F.softplus(torch.where(above, -logits, logits)).where(asked, 0)
        total = each.sum() / (len(each) * self.per_row)
        return LossValue(total, {"corn": total.detach()})


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [CornParams]
