"""Methods that do their work and fail when somebody asks why."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

import mmx
from mmx.blocks import fused_vector, real_pooled


class TouchyParams(mmx.EncoderParams):
    """Images; refuses gradients of pixels."""

    modality: ClassVar[str] = "image"
    type: Literal["touchy"] = "touchy"

    def build(self) -> "Touchy":
        return Touchy()


class Touchy(mmx.SingleImageEncoder):
    def __init__(self) -> None:
        super().__init__((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        self.shape, self.weights = mmx.FeatureShape(12), {"origin": "random"}
        self.layer = nn.Conv2d(3, 12, 4, stride=8)

    def encode(self, pixels: Tensor) -> mmx.Features:
        if pixels.requires_grad:
            raise ZeroDivisionError("no heat here")
        tokens = self.layer(pixels).flatten(2).transpose(1, 2)
        return mmx.Features(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool))


class StrictParams(mmx.EncoderParams):
    """Whole sentences and the empty text, and nothing else."""

    modality: ClassVar[str] = "text"
    type: Literal["strict"] = "strict"

    def build(self) -> "Strict":
        return Strict()


class Strict(mmx.TextEncoder):
    def __init__(self) -> None:
        super().__init__()
        self.shape, self.weights = mmx.FeatureShape(8), {"origin": "random"}
        self.table = nn.Embedding(128, 8)

    def tokenize(self, texts: Sequence[str]) -> mmx.Texts:
        if any(text and not (text[0].isupper() and text.endswith(".")) for text in texts):
            raise KeyError("no sentence")
        ids = torch.tensor([[1 + len(text)] * 2 for text in texts])
        return mmx.Texts(ids, ids > 1)

    def forward(self, texts: mmx.Texts) -> mmx.Features:
        return mmx.Features(self.table(texts.ids.clamp(max=127)), texts.mask)


class FragileParams(mmx.PairFusionParams):
    """A sum; fails where all rows lack a side, and explains the batch as a whole."""

    type: Literal["fragile"] = "fragile"

    def build_pair(self, image: mmx.FeatureShape, text: mmx.FeatureShape) -> "Fragile":
        return Fragile(image.dim, text.dim, self.dim)


class Fragile(mmx.PairFusion):
    def __init__(self, image: int, text: int, dim: int) -> None:
        super().__init__()
        self.dim, self.a, self.b = dim, nn.Linear(image, dim), nn.Linear(text, dim)

    def forward(self, image: mmx.Features, text: mmx.Features) -> mmx.Features:
        if not image.present.any():
            raise IndexError("nothing to look at")
        fused = self.a(real_pooled(image)) + self.b(real_pooled(text))
        explain = {"gate": fused.detach().mean()}
        return fused_vector(fused, image, text, parts={}, explain=explain)


@mmx.hookimpl
def mmx_components() -> Sequence[type[mmx.Params]]:
    return [TouchyParams, StrictParams, FragileParams]
