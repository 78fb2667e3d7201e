"""DrFuse: what modalities share is one vector, what is their own stands beside it.

The release takes its divergence over all rows, absent ones included, leaves out one half of it, and
takes one modality for always there; here penalties see present modalities only. Its attention per
disease is a matter of heads, not of the fusion.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import log
from typing import ClassVar, Literal

import torch
from pydantic import Field, NonNegativeFloat
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, logsigmoid

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import PerModality, either_present, masked_softmax, real_pooled, same_width


class DrfuseParams(FusionParams):
    """Pools one shared vector and one of each modality by a learned query."""

    type: Literal["drfuse"] = "drfuse"
    source: ClassVar[str] = "Yao et al. 2024, DrFuse, arXiv:2403.06197"
    takes: ClassVar[tuple[int, int | None]] = (1, None)
    equal_widths: ClassVar[bool] = True

    align: NonNegativeFloat = Field(
        default=1.0, description="weight of the divergence between shared vectors"
    )
    distinct: NonNegativeFloat = Field(
        default=1.0, description="weight of |cos| between the shared and the own vector"
    )

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Drfuse":
        width = same_width("drfuse", *shapes.values())
        return Drfuse(tuple(shapes), width, self.dim, align=self.align, distinct=self.distinct)


class Drfuse(Fusion):
    """s_m = S x_m, r_m = R_m x_m, s = logit(mean over present m of sigmoid(s_m)) per channel.

    [B, D] each -> tokens {r_m of present m, s} [B, M + 1, dim]; f = sum_t w_t V t with w =
    softmax(q K t / sqrt(dim)). Penalties, over present modalities alone: ``align`` times the
    Jensen-Shannon divergence of the Bernoulli variables sigmoid(s_i) and sigmoid(s_j), mean over
    channels and pairs; ``distinct`` times the mean |cos(s_m, r_m)|. The parts are r_m and
    ``shared``, which is s.
    """

    def __init__(
        self,
        modalities: Sequence[str],
        width: int,
        dim: int,
        *,
        align: float = 1.0,
        distinct: float = 1.0,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.align = align
        self.distinct = distinct
        self.shared = nn.Linear(width, dim)
        self.own = PerModality({name: nn.Linear(width, dim) for name in modalities})
        self.query = nn.Parameter(torch.randn(dim) * 0.02)
        self.key, self.value = nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, features: Mapping[str, Features]) -> Features:
        x = {name: real_pooled(one) for name, one in features.items()}
        present = torch.stack([one.present for one in features.values()], dim=1)  # [B, M]
        here, some = present[..., None], either_present(*features.values())
        s = torch.stack([self.shared(vector) for vector in x.values()], dim=1)  # [B, M, dim]
        r = torch.stack([self.own[name](vector) for name, vector in x.items()], dim=1)
        s, r = s.masked_fill(~here, 0), r.masked_fill(~here, 0)
        common = mean_in_probability(s, present)
        tokens = torch.cat([r, common[:, None]], dim=1)
        mask = torch.cat([present, some[:, None]], dim=1)
        scores = self.key(tokens) @ self.query / self.dim**0.5
        weights = masked_softmax(scores, mask)
        return Features(
            tokens,
            mask,
            (weights[..., None] * self.value(tokens)).sum(dim=1),
            present=some,
            parts={**dict(zip(x, r.unbind(dim=1), strict=True)), "shared": common},
            explain={f"weight_{m}": w.detach() for m, w in self._named(weights, tuple(x)).items()},
            penalties={
                "align": self.align * _mean_divergence(s, present),
                "distinct": self.distinct * _mean_cosine(s, r, present),
            },
        )

    def _named(self, weights: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        return dict(zip((*names, "shared"), weights.unbind(dim=1), strict=True))


def mean_in_probability(s: Tensor, present: Tensor) -> Tensor:
    """logit(mean over present m of sigmoid(s_m)): [B, M, D] and [B, M] -> [B, D]; 0 without any."""
    some = present.any(dim=1, keepdim=True)
    absent = ~(present | ~some)[..., None]  # of none all, which stays finite and is then dropped
    high = logsigmoid(s).masked_fill(absent, float("-inf")).logsumexp(dim=1)
    low = logsigmoid(-s).masked_fill(absent, float("-inf")).logsumexp(dim=1)
    return (high - low).masked_fill(~some, 0)


def divergence(a: Tensor, b: Tensor) -> Tensor:
    """Jensen-Shannon divergence of Bernoulli variables with logits a and b, in nats, >= 0."""
    total = torch.zeros_like(a)
    for sign in (1, -1):  # of the value 1, then of the value 0
        p, q = logsigmoid(sign * a), logsigmoid(sign * b)
        middle = torch.logaddexp(p, q) - log(2)
        total = total + (p.exp() * (p - middle) + q.exp() * (q - middle)) / 2
    return total


def _mean_divergence(s: Tensor, present: Tensor) -> Tensor:
    """Mean over channels and the pairs that are present of s [B, M, D]; 0 of none."""
    found, pairs = [], []
    for i, j in combinations(range(s.shape[1]), 2):
        both = present[:, i] & present[:, j]
        found.append(divergence(s[:, i], s[:, j]).mean(dim=-1).masked_fill(~both, 0))
        pairs.append(both)
    if not found:
        return s.new_zeros(())
    return torch.stack(found).sum() / torch.stack(pairs).sum().clamp(min=1)


def _mean_cosine(s: Tensor, r: Tensor, present: Tensor) -> Tensor:
    """Mean |cos(s_m, r_m)| over the modalities that are present."""
    cosines = cosine_similarity(s, r, dim=-1).abs().masked_fill(~present, 0)
    return cosines.sum() / present.sum().clamp(min=1)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [DrfuseParams]
