"""Image encoder: a residual network of 3D convolutions over the slices of a volume.

The ordered images of a sample, such as slices of CT or MRI, are one volume. Source: Tran et al.
2018, arXiv:1711.11248 (R3D, MC3, R(2+1)D), as in torchvision.models.video.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar, Literal

import torch
from einops import rearrange
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mmx import (
    DataError,
    EncoderParams,
    Features,
    FeatureShape,
    ImageEncoder,
    Images,
    Params,
    hookimpl,
)
from mmx.blocks import Weights, real_first, unit_pixels
from mmx_plugins.encoders._torchvision import network_with

INSTEAD = "no weights of 3D networks are bundled; use default, none or a file"
STAGES = ("layer2", "layer3", "layer4")  # whose maps are the levels
WIDTHS = (128, 256, 512)
# of the films that its published weights were trained on
MEAN, STD = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)


class Conv3dParams(EncoderParams):
    """Settings of a network of 3D convolutions."""

    modality: ClassVar[str] = "image"
    source: ClassVar[str] = "Tran et al. 2018, arXiv:1711.11248"

    type: Literal["conv3d"] = "conv3d"
    arch: Literal["r3d_18", "mc3_18", "r2plus1d_18"] = Field(
        default="r3d_18",
        description="r3d_18: 3D throughout; mc3_18: 3D, then 2D; r2plus1d_18: 2D and 1D by turns",
    )
    weights: Weights = Field(
        default="default",
        description="none, default (torchvision's download), package:NAME/PATH or a file",
    )
    depth: PositiveInt | None = Field(
        default=None,
        description="slices that the network reads: more are averaged down to it, fewer are "
        "interpolated; null: as many as a sample has",
    )

    def build(self) -> "Conv3d":
        network = network_with(self.arch, self.weights, instead=INSTEAD)
        encoder = Conv3d(network.module, self.depth, network.record)
        encoder.notes = network.notes
        return encoder


class Conv3d(ImageEncoder):
    """[B, V, 3, H, W] -> tokens [B, T'*h*w, 512] of the last map, pooled [B, 512], their mean.

    ``pooled`` is what the network hands to its classifier. Levels are the maps of the last three
    stages. Without ``depth``, rows with different numbers of slices pass one after the other, so
    that no row is filled up: zeros behind the last slice would change what the convolutions give.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, depth: int | None, weights: Mapping[str, str]) -> None:
        super().__init__()
        self.stem = nn.Sequential(network.get_submodule("stem"), network.get_submodule("layer1"))
        self.stages = nn.ModuleDict({name: network.get_submodule(name) for name in STAGES})
        self.depth, self.weights = depth, weights
        self.shape = FeatureShape(WIDTHS[-1], WIDTHS)
        for name, value in (("mean", MEAN), ("std", STD)):
            self.register_buffer(name, torch.tensor(value).view(3, 1, 1), persistent=False)

    def check_views(self, most: int) -> None:
        if most == 1:
            raise DataError(
                "every sample has one image, so encoder.conv3d finds no volume; name the slices "
                "(data.image.frames: all, or a row for each image), or use an encoder of images "
                "such as encoder.timm"
            )

    def forward(self, images: Images) -> Features:
        volumes = dict(self._volumes(images))
        if self.depth is not None:  # all are as deep now
            volumes = {torch.cat([*volumes]): torch.cat([*volumes.values()])}
        maps: list[list[Tensor]] = [[] for _ in STAGES]  # by level, of each depth
        for volume in volumes.values():
            with _trusted(volume.device.type):
                found = self.stem(volume)
                for level, stage in zip(maps, self.stages.values(), strict=True):
                    found = stage(found)
                    level.append(rearrange(found, "b d t h w -> b (t h w) d").float())
        levels = tuple(_together(level, [*volumes], len(images.mask)) for level in maps)
        deepest = levels[-1]
        features = Features(deepest.tokens, deepest.mask, deepest.pooled, levels=levels)
        return features.with_present(images.present)

    def _volumes(self, images: Images) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows [b] and their volumes [b, 3, T, H, W], normalised; rows without any have one slice.

        The slices of a row stand in their order, whatever is missing between them.
        """
        first = real_first(images.mask)
        counts = images.mask.sum(dim=1).clamp(min=1)
        for count in sorted(set(counts.tolist())):
            rows = (counts == count).nonzero()[:, 0]
            places = (rows[:, None], first[rows, :count])
            there = rearrange(images.mask[places], "b v -> b v 1 1 1")
            slices = images.pixels[places].masked_fill(~there, 0)
            shown = (unit_pixels(slices).to(self.mean.dtype) - self.mean) / self.std
            yield rows, to_depth(rearrange(shown, "b v c h w -> b c v h w"), self.depth)

    def last_stage(self) -> Iterable[nn.Module]:
        return [self.stages[STAGES[-1]]]


def _trusted(device: str) -> AbstractContextManager[object]:
    """The arithmetic in which gradients are right: on a CPU fp32, else what the run trains in.

    oneDNN's gradients of 3D convolutions in bf16 have NaN where there is none (seen with torch
    2.14 on a CPU with AMX, at maps of a few pixels; not where oneDNN is switched off).
    """
    return torch.autocast(device, enabled=False) if device == "cpu" else nullcontext()


def to_depth(volume: Tensor, depth: int | None) -> Tensor:
    """[B, C, T, H, W] with ``depth`` slices: means of neighbours, or linear between two."""
    slices = volume.shape[2]
    if depth is None or depth == slices:
        return volume
    size = (depth, *volume.shape[3:])
    if depth < slices:
        return interpolate(volume, size, mode="area")
    return interpolate(volume, size, mode="trilinear", align_corners=False)


def _together(maps: Sequence[Tensor], order: Sequence[Tensor], rows: int) -> Features:
    """Maps [b, N, D] of some rows each as tokens [B, N, D] of all, in the order of the batch."""
    most = max(one.shape[1] for one in maps)
    tokens = maps[0].new_zeros(rows, most, maps[0].shape[2])
    mask = torch.zeros(rows, most, dtype=torch.bool, device=tokens.device)
    for places, one in zip(order, maps, strict=True):
        tokens[places, : one.shape[1]] = one
        mask[places, : one.shape[1]] = True
    return Features(tokens, mask)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [Conv3dParams]
