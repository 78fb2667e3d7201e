"""The encoder: two strided convolutions over time, and attention that pools what they give."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from mmx import Encoder, EncoderParams, Features, FeatureShape, Params, hookimpl
from pydantic import Field, PositiveInt
from torch import nn

from mmx_ecg.leads import LEADS, Leads, LeadsInput

MMX_API = 2


class EcgParams(EncoderParams):
    """Settings of the encoder; frozen, its convolutions stay as they were drawn."""

    modality: ClassVar[str] = "ecg"

    type: Literal["ecg"] = "ecg"
    length: PositiveInt = Field(default=500, description="samples in time of each lead")
    dim: PositiveInt = Field(default=32, description="width of a token, channels")

    def build(self) -> "Ecg":
        """Random convolutions."""
        return Ecg(self.length, self.dim)


class Ecg(Encoder):
    """[B, 12, T] -> tokens [B, N, dim], one for each stretch of time; pooled by attention."""

    input = LeadsInput

    def __init__(self, length: int, dim: int) -> None:
        super().__init__()
        self.length, self.shape = length, FeatureShape(dim)
        self.weights = {"origin": "random"}
        self.layers = nn.Sequential(
            nn.Conv1d(LEADS, dim, 15, stride=5, padding=7),
            nn.GELU(),
            nn.Conv1d(dim, dim, 7, stride=4, padding=3),
        )
        self.score = nn.Linear(dim, 1)

    def forward(self, leads: Leads) -> Features:
        """Encode; in eval mode ``time`` [B, N] says how much each stretch counts."""
        tokens = self.layers(leads.values).transpose(1, 2)
        weights = self.score(tokens)[..., 0].softmax(dim=1)
        explain = {} if self.training else {"time": weights.detach()}
        mask = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        pooled = (weights[..., None] * tokens).sum(dim=1)
        return Features(tokens, mask, pooled, present=leads.present, explain=explain)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of the encoder."""
    return [EcgParams]
