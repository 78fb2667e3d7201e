"""HEALNet: learned latents read one modality after the other, layer by layer.

In the release a missing modality is skipped inside a verbosity branch, and self-attention runs in
any case; here a sample that lacks a modality keeps its latents as they are.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from einops import repeat
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import (
    AttentionLayer,
    PerModality,
    SelfAttentionLayer,
    fused_vector,
    real_pooled,
    real_tokens,
)


class HealnetParams(FusionParams):
    """Latents that are updated by each modality in turn."""

    type: Literal["healnet"] = "healnet"
    source: ClassVar[str] = "Hemker et al. 2024, HEALNet, arXiv:2311.09115"
    takes: ClassVar[tuple[int, int | None]] = (1, None)

    latents: PositiveInt = Field(default=16, description="number of learned latents")
    depth: PositiveInt = Field(default=2, description="times that all modalities are read")
    self_attention: bool = Field(
        default=True, description="latents attend to each other after each modality"
    )
    heads: PositiveInt = Field(default=4, description="attention heads; divides dim")
    ffn: NonNegativeInt = Field(
        default=2, description="hidden over outer width; 0: no feed-forward"
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="probability on each branch")

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Healnet":
        return Healnet(
            {name: shape.dim for name, shape in shapes.items()},
            self.dim,
            latents=self.latents,
            depth=self.depth,
            self_attention=self.self_attention,
            heads=self.heads,
            ffn=self.ffn,
            dropout=self.dropout,
        )


class Healnet(Fusion):
    """Z = Z + MHA_m(LN Z, LN X_m), Z = Z + FFN(LN Z), self-attention; m by m, ``depth`` times.

    [B, N_m, D_m] -> f = LN(mean Z), [B, dim]. Where m is missing Z stays as it is, which makes the
    sample one of a model without m.
    """

    # parameters: the numbers of the method, each a key of its settings; it is built without them
    def __init__(
        self,
        dims: Mapping[str, int],
        dim: int,
        *,
        latents: int = 16,
        depth: int = 2,
        self_attention: bool = True,
        heads: int = 4,
        ffn: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.latents = nn.Parameter(torch.randn(latents, dim) * 0.02)
        self.read = PerModality(
            {
                name: nn.ModuleList(
                    AttentionLayer(dim, width, heads, expansion=ffn, dropout=dropout)
                    for _ in range(depth)
                )
                for name, width in dims.items()
            }
        )
        self.mix = nn.ModuleList(
            SelfAttentionLayer(dim, heads, expansion=ffn, dropout=dropout)
            for _ in range(depth if self_attention else 0)
        )
        self.depth, self.norm = depth, nn.LayerNorm(dim)

    def forward(self, features: Mapping[str, Features]) -> Features:
        given = {name: real_tokens(one) for name, one in features.items()}
        z: Tensor = repeat(self.latents, "k d -> b k d", b=len(next(iter(given.values()))[0]))
        everyone = torch.ones(z.shape[:2], dtype=torch.bool, device=z.device)
        explain: dict[str, Tensor] = {}
        for k in range(self.depth):
            for name, (tokens, mask) in given.items():
                layer: AttentionLayer = self.read[name][k]  # type: ignore[assignment]
                if not self.training:
                    explain[f"latents_read_{name}_{k}"] = layer.weights(z, tokens, mask)
                updated = layer(z, tokens, mask)
                if self.mix:
                    updated = self.mix[k](updated, everyone)
                z = torch.where(features[name].present[:, None, None], updated, z)
        return fused_vector(
            self.norm(z.mean(dim=1)),
            *features.values(),
            parts={name: real_pooled(one) for name, one in features.items()},
            explain=explain,
        )


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [HealnetParams]
