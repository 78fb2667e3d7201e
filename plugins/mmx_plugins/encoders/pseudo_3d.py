"""Image encoder: neighbouring slices, or channels derived from one image, as input channels.

2r + 1 grey slices around the middle one go into the backbone together; its first convolution is
widened to that many channels by W' = mean over RGB of W, times 3 / (2r + 1). Where a sample has one
image, ``derived`` makes the channels from it, which is not 3D and is reported as such. Known from
public solutions of a lumbar challenge in 2024; no paper.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, cast

import torch
from einops import einsum, rearrange, reduce, repeat
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from mmx import (
    Backbone,
    DataError,
    Encoder,
    EncoderParams,
    Features,
    FeatureShape,
    Images,
    Params,
    ShapeError,
    hookimpl,
)
from mmx.blocks import blurred, unit_pixels
from mmx.interfaces import BackboneOutput, WrappingEncoder, WrappingParams, innermost

Channel = Literal["luminance", "edges", "blur"]
LUMINANCE = (0.299, 0.587, 0.114)  # of R, G, B, ITU-R BT.601


class Pseudo3dParams(WrappingParams):
    """Settings of stacked slices."""

    type: Literal["pseudo_3d"] = "pseudo_3d"
    backbone: Backbone = Field(
        default=cast(EncoderParams, "timm"),  # checked like what is given
        validate_default=True,
        description="encoder of the stack; its first convolution is widened",
    )
    radius: PositiveInt = Field(default=1, description="slices on each side of the middle one")
    boundary: Literal["replicate"] = Field(
        default="replicate", description="beyond the last slice: that slice again"
    )
    derived: tuple[Channel, ...] | None = Field(
        default=None,
        description="channels made from one image, 2 radius + 1 of luminance, edges, blur; needed "
        "where samples have one image",
    )

    @model_validator(mode="after")
    def _as_many_as_slices(self) -> "Pseudo3dParams":
        wanted = 2 * self.radius + 1
        if self.derived is not None and len(self.derived) != wanted:
            raise ValueError(
                f"derived names {len(self.derived)} channels; radius: {self.radius} needs {wanted}"
            )
        return self

    def build(self) -> "Pseudo3d":
        return Pseudo3d(self, self.backbone.build())


class Pseudo3d(WrappingEncoder):
    """[B, V, 3, H, W] -> one view [B, 1, 2r + 1, H, W] -> the backbone's features."""

    def __init__(self, params: Pseudo3dParams, backbone: Encoder) -> None:
        super().__init__(backbone)
        self.shape = FeatureShape(backbone.shape.dim)
        self.radius, self.derived = params.radius, params.derived
        self.recipe = repr(("pseudo_3d", self.radius, self.derived))
        inflate(innermost(backbone), 2 * self.radius + 1)
        what = "neighbouring slices of a sample, grey, the last one repeated at its ends"
        if self.derived is not None:
            what = f"derived channels, not 3D: {', '.join(self.derived)} of one image"
        self.notes = (f"Input of encoder.pseudo_3d: {what}.",)

    def check_views(self, most: int) -> None:
        if most == 1 and self.derived is None:
            raise DataError(
                "every sample has one image, so encoder.pseudo_3d finds no neighbouring slices; "
                "set derived: [luminance, edges, blur], which is not 3D"
            )

    def view_mask(self, mask: Tensor) -> Tensor:
        return mask.any(dim=1, keepdim=True)

    def views(self, images: Images) -> Images:
        weights = torch.tensor(LUMINANCE, device=images.pixels.device)
        grey = einsum(unit_pixels(images.pixels).float(), weights, "b v c h w, c -> b v h w")
        indices = self._places(images.mask, images.centre)  # [B, 2r + 1]
        if self.derived is None:
            stack = torch.take_along_dim(grey, indices[..., None, None], dim=1)
        else:
            middle = indices[:, self.radius, None, None, None]
            own = torch.take_along_dim(grey, middle, dim=1)
            stack = torch.cat([CHANNELS[name](own) for name in self.derived], dim=1)
        return Images(stack[:, None], self.view_mask(images.mask))

    def _places(self, mask: Tensor, middle: Tensor) -> Tensor:
        """[B, 2r + 1], which image stands in each channel: the next one inwards where none is."""
        count = mask.shape[1]
        there = mask.gather(1, middle[:, None])[:, 0]
        middle = torch.where(there, middle, mask.float().argmax(dim=1))
        found = {0: middle}
        for side in (-1, 1):
            for step in range(1, self.radius + 1):
                wanted = (middle + side * step).clamp(0, count - 1)
                there = mask.gather(1, wanted[:, None])[:, 0]
                found[side * step] = torch.where(there, wanted, found[side * (step - 1)])
        return torch.stack([found[step] for step in sorted(found)], dim=1)

    def made_of(self, mask: Tensor, centre: int, view: int) -> Sequence[int]:
        places: list[int] = self._places(mask[None], torch.tensor([centre]))[0].tolist()
        return places if self.derived is None else places[self.radius : self.radius + 1]

    def combine(self, seen: BackboneOutput) -> Features:
        return Features(seen.tokens[:, 0], seen.token_mask[:, 0], seen.pooled[:, 0])


def inflate(encoder: Encoder, channels: int) -> None:
    """Let the first convolution of an encoder read grey channels; equal ones act as RGB did.

    Raises:
        ShapeError: the encoder has no convolution over RGB.
    """
    first = next((m for m in encoder.modules() if isinstance(m, nn.Conv2d)), None)
    if first is None or first.in_channels != 3 or first.groups != 1:
        raise ShapeError(
            f"encoder.pseudo_3d widens a first convolution over RGB, and {type(encoder).__name__} "
            "has none; choose a convolutional backbone"
        )
    mean = reduce(first.weight.detach(), "o c h w -> o 1 h w", "mean")
    first.weight = nn.Parameter(repeat(mean, "o 1 h w -> o c h w", c=channels) * 3 / channels)
    first.in_channels = channels
    for name in ("mean", "std"):  # what pixels are normalised by
        value = getattr(encoder, name, None)
        if isinstance(value, Tensor):
            grey = value.mean().expand(channels, 1, 1).clone()
            encoder.register_buffer(name, grey, persistent=False)


def edges(grey: Tensor) -> Tensor:
    """Strength of the Sobel gradient of [B, 1, H, W], brought to [0, 1]."""
    across = grey.new_tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 4
    kernels = rearrange([across, across.T], "k h w -> k 1 h w")
    gradient = conv2d(pad(grey, (1, 1, 1, 1), mode="replicate"), kernels)
    return gradient.square().sum(dim=1, keepdim=True).sqrt().clamp(max=1)


CHANNELS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "luminance": lambda grey: grey,
    "edges": edges,
    "blur": lambda grey: blurred(grey, min(grey.shape[-2:]) / 32),
}


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [Pseudo3dParams]
