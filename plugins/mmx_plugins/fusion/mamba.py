"""State-space fusion: a bidirectional selective scan over the tokens of two modalities.

At these lengths it is no cheaper than attention, and the order of tokens matters: report both
orders of the modalities, and the same block without its scan (``mixer: gated_conv``).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import ceil, isqrt
from typing import ClassVar, Literal, Self

import torch
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn
from torch.nn.functional import pad, silu

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl
from mmx.blocks import (
    LearnedPlaceholder,
    fused_vector,
    pool_grid,
    real_first,
    real_pooled,
    real_tokens,
)
from mmx.interfaces import masked_mean
from mmx_plugins.fusion._mamba import ScalarStateSpace, SelectiveStateSpace, compiled_scan

Ssm = Literal["ssd", "sequential", "mamba_ssm"]
Mixer = Literal["ssm", "gated_conv"]
BuildScan = Callable[..., nn.Module]


class MambaParams(PairFusionParams):
    """Selective state space over the concatenated tokens, in both directions."""

    type: Literal["mamba"] = "mamba"
    source: ClassVar[str] = (
        "Wan et al. 2025, Sigma, arXiv:2404.04256; Dao and Gu 2024, arXiv:2405.21060"
    )

    expected_failures: ClassVar[Mapping[str, str]] = {
        "order_of_joined": "a scan reads tokens one after the other, so that their order matters"
    }

    dim: PositiveInt = Field(
        default=256, multiple_of=2, description="width of the result, channels; even"
    )
    blocks: PositiveInt = Field(default=1, description="number of blocks")
    state: PositiveInt = Field(default=16, description="size of the state per channel")
    expand: PositiveInt = Field(
        default=2, description="width inside a block over its outer width dim / 2"
    )
    head_dim: PositiveInt = Field(default=64, description="channels with one decay; for ssm: ssd")
    conv: PositiveInt = Field(default=4, description="tokens that the causal convolution sees")
    bidirectional: bool = Field(default=True, description="scan backwards as well")
    image_tokens: Literal[16, 49] = Field(
        default=49, description="more tokens of an image are pooled to a square grid of so many"
    )
    ssm: Ssm = Field(
        default="ssd",
        description="ssd: one decay per head, as matmuls; sequential: full decay, step by step; "
        "mamba_ssm: the same by a CUDA kernel",
    )
    mixer: Mixer = Field(default="ssm", description="gated_conv: the same block without its scan")
    cross_gate: bool = Field(
        default=False, description="gate the channels of each modality by the mean of the other"
    )

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        inner = self.expand * self.dim // 2
        if self.ssm == "ssd" and self.mixer == "ssm" and inner % self.head_dim:
            raise ValueError(
                f"head_dim = {self.head_dim} does not divide expand * dim / 2 = {inner}"
            )
        return self

    def build_pair(self, first: FeatureShape, second: FeatureShape) -> "Mamba":
        width = self.dim // 2
        build_block = partial(
            Block,
            width,
            self.expand * width,
            conv=self.conv,
            build_scan=self._scan() if self.mixer == "ssm" else None,
            bidirectional=self.bidirectional,
        )
        return Mamba(
            first,
            second,
            self.dim,
            [build_block() for _ in range(self.blocks)],
            image_tokens=self.image_tokens,
            cross_gate=self.cross_gate,
        )

    def _scan(self) -> BuildScan:
        inner = self.expand * self.dim // 2
        if self.ssm == "ssd":
            return partial(ScalarStateSpace, inner, self.state, self.head_dim)
        scan = compiled_scan() if self.ssm == "mamba_ssm" else None
        rank = ceil(self.dim / 2 / 16)
        return partial(SelectiveStateSpace, inner, self.state, rank, scan=scan)


class Mamba(PairFusion):
    """z = [A + e_1; T + e_2], blocks on z, f = [mean of A's places; mean of T's]: -> [B, dim].

    z is dim / 2 wide; A is the first modality, T the second. Real tokens stand together, so that no
    gap leaks through the convolution. a missing modality has no token, and its mean is a learned
    vector.
    """

    def __init__(
        self,
        first: FeatureShape,
        second: FeatureShape,
        dim: int,
        blocks: Sequence["Block"],
        *,
        image_tokens: int = 49,
        cross_gate: bool = False,
    ) -> None:
        super().__init__()
        self.dim = dim
        width = dim // 2
        grid = isqrt(image_tokens)
        self.first_grid, self.second_grid = (grid if one.grid else None for one in (first, second))
        self.first, self.second = nn.Linear(first.dim, width), nn.Linear(second.dim, width)
        self.modality = nn.Parameter(torch.randn(2, width) * 0.02)  # e_1, e_2
        self.blocks = nn.ModuleList(blocks)
        self.no_first = LearnedPlaceholder(width)
        self.no_second = LearnedPlaceholder(width)
        self.first_gate = CrossGate(width) if cross_gate else None
        self.second_gate = CrossGate(width) if cross_gate else None

    def forward(self, first: Features, second: Features) -> Features:
        a, first_mask = _pooled(*real_tokens(first), self.first_grid)
        t, second_mask = _pooled(*real_tokens(second), self.second_grid)
        z = torch.cat([self.first(a) + self.modality[0], self.second(t) + self.modality[1]], dim=1)
        mask = torch.cat([first_mask, second_mask], dim=1)
        is_first = torch.arange(z.shape[1], device=z.device).lt(a.shape[1]).expand_as(mask)
        order = real_first(mask)
        z = z.take_along_dim(order[..., None], dim=1)
        mask, is_first = mask.take_along_dim(order, dim=1), is_first.take_along_dim(order, dim=1)
        for block in self.blocks:
            z = block(z, mask)
        m_1 = self.no_first.instead_of(masked_mean(z, mask & is_first), first.present)
        m_2 = self.no_second.instead_of(masked_mean(z, mask & ~is_first), second.present)
        explain: dict[str, Tensor] = {}
        if self.first_gate is not None and self.second_gate is not None:
            explain = {"first_gate": self.first_gate(m_2), "second_gate": self.second_gate(m_1)}
            m_1, m_2 = m_1 * explain["first_gate"], m_2 * explain["second_gate"]
        parts = {"first": real_pooled(first), "second": real_pooled(second)}
        fused = torch.cat([m_1, m_2], dim=-1)
        return fused_vector(fused, first, second, parts=parts, explain=explain)


def _pooled(tokens: Tensor, mask: Tensor, grid: int | None) -> tuple[Tensor, Tensor]:
    """Tokens of an image pooled to a grid with this side; any others as they are."""
    return (tokens, mask) if grid is None else pool_grid(tokens, mask, grid)


class Block(nn.Module):
    """(x, g) = split(W_in LN z); x = SiLU(conv(mask x)); y = scans of x; z + W_out(LN(y) SiLU(g)).

    Args:
        width: of z.
        inner: of x, g and y.
        conv: tokens that the causal depthwise convolution sees.
        build_scan: makes the scan, given ``reverse``; without one y = x.
        bidirectional: add a second scan from the last token to the first.
    """

    def __init__(
        self,
        width: int,
        inner: int,
        *,
        conv: int = 4,
        build_scan: BuildScan | None = None,
        bidirectional: bool = True,
    ) -> None:
        super().__init__()
        self.norm, self.inner_norm = nn.LayerNorm(width), nn.LayerNorm(inner)
        self.enter, self.leave = nn.Linear(width, 2 * inner), nn.Linear(inner, width)
        self.conv = CausalConv(inner, conv)
        self.forwards = build_scan(reverse=False) if build_scan else None
        self.backwards = build_scan(reverse=True) if build_scan and bidirectional else None

    def forward(self, z: Tensor, mask: Tensor) -> Tensor:
        """Update z [B, L, width]; real tokens of mask [B, L] stand together."""
        x, g = self.enter(self.norm(z)).chunk(2, dim=-1)
        x = silu(self.conv(x.masked_fill(~mask[..., None], 0)))
        y = x if self.forwards is None else self.forwards(x, mask)
        if self.backwards is not None:
            y = y + self.backwards(x, mask)
        updated: Tensor = z + self.leave(self.inner_norm(y) * silu(g))
        return updated


class CausalConv(nn.Module):
    """y_t = bias + sum_k weight_k x_(t-k), per channel."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        bound = size**-0.5
        self.weight = nn.Parameter(torch.empty(size, channels).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve [B, L, D]; before the first token stand zeros."""
        y, length = self.bias + self.weight[0] * x, x.shape[1]
        for k, weight in enumerate(self.weight[1:], start=1):
            # a few products of shifted sequences are faster than a depthwise conv1d on CPU
            y = y + weight * pad(x, (0, 0, k, 0))[:, :length]
        return y


class CrossGate(nn.Module):
    """Squeeze-excite gate in (0, 1) from the other modality's mean; 0.5 at the start."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.squeeze, self.excite = (
            nn.Linear(width, width // 4 or 1),
            nn.Linear(width // 4 or 1, width),
        )
        nn.init.zeros_(self.excite.weight)
        nn.init.zeros_(self.excite.bias)

    def forward(self, other: Tensor) -> Tensor:
        """Gate [B, width] from [B, width]."""
        gate: Tensor = self.excite(self.squeeze(other).relu()).sigmoid()
        return gate


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MambaParams]
