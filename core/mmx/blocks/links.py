"""Links of the usual targets: one of several classes, several labels, ordered levels."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmx.interfaces import Link


class Softmax(Link):
    """p = softmax(z): exactly one of C classes."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.inputs = classes

    def forward(self, raw: Tensor) -> Tensor:
        """The same [B, C]."""
        return raw

    def log_probs(self, logits: Tensor) -> Tensor:
        """[B, C]."""
        return logits.log_softmax(dim=-1)

    def logits(self, log_probs: Tensor) -> Tensor:
        """The same [B, C]: a constant on all logits of a row changes nothing."""
        return log_probs


class Sigmoid(Link):
    """p_l = sigmoid(z_l): each of L labels on its own; [B, L] -> [B, L, 2], absent and present."""

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.inputs = labels

    def forward(self, raw: Tensor) -> Tensor:
        """The same [B, L]."""
        return raw

    def log_probs(self, logits: Tensor) -> Tensor:
        """[B, L, 2]."""
        return torch.stack([F.logsigmoid(-logits), F.logsigmoid(logits)], dim=-1)

    def logits(self, log_probs: Tensor) -> Tensor:
        """[B, L], log-odds."""
        return log_probs[..., 1] - log_probs[..., 0]


class Cumulative(Link):
    """P(y > k) = sigmoid(f - t_k) with t_0 < t_1 < ...: C ordered levels on one scale.

    [B, 1] -> [B, C - 1]. The thresholds start where f = 0 gives the shares of the training part,
    and stay ordered: t_k = t_{k-1} + softplus(d_k). Thresholds without an order give probabilities
    below 0.

    Args:
        counts: [C], training rows of each level; a level without a row counts as one row.

    Source: McCullagh 1980, doi:10.1111/j.2517-6161.1980.tb01109.x.
    """

    def __init__(self, counts: Tensor) -> None:
        super().__init__()
        self.inputs = 1
        rows = counts.double().clamp(min=1)
        above = (rows.sum() - rows.cumsum(0))[:-1] / rows.sum()  # P(y > k), falling
        start = -above.logit()
        gaps = start.diff()
        self.first = nn.Parameter(start[:1].float())
        # softplus turned round: log(e^gap - 1)
        self.gaps = nn.Parameter((gaps + torch.log(-torch.expm1(-gaps))).float())

    @property
    def thresholds(self) -> Tensor:
        """t [C - 1], rising."""
        return torch.cat([self.first, self.first + F.softplus(self.gaps).cumsum(0)])

    def forward(self, raw: Tensor) -> Tensor:
        """f - t [B, C - 1] of f [B, 1]."""
        return raw - self.thresholds

    def log_probs(self, logits: Tensor) -> Tensor:
        """[B, C]."""
        return level_log_probs(logits)

    def logits(self, log_probs: Tensor) -> Tensor:
        """[B, C - 1]."""
        return cumulative_logits(log_probs)


def level_log_probs(logits: Tensor) -> Tensor:
    """Log-probabilities [..., C] of cumulative logits [..., C - 1], which fall along the last axis.

    log(sigmoid(a) - sigmoid(b)) = log sigmoid(a) + log sigmoid(-b) + log(1 - e^(b - a)) for the
    logits a > b on both sides of a level; at the ends one of them is not there.
    """
    above, below = F.logsigmoid(logits), F.logsigmoid(-logits)
    # logits that rounding has made equal: a probability of about 0, not its logarithm of -inf
    gap = (logits[..., :-1] - logits[..., 1:]).clamp(min=torch.finfo(logits.dtype).eps)
    inner = above[..., :-1] + below[..., 1:] + torch.log(-torch.expm1(-gap))
    return torch.cat([below[..., :1], inner, above[..., -1:]], dim=-1)


def cumulative_logits(log_probs: Tensor) -> Tensor:
    """Logits [..., C - 1] of P(y > k) from log-probabilities [..., C] of levels.

    They need not be normalised: log P(y > k) - log P(y <= k) is a difference of sums of them.
    """
    return log_above(log_probs) - log_above(log_probs.flip(-1)).flip(-1)


def log_above(log_probs: Tensor) -> Tensor:
    """log P(y > k) [..., C - 1] of log-probabilities [..., C], one for each k but the last."""
    level = torch.arange(log_probs.shape[-1], device=log_probs.device)
    above = level > level[:-1, None]  # [C - 1, C]
    return log_probs[..., None, :].masked_fill(~above, -torch.inf).logsumexp(dim=-1)
