"""Gated multimodal unit (GMU): a gate decides how much of each modality to keep.

Watch the gate: it may collapse to the easier modality. Its mean and entropy belong in every report.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from einops import rearrange
from pydantic import Field
from torch import Tensor, nn

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import Norm, PerModality, fused_vector, real_pooled, vector_norm

Gate = Literal["vector", "scalar", "sigmoid"]


class GatedParams(FusionParams):
    """Mixes all modalities by a learned gate."""

    type: Literal["gated"] = "gated"
    source: ClassVar[str] = "Arevalo et al. 2017, Gated Multimodal Units, arXiv:1702.01992"
    takes: ClassVar[tuple[int, int | None]] = (1, None)

    gate: Gate = Field(
        default="vector",
        description="vector, scalar: shares of the modalities per channel, or per sample, that sum "
        "to 1; sigmoid: one gate in (0, 1) per modality and channel, as the source has it for more "
        "than two",
    )
    norm: Norm = Field(
        default="layer",
        description="in front of the projections; batch: as the reference, with projections and "
        "gate without bias and the gate on the projected vectors",
    )

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def build(self, shapes: Mapping[str, FeatureShape]) -> "GatedMultimodalUnit":
        dims = {name: shape.dim for name, shape in shapes.items()}
        return GatedMultimodalUnit(dims, self.dim, gate=self.gate, norm=self.norm)


class GatedMultimodalUnit(Fusion):
    """f = sum_m g_m tanh(W_m x_m), g = softmax over present m of G_m [x_1; ...; x_M].

    [B, D_m] -> [B, dim]. Only differences count in a softmax, so that the last G_m is 0: with two
    modalities g_1 = sigmoid(G_1 [x_1; x_2]) and g_2 = 1 - g_1. ``sigmoid``: g_m = sigmoid(G_m ...)
    for each present m. A missing modality is 0 in what G sees. G starts at 0: equal shares.
    """

    def __init__(
        self,
        dims: Mapping[str, int],
        dim: int,
        *,
        gate: Gate = "vector",
        norm: Norm = "layer",
    ) -> None:
        super().__init__()
        self.dim, self.shares = dim, gate != "sigmoid"
        self.gate_on_projected = norm == "batch"
        bias = not self.gate_on_projected
        self.norm = PerModality({name: vector_norm(norm, width) for name, width in dims.items()})
        self.project = PerModality(
            {name: nn.Linear(width, dim, bias=bias) for name, width in dims.items()}
        )
        seen = len(dims) * dim if self.gate_on_projected else sum(dims.values())
        free = len(dims) - self.shares  # gates that learn
        self.gate = None
        if free:
            self.gate = nn.Linear(seen, free * (1 if gate == "scalar" else dim), bias=bias)
            for parameter in self.gate.parameters():
                nn.init.zeros_(parameter)

    def forward(self, features: Mapping[str, Features]) -> Features:
        pooled = {name: real_pooled(one) for name, one in features.items()}
        x = {name: self.norm[name](vector) for name, vector in pooled.items()}
        u = {name: self.project[name](vector) for name, vector in x.items()}
        g = self._gates(u if self.gate_on_projected else x, features)
        fused = (g * torch.stack([*u.values()], dim=1).tanh()).sum(dim=1)
        gates = {f"gate_{name}": of_one for name, of_one in zip(x, g.unbind(dim=1), strict=True)}
        return fused_vector(fused, *features.values(), parts=pooled, explain=gates)

    def _gates(self, seen: Mapping[str, Tensor], features: Mapping[str, Features]) -> Tensor:
        """[B, M, dim] or [B, M, 1], in [0, 1]."""
        present = torch.stack([one.present for one in features.values()], dim=1)  # [B, M]
        if self.gate is None:
            return present[..., None].to(next(iter(seen.values())).dtype)
        inputs = [x.masked_fill(~features[m].present[:, None], 0) for m, x in seen.items()]
        free = len(seen) - self.shares
        seen_by_all = torch.cat(inputs, dim=-1)
        logits: Tensor = rearrange(self.gate(seen_by_all), "b (m d) -> b m d", m=free)
        if not self.shares:
            return logits.sigmoid().masked_fill(~present[..., None], 0)
        logits = torch.cat([logits, torch.zeros_like(logits[:, :1])], dim=1)
        last = torch.arange(len(seen), device=present.device) == len(seen) - 1
        present = present | (last & ~present.any(dim=1, keepdim=True))  # of none, the last one's 0
        # at least one is present, so a plain softmax over m is never of nothing
        return logits.masked_fill(~present[..., None], -torch.inf).softmax(dim=1)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [GatedParams]
