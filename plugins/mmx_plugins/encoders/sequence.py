"""Image encoder: a sequence model over the ordered images of a sample.

The levels of a spine study, slices, or a lesion's photographs pass one shared backbone; a BiLSTM or
a transformer reads what it gives. Sources: Graves & Schmidhuber 2005,
doi:10.1016/j.neunet.2005.06.042; Vaswani et al. 2017, arXiv:1706.03762. Its use here is unverified.
"""

from collections.abc import Sequence as Several
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, cast

import torch
from einops import einsum, rearrange
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mmx import (
    Backbone,
    DataError,
    Encoder,
    EncoderParams,
    Features,
    FeatureShape,
    Params,
    hookimpl,
)
from mmx.blocks import SelfAttentionLayer, check_heads, masked_softmax, real_first
from mmx.interfaces import BackboneOutput, WrappingEncoder, WrappingParams

Positions = Literal["learned", "sinusoidal", "none"]
Pool = Literal["attention", "mean", "centre"]


class SequenceParams(WrappingParams):
    """Settings of a sequence model over images."""

    source = "Graves & Schmidhuber 2005, doi:10.1016/j.neunet.2005.06.042"

    type: Literal["sequence"] = "sequence"
    backbone: Backbone = Field(
        default=cast(EncoderParams, "timm"),  # checked like what is given
        validate_default=True,
        description="encoder of each image",
    )
    model: Literal["bilstm", "transformer", "none"] = Field(
        default="bilstm", description="what reads the sequence; none pools the images as they are"
    )
    width: PositiveInt = Field(
        default=256, description="of a bilstm per direction, of a transformer in all, channels"
    )
    layers: PositiveInt | None = Field(
        default=None, description="null: 1 of a bilstm, 2 of a transformer"
    )
    heads: PositiveInt = Field(default=4, description="of a transformer; they divide the width")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="inside a transformer")
    positions: Positions = Field(
        default="learned", description="added before the sequence model; none: without order"
    )
    longest: PositiveInt = Field(default=32, description="most images that learned positions know")
    pool: Pool = Field(
        default="attention",
        description="centre: the label is that of the middle image, as with spine's context",
    )

    def build(self) -> "Sequence":
        return Sequence(self, self.backbone.build())


class Sequence(WrappingEncoder):
    """[B, V, 3, H, W] -> tokens [B, V, D'], one for each image, pooled [B, D'].

    D' is twice the width of a BiLSTM, the width of a transformer, or that of the backbone.
    """

    def __init__(self, params: SequenceParams, backbone: Encoder) -> None:
        super().__init__(backbone)
        dim = backbone.shape.dim
        self.positions = _Positions(params.positions, params.longest, dim)
        self.model = _model(params, dim)
        self.shape = FeatureShape(getattr(self.model, "dim", dim))
        self.pool = params.pool
        self.shown_by_heat = self.pool != "centre"
        self.score = nn.Linear(self.shape.dim, 1, bias=False) if self.pool == "attention" else None
        if self.score is not None:
            nn.init.zeros_(self.score.weight)  # starts as the mean over the images

    def check_views(self, most: int) -> None:
        if self.positions.kind == "learned" and most > self.positions.longest:
            raise DataError(
                f"samples have up to {most} images and the learned positions of encoder.sequence "
                f"end at {self.positions.longest}; set longest: {most}"
            )

    def looked_at(self, mask: Tensor, centre: int = 0) -> int:
        here = self.pool == "centre" and bool(mask[centre])
        return centre if here else super().looked_at(mask, centre)

    def needs(self, reads: frozenset[str]) -> frozenset[str]:
        return frozenset({"pooled"})

    def combine(self, seen: BackboneOutput) -> Features:
        indices = places_around(seen.mask, seen.centre)
        read = self.positions(seen.pooled, indices)
        read = self.model(read.masked_fill(~seen.mask[..., None], 0), seen.mask)
        weights = self._weights(read, seen.mask, indices)
        pooled = einsum(weights.to(read.dtype), read, "b v, b v d -> b d")
        return Features(read, seen.mask, pooled, explain={"view weights": weights.detach()})

    def _weights(self, read: Tensor, mask: Tensor, indices: Tensor) -> Tensor:
        """[B, V], how much of each image is pooled; 0 where there is none."""
        if self.score is not None:
            return masked_softmax(self.score(read)[..., 0], mask)
        if self.pool == "centre":
            middle = (indices == 0) & mask
            mask = torch.where(middle.any(dim=1, keepdim=True), middle, mask)
        return mask / mask.sum(dim=1, keepdim=True).clamp(min=1)


def places_around(mask: Tensor, centre: Tensor) -> Tensor:
    """[B, V], int64: where each image of a mask [B, V] stands, counted from its row's centre [B].

    It is 0 where there is no image, so that other rows' many images are nowhere to be seen.
    """
    indices = torch.arange(mask.shape[1], device=mask.device) - centre[:, None]
    return indices.masked_fill(~mask, 0)


class _Positions(nn.Module):
    """Adds where an image stands, counted from its row's centre, so that 1 image stands there."""

    def __init__(self, kind: Positions, longest: int, dim: int) -> None:
        super().__init__()
        self.kind, self.longest = kind, longest
        self.table = nn.Parameter(torch.zeros(longest, dim)) if kind == "learned" else None

    def forward(self, x: Tensor, indices: Tensor) -> Tensor:
        """[B, V, D] with positions added, of places [B, V].

        Raises:
            DataError: an image stands further from its centre than learned positions know.
        """
        if self.table is None:
            return x if self.kind == "none" else x + _waves(indices, x.shape[2]).to(x.dtype)
        found = indices + self.longest // 2
        if bool(((found < 0) | (found >= self.longest)).any()):
            raise DataError(
                f"an image stands {int(indices.abs().max())} places from the middle of its sample, "
                f"and the learned positions of encoder.sequence know {self.longest} in all; train "
                "with a larger longest, or with positions: sinusoidal"
            )
        return x + self.table[found]


def _waves(indices: Tensor, dim: int) -> Tensor:
    """[B, V, D], sines and cosines of falling frequency, of places [B, V]."""
    rates = 10_000 ** (-torch.arange(0, dim, 2, device=indices.device) / dim)
    angles = indices[..., None] * rates
    return rearrange([angles.sin(), angles.cos()], "k b v f -> b v (f k)")[..., :dim]


def _model(params: SequenceParams, dim: int) -> nn.Module:
    if params.model == "bilstm":
        return BiLstm(dim, params.width, params.layers or 1)
    if params.model == "transformer":
        return Transformer(dim, params.width, params.layers or 2, params.heads, params.dropout)
    return _Identity()


class _Identity(nn.Module):
    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """[B, V, D] as it is."""
        return x


def lstm_arithmetic(device: str) -> AbstractContextManager[object]:
    """What an LSTM can be computed in: fp32 on a CPU without AVX-512, else what the run trains in.

    oneDNN has no LSTM in half precision for such CPUs and ends in an error; other layers do work.
    """
    poor = device == "cpu" and "AVX512" not in torch.backends.cpu.get_cpu_capability()
    return torch.autocast(device, enabled=False) if poor else nullcontext()


class BiLstm(nn.Module):
    """[B, V, D] -> [B, V, 2W], both directions over the real images only."""

    def __init__(self, dim: int, width: int, layers: int) -> None:
        super().__init__()
        self.dim = 2 * width
        self.lstm = nn.LSTM(dim, width, layers, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Read [B, V, D] with mask [B, V]; zeros where there is no image."""
        order = real_first(mask)
        packed = torch.take_along_dim(x, order[..., None], dim=1)
        lengths = mask.sum(dim=1).clamp(min=1).cpu()  # a row without an image reads one zero
        packed = packed.to(next(self.lstm.parameters()).dtype)
        with lstm_arithmetic(x.device.type):
            sequence = pack_padded_sequence(packed, lengths, batch_first=True, enforce_sorted=False)
            found = self.lstm(sequence)[0]
        read, _ = pad_packed_sequence(found, batch_first=True, total_length=x.shape[1])
        back = torch.take_along_dim(read, order.argsort(dim=1)[..., None], dim=1)
        return back.masked_fill(~mask[..., None], 0)


class Transformer(nn.Module):
    """[B, V, D] -> [B, V, W] by a linear map and pre-norm layers."""

    def __init__(self, dim: int, width: int, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        check_heads(width, heads)
        self.dim = width
        self.entry = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, width))
        self.layers = nn.ModuleList(
            SelfAttentionLayer(width, heads, expansion=2, dropout=dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Read [B, V, D] with mask [B, V]; zeros where there is no image."""
        x = self.entry(x)
        for layer in self.layers:
            x = layer(x, mask)
        read: Tensor = self.norm(x).masked_fill(~mask[..., None], 0)
        return read


@hookimpl
def mmx_components() -> Several[type[Params]]:
    return [SequenceParams]
