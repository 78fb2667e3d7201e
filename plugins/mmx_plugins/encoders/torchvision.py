"""Image encoder: any classification backbone of torchvision, cut before its classifier.

Source: torchvision.models; the cut is made on the traced graph (torchvision's feature extraction).
He et al. 2016, arXiv:1512.03385 (ResNet); Liu et al. 2022, arXiv:2201.03545 (ConvNeXt).
"""

import difflib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mmx import (
    EncoderParams,
    Features,
    FeatureShape,
    Params,
    PluginError,
    SingleImageEncoder,
    hookimpl,
)
from mmx.blocks import Weights
from mmx_plugins.encoders._torchvision import best_weights, find_cut, flatten_map, network_with

INSTEAD = (
    "no torchvision weights are bundled; use weights: default or a file, or the encoder "
    "{type: timm, arch: tf_efficientnet_lite0, weights: bundled}"
)


class TorchvisionParams(EncoderParams):
    """Settings of a torchvision backbone."""

    modality: ClassVar[str] = "image"
    most_images: ClassVar[int | None] = 1
    source: ClassVar[str] = "torchvision.models; each network names its own paper"

    type: Literal["torchvision"] = "torchvision"
    arch: str = Field(
        default="resnet50", description="name of the network, as in torchvision.models"
    )
    weights: Weights = Field(
        default="default",
        description="none, default (torchvision's download), package:NAME/PATH or a file",
    )
    levels: tuple[str, ...] | None = Field(
        default=None,
        description="stages before the last one to give as levels, from shallow to deep; null: "
        "the last stage at each of the two resolutions before the final one",
    )

    def build(self) -> "TorchvisionEncoder":
        _check_name(self.arch)
        network = network_with(self.arch, self.weights, instead=INSTEAD)
        mean, std = _normalisation(self.arch)
        with warnings.catch_warnings():  # the two modes of old networks have other nodes
            warnings.simplefilter("ignore")
            encoder = TorchvisionEncoder(network.module, self.levels, mean, std, network.record)
        encoder.notes = network.notes
        return encoder


def _check_name(arch: str) -> None:
    from torchvision import models  # seconds of import

    names = models.list_models(module=models)
    if arch not in names:
        near = difflib.get_close_matches(arch, names, n=1, cutoff=0.4)
        hint = f"; nearest: {near[0]}" if near else ""
        raise PluginError(f"torchvision has no classification network {arch!r}{hint}")


def _normalisation(arch: str) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and standard deviation that the network's own weights were trained with."""
    transforms = best_weights(arch).transforms()
    return transforms.mean, transforms.std


class TorchvisionEncoder(SingleImageEncoder):
    """[B, 3, H, W] -> tokens [B, h*w, C] of the last map, pooled [B, C] as before the classifier.

    ``pooled`` is exactly what the network hands to its classifier, a LayerNorm before the last
    linear layer included (ConvNeXt). Networks whose classifier reads no pooled map (VGG, AlexNet,
    SqueezeNet) give the mean of the last map. The last level holds the tokens. All are float32,
    under autocast too, so that features computed now and features from the cache look alike.
    """

    def __init__(
        self,
        network: nn.Module,
        levels: Sequence[str] | None,
        mean: Sequence[float],
        std: Sequence[float],
        weights: Mapping[str, str],
    ) -> None:
        # seconds of import
        from torchvision.models.feature_extraction import create_feature_extractor

        super().__init__(mean, std)
        self.cut = find_cut(network, levels)
        nodes = {name: f"level {index}" for index, name in enumerate(self.cut.nodes)}
        nodes |= {self.cut.pooled: "pooled"} if self.cut.pooled else {}
        self.network: nn.Module = create_feature_extractor(network, nodes)
        self.shape = FeatureShape(self.cut.dims[-1], self.cut.dims)
        self.weights = weights

    def encode(self, pixels: Tensor) -> Features:
        """Encode normalised pixels [B, 3, H, W]."""
        found = self.network(pixels)
        levels = []
        for index, layout in enumerate(self.cut.layouts):
            tokens = flatten_map(found[f"level {index}"], layout).float()
            levels.append(Features(tokens, tokens.new_ones(tokens.shape[:2], dtype=torch.bool)))
        deepest = levels[-1]
        pooled = found["pooled"].float() if self.cut.pooled else deepest.pooled
        return Features(deepest.tokens, deepest.mask, pooled, levels=tuple(levels))

    def last_stage(self) -> Iterable[nn.Module]:
        return [self.network.get_submodule(name) for name in self.cut.last]


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [TorchvisionParams]
