"""Encoders small enough for tests, as a local plugin file."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

import mmx


class TinyImageParams(mmx.EncoderParams):
    """Colour and contrast of the image through one layer."""

    modality: ClassVar[str] = "image"
    type: Literal["tiny_image"] = "tiny_image"

    def build(self) -> "TinyImage":
        return TinyImage()


class TinyImage(mmx.SingleImageEncoder):
    def __init__(self) -> None:
        super().__init__((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        self.shape, self.weights = mmx.FeatureShape(12, (12, 12)), {"origin": "random"}
        self.layer = nn.Conv2d(3, 12, 4, stride=8)

    def encode(self, pixels: Tensor) -> mmx.Features:
        tokens = self.layer(pixels).relu().flatten(2).transpose(1, 2).float()
        mask = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        level = mmx.Features(tokens, mask)
        return mmx.Features(tokens, mask, levels=(level, level))


class TinyTextParams(mmx.EncoderParams):
    """One vector per word."""

    modality: ClassVar[str] = "text"
    type: Literal["tiny_text"] = "tiny_text"

    def build(self) -> "TinyText":
        return TinyText()


class TinyText(mmx.TextEncoder):
    def __init__(self) -> None:
        super().__init__()
        self.shape, self.weights = mmx.FeatureShape(10, (10, 10)), {"origin": "random"}
        self.words = nn.Embedding(997, 10)

    def tokenize(self, texts: Sequence[str]) -> mmx.Texts:
        rows = [[1 + sum(map(ord, word)) % 996 for word in text.split()] for text in texts]
        longest = max(1, *map(len, rows))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        return mmx.Texts(ids, ids > 0)

    def forward(self, texts: mmx.Texts) -> mmx.Features:
        tokens = self.words(texts.ids)
        level = mmx.Features(tokens, texts.mask)
        return mmx.Features(tokens, texts.mask, levels=(level, level))


@mmx.hookimpl
def mmx_components() -> Sequence[type[mmx.Params]]:
    return [TinyImageParams, TinyTextParams]
