"""Gated multimodal unit (GMU): a gate decides how much of each modality to keep.

Watch the gate: it may collapse to the easier modality. Its mean and entropy belong in every report.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import nn

from mmx import Features, FeatureShape, PairFusion, PairFusionParams, Params, hookimpl
from mmx.blocks import Norm, fused_vector, real_pooled, vector_norm


class GatedParams(PairFusionParams):
    """Mixes both modalities by a learned gate."""

    type: Literal["gated"] = "gated"
    source: ClassVar[str] = "Arevalo et al. 2017, Gated Multimodal Units, arXiv:1702.01992"

    gate: Literal["vector", "scalar"] = Field(
        default="vector", description="one gate in (0, 1) per channel, or one per sample"
    )
    norm: Norm = Field(
        default="layer",
        description="in front of the projections; batch: as the reference, with projections and "
        "gate without bias and the gate on the projected vectors",
    )

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> "Gated":
        return Gated(image.dim, text.dim, self.dim, gate=self.gate, norm=self.norm)


class Gated(PairFusion):
    """[B, D_image] and [B, D_text] -> [B, dim].

    h_v = tanh(W_v x_v), h_t = tanh(W_t x_t), z = sigmoid(W_z [x_v; x_t]), f = z h_v + (1 - z) h_t;
    z is 1 without a text and 0 without an image. W_z starts at 0, so that z starts at 0.5.
    """

    def __init__(
        self,
        image_dim: int,
        text_dim: int,
        dim: int,
        *,
        gate: Literal["vector", "scalar"] = "vector",
        norm: Norm = "layer",
    ) -> None:
        super().__init__()
        self.dim = dim
        self.gate_on_projected = norm == "batch"
        bias = not self.gate_on_projected
        self.image_norm, self.text_norm = vector_norm(norm, image_dim), vector_norm(norm, text_dim)
        self.image = nn.Linear(image_dim, dim, bias=bias)
        self.text = nn.Linear(text_dim, dim, bias=bias)
        seen = 2 * dim if self.gate_on_projected else image_dim + text_dim
        self.gate = nn.Linear(seen, dim if gate == "vector" else 1, bias=bias)
        for parameter in self.gate.parameters():
            nn.init.zeros_(parameter)

    def forward(self, image: Features, text: Features) -> Features:
        a, t = real_pooled(image), real_pooled(text)
        x_v, x_t = self.image_norm(a), self.text_norm(t)
        u_v, u_t = self.image(x_v), self.text(x_t)
        seen = [u_v, u_t] if self.gate_on_projected else [x_v, x_t]
        z = self.gate(torch.cat(seen, dim=-1)).sigmoid()  # [B, dim] or [B, 1], in (0, 1)
        z = z.masked_fill(~text.present[:, None], 1).masked_fill(~image.present[:, None], 0)
        fused = z * u_v.tanh() + (1 - z) * u_t.tanh()
        parts = {"first": a, "second": t}
        return fused_vector(fused, image, text, parts=parts, explain={"gate": z})


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [GatedParams]
