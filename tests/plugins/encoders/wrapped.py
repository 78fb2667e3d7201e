"""A backbone that costs nothing, for the tests of encoders around another one."""

import torch
from torch import Tensor, nn

from mmx import Features, FeatureShape, Images, SingleImageEncoder
from mmx.interfaces import BackboneOutput


class Patches(SingleImageEncoder):
    """Four patches of an image as tokens [B, 4, 12] and their mean."""

    def __init__(self) -> None:
        super().__init__((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        self.shape, self.weights = FeatureShape(12), {"origin": "random"}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(7)
            self.layer = nn.Conv2d(3, 12, 4, stride=4)

    def encode(self, pixels: Tensor) -> Features:
        maps = nn.functional.adaptive_avg_pool2d(self.layer(pixels), 2)
        tokens = maps.flatten(2).transpose(1, 2)
        return Features(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool))


def pictures(count: int = 3, views: int = 1, side: int = 16, seed: int = 0) -> Images:
    """Random pixels [B, V, 3, H, W], uint8."""
    generator = torch.Generator().manual_seed(seed)
    shape = (count, views, 3, side, side)
    pixels = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
    return Images(pixels, torch.ones(count, views, dtype=torch.bool))


def seen(count: int = 3, views: int = 4, tokens: int = 5, seed: int = 0) -> BackboneOutput:
    """Random features of views, 12 wide."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(count, views, tokens, 12, generator=generator)
    mask = torch.ones(count, views, dtype=torch.bool)
    return BackboneOutput(
        values, mask[..., None].expand(-1, -1, tokens), values.mean(dim=2), mask, (16, 16)
    )


def moved(given: BackboneOutput, order: Tensor) -> BackboneOutput:
    """The views in another order, or some of them twice."""
    return BackboneOutput(
        given.tokens[:, order], given.token_mask[:, order], given.pooled[:, order],
        given.mask[:, order], given.size,
    )  # fmt: skip


def awake(module: nn.Module) -> nn.Module:
    """In eval mode, with every parameter that starts at zero moved away from it."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in module.parameters():
            if not parameter.any():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) / 4)
    return module.eval()
