"""Attention pooling: a weighted mean of the tokens, with learned weights, then a linear layer.

Source: Ilse et al. 2018, Attention-based Deep Multiple Instance Learning, arXiv:1802.04712; ``map``
after Lee et al. 2019, Set Transformer, arXiv:1810.00825, in the form of timm.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from einops import einsum, rearrange
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from mmx import hookimpl
from mmx.blocks import masked_softmax
from mmx.errors import ShapeError
from mmx.interfaces import Features, Head, HeadOutput, HeadParams, Params


class AttentionPoolParams(HeadParams):
    """Settings of attention pooling; with vector fusions (one token) pooling does nothing."""

    source: ClassVar[str] = "Ilse et al. 2018, arXiv:1802.04712"

    type: Literal["attention_pool"] = "attention_pool"
    pool: Literal["gated", "attention", "map"] = Field(
        default="gated",
        description="tanh and sigmoid, tanh alone, or a learned query with several heads",
    )
    hidden: PositiveInt = Field(
        default=128, description="width of the scores of gated and attention"
    )
    heads: PositiveInt = Field(
        default=8, description="attention heads of map; they divide the channels"
    )

    def build(self, dim: int, classes: int) -> "AttentionPool":
        if self.pool == "map":
            return AttentionPool(LatentPool(dim, self.heads), dim, classes)
        return AttentionPool(ScorePool(dim, self.hidden, self.pool == "gated"), dim, classes)


class AttentionPool(Head):
    """[B, N, D] -> pooled [B, D] -> [B, C]; explains by weights [B, N] (map: mean over heads)."""

    def __init__(self, pool: "ScorePool | LatentPool", dim: int, classes: int) -> None:
        super().__init__()
        self.pool = pool
        self.last = nn.Linear(dim, classes)

    def forward(self, features: Features) -> HeadOutput:
        tokens = features.tokens.masked_fill(~features.mask[..., None], 0)
        pooled, weights = self.pool(tokens, features.mask)
        return HeadOutput(self.last(pooled), explain={"attention": weights.detach()})


class ScorePool(nn.Module):
    """z = sum_k w_k h_k with w = softmax(w^T(tanh(V h) * sigmoid(U h))); without U: no gate."""

    def __init__(self, dim: int, hidden: int, gated: bool) -> None:
        super().__init__()
        self.value = nn.Linear(dim, hidden)
        self.gate = nn.Linear(dim, hidden) if gated else None
        self.score = nn.Linear(hidden, 1, bias=False)  # a bias would not change a softmax

    def forward(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled [B, D] and weights [B, N] of tokens [B, N, D] with mask [B, N]."""
        hidden = self.value(tokens).tanh()
        if self.gate is not None:
            hidden = hidden * self.gate(tokens).sigmoid()
        weights = masked_softmax(self.score(hidden)[..., 0], mask)
        return einsum(weights.to(tokens.dtype), tokens, "b n, b n d -> b d"), weights


class LatentPool(nn.Module):
    """A learned query attends to the tokens; x = Proj(heads), then x + MLP(LN x)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if dim % heads:
            raise ShapeError(
                f"head.attention_pool: heads must divide the channels, got {heads} heads for "
                f"{dim} channels; choose heads that divide {dim}"
            )
        self.heads = heads
        self.latent = nn.Parameter(nn.init.trunc_normal_(torch.empty(dim), std=dim**-0.5))
        self.query, self.key, self.value = (nn.Linear(dim, dim) for _ in range(3))
        self.project = nn.Linear(dim, dim)
        self.norm = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled [B, D] and weights [B, N] of tokens [B, N, D] with mask [B, N]."""
        query = rearrange(self.query(self.latent), "(h d) -> h d", h=self.heads)
        key = rearrange(self.key(tokens), "b n (h d) -> b h n d", h=self.heads)
        value = rearrange(self.value(tokens), "b n (h d) -> b h n d", h=self.heads)
        scores = einsum(query, key, "h d, b h n d -> b h n") * query.shape[-1] ** -0.5
        weights = masked_softmax(scores, mask[:, None])
        mixed = einsum(weights.to(value.dtype), value, "b h n, b h n d -> b h d")
        pooled = self.project(rearrange(mixed, "b h d -> b (h d)"))
        return pooled + self.mlp(self.norm(pooled)), weights.mean(dim=1)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [AttentionPoolParams]
