"""IBFA of MIBF-Net: each modality reads itself and the other in one attention, both ways.

With one token per modality it is a scalar gate per head between the two values: give it tokens, or
claim nothing about alignment. What the letters stand for is not known, so nothing is made up here.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl
from mmx.blocks import (
    LearnedPlaceholder,
    attention_weights,
    check_heads,
    fused_vector,
    masked_attention,
    merge_heads,
    real_tokens,
    split_heads,
)
from mmx.interfaces import masked_mean

REFERENCE = {"tokens": False, "residual": False, "heads": 1}


class IbfaParams(PairFusionParams):
    """Both modalities read themselves and each other."""

    type: Literal["ibfa"] = "ibfa"
    source: ClassVar[str] = "public repository of MIBF-Net; the paper itself was not available"

    heads: PositiveInt = Field(default=8, description="attention heads; divides dim")
    tokens: bool = Field(
        default=True, description="false: one token per modality, its pooled vector"
    )
    residual: bool = Field(
        default=True,
        description="LayerNorm before the attention and the sum with its input after it",
    )
    reference: bool = Field(
        default=False,
        description="true: as published: pooled vectors, one head unless heads is given, neither "
        "residual nor LayerNorm",
    )

    @model_validator(mode="before")
    @classmethod
    def _as_published(cls, given: object) -> object:
        """Let ``reference`` choose what is not given, so that a resolved spec tells the truth."""
        if not isinstance(given, Mapping) or given.get("reference") is not True:
            return given
        chosen = {**REFERENCE, **given}
        for name in ("tokens", "residual"):
            if chosen[name] is not False:
                raise ValueError(f"reference: true means {name}: false; leave {name} out")
        return chosen

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled", "tokens"} if self.tokens else {"pooled"})

    def build_pair(self, first: FeatureShape, second: FeatureShape) -> "Ibfa":
        return Ibfa(
            first.dim,
            second.dim,
            self.dim,
            heads=self.heads,
            tokens=self.tokens,
            residual=self.residual,
        )


class Ibfa(PairFusion):
    """[B, N, D_first] and [B, M, D_second] -> [B, dim]: f = Linear([mean o_1; mean o_2]).

    o_1 = first reads (first, second), o_2 = second reads (second, first), by independent modules.
    Keys of a missing modality are masked, and a learned vector stands for its stream. The parts
    ``first`` and ``second`` are the means of o_1 and o_2.
    """

    def __init__(
        self,
        first_dim: int,
        second_dim: int,
        dim: int,
        *,
        heads: int = 8,
        tokens: bool = True,
        residual: bool = True,
    ) -> None:
        super().__init__()
        self.dim, self.tokens = dim, tokens
        self.first_reads = ReadingAttention(
            first_dim, second_dim, dim, heads=heads, residual=residual
        )
        self.second_reads = ReadingAttention(
            second_dim, first_dim, dim, heads=heads, residual=residual
        )
        self.no_first = LearnedPlaceholder(first_dim)
        self.no_second = LearnedPlaceholder(second_dim)
        self.out = nn.Linear(first_dim + second_dim, dim)

    def forward(self, first: Features, second: Features) -> Features:
        if not self.tokens:
            first = Features.of_pooled(first.pooled, first.present)
            second = Features.of_pooled(second.pooled, second.present)
        (a, first_mask), (t, second_mask) = real_tokens(first), real_tokens(second)
        explain: dict[str, Tensor] = {}
        if not self.training:
            of_first = self.first_reads.weights(a, t, first_mask, second_mask)
            of_second = self.second_reads.weights(t, a, second_mask, first_mask)
            n, m = a.shape[1], t.shape[1]
            first_first, first_second = torch.split(of_first, [n, m], dim=2)
            second_second, second_first = torch.split(of_second, [m, n], dim=2)
            explain = {
                "first_reads_first": first_first, "first_reads_second": first_second,
                "second_reads_first": second_first, "second_reads_second": second_second,
            }  # fmt: skip
        o_1 = masked_mean(self.first_reads(a, t, first_mask, second_mask), first_mask)
        o_2 = masked_mean(self.second_reads(t, a, second_mask, first_mask), second_mask)
        o_1 = self.no_first.instead_of(o_1, first.present)
        o_2 = self.no_second.instead_of(o_2, second.present)
        fused = self.out(torch.cat([o_1, o_2], dim=-1))
        parts = {"first": o_1, "second": o_2}
        return fused_vector(fused, first, second, parts=parts, explain=explain)


class ReadingAttention(nn.Module):
    """x reads (x, y): Q = W_q x, K = [W_kx x; W_ky y], V = [W_vx x; W_vy y], o = W_o softmax(..) V.

    Args:
        dim: width of x and of the result.
        other_dim: width of y.
        width: of all heads together.
        heads: number of heads; divides ``width``.
        residual: LayerNorm in front, and x added to the result.
    """

    def __init__(self, dim: int, other_dim: int, width: int, *, heads: int, residual: bool) -> None:
        super().__init__()
        check_heads(width, heads)
        self.heads, self.residual = heads, residual
        self.norm = nn.LayerNorm(dim) if residual else nn.Identity()
        self.other_norm = nn.LayerNorm(other_dim) if residual else nn.Identity()
        self.query_key_value = nn.Linear(dim, 3 * width)
        self.other_key_value = nn.Linear(other_dim, 2 * width)
        self.out = nn.Linear(width, dim)

    def forward(self, x: Tensor, y: Tensor, mask: Tensor, other_mask: Tensor) -> Tensor:
        """x [B, N, dim] reads itself and y [B, M, other_dim]: [B, N, dim]."""
        q, k, v = self._project(x, y)
        keys = torch.cat([mask, other_mask], dim=1)
        o: Tensor = self.out(merge_heads(masked_attention(q, k, v, keys)))
        return x + o if self.residual else o

    @torch.no_grad()
    def weights(self, x: Tensor, y: Tensor, mask: Tensor, other_mask: Tensor) -> Tensor:
        """Attention [B, N, N + M] over x, then y; mean over the heads."""
        q, k, _ = self._project(x, y)
        return attention_weights(q, k, torch.cat([mask, other_mask], dim=1))

    def _project(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k_x, v_x = self.query_key_value(self.norm(x)).chunk(3, dim=-1)
        k_y, v_y = self.other_key_value(self.other_norm(y)).chunk(2, dim=-1)
        k, v = torch.cat([k_x, k_y], dim=1), torch.cat([v_x, v_y], dim=1)
        return tuple(split_heads(sequence, self.heads) for sequence in (q, k, v))  # type: ignore[return-value]


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [IbfaParams]
