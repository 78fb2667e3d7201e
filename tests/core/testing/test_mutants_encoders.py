"""Mistakes that authors of encoders make: each is caught, by the law that names it."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

import pytest
import torch
from pydantic import Field
from torch import Tensor, nn

from mmx import Encoder, EncoderParams, Features, FeatureShape, ImageEncoder, Images, Params, Texts
from mmx import TextEncoder as Base
from mmx.interfaces import EncodedPrompts, TokenCount

Failing = Callable[[Params], dict[str, str]]
Caught = Callable[[Params, str], None]
# kind of method -> mistake -> the law that says so
MISTAKES = {
    "encoder of texts": {
        "mean over padding, text": "batch_independence",
        "divided by the width": "batch_independence",
        "last place read": "batch_independence",
        "masked ids read": "padding",
        "padded in front": "tokenize",
        "ids depend on the batch": "tokenize",
        "ids as fractions": "tokenize",
        "refuses a text without some words": "tokenize",
        "refuses the empty text": "shapes",
        "empty text has a token": "presence",
        "always present, text": "presence",
        "seeds torch, text": "random_state",
        "ids changed in place": "inputs_kept",
        "parameter never used, text": "learns",
        "counts its calls": "state",
        "position made in main memory": "device",
        "explains the batch as a whole": "explain",
    },
    "encoder of images": {
        "mean over absent views": "padding",
        "last view read": "padding",
        "missing image gets through": "padding",
        "always present, image": "presence",
        "batch statistics in eval": "batch_independence",
        "moves a buffer while frozen": "frozen",
        "pixels changed in place": "inputs_kept",
        "buffer not saved": "state",
        "plain tensor, image": "device",
        "other levels than promised": "builds",
        "view of memory as it lies": "trains",
        "no origin of the weights": "provenance",
        "prompts know each other": "prompts",
        "prompts of another width": "prompts",
        "counts the first prompt alone": "prompts",
    },
}


class TextMutantParams(EncoderParams):
    """Settings of a table of letters with a chosen mistake."""

    modality: ClassVar[str] = "text"
    type: Literal["text_mutant"] = "text_mutant"
    mistake: str = Field(default="", description="what is wrong; empty: nothing")

    def build(self) -> Encoder:
        return Letters(self.mistake)


class Letters(Base):
    """[B, N] letters -> tokens [B, N, 16]."""

    def __init__(self, mistake: str) -> None:
        super().__init__()
        self.mistake, self.calls = mistake.removesuffix(", text"), 0
        self.shape, self.weights = FeatureShape(16), {"origin": "none"}
        self.table, self.map = nn.Embedding(128, 16), nn.Linear(16, 16)
        if self.mistake == "parameter never used":
            self.idle = nn.Linear(3, 3)

    def tokenize(self, texts: Sequence[str]) -> Texts:
        spoken = [text.strip()[:200] for text in texts]
        strange = any(text and "spot" not in text and "esion" not in text for text in texts)
        if self.mistake == "refuses a text without some words" and strange:
            raise KeyError("spot")
        if self.mistake == "refuses the empty text" and not all(spoken):
            raise ValueError("empty")
        rows = [[min(ord(letter), 127) for letter in text] for text in spoken]
        width = max([1, *map(len, rows)])
        gaps = [[0] * (width - len(row)) for row in rows]
        ids = torch.tensor([row + gap for row, gap in zip(rows, gaps, strict=True)])
        if self.mistake == "padded in front":
            ids = torch.tensor([gap + row for row, gap in zip(rows, gaps, strict=True)])
        mask = ids > 0
        if self.mistake == "empty text has a token":
            mask[:, 0] = True
        if self.mistake == "ids depend on the batch":
            ids = ids.masked_fill(mask, len(texts))
        return Texts(ids / 2 if self.mistake == "ids as fractions" else ids, mask)

    def forward(self, texts: Texts) -> Features:
        mistake, ids = self.mistake, texts.ids.long().clamp(max=127)
        x = self.map(self.table(ids)).tanh()
        keep = texts.mask[..., None]
        if mistake == "position made in main memory":
            x = x + torch.arange(x.shape[1])[:, None] / 100
        if mistake == "seeds torch":
            torch.manual_seed(3)
        if mistake == "ids changed in place":
            texts.ids.clamp_(max=60)
        pooled = (x * keep).sum(dim=1) / keep.sum(dim=1).clamp(min=1)
        if mistake == "mean over padding":
            pooled = x.mean(dim=1)
        if mistake == "divided by the width":
            pooled = (x * keep).sum(dim=1) / x.shape[1]
        if mistake == "last place read":
            pooled = x[:, -1]
        if mistake == "masked ids read":
            pooled = pooled + self.table(ids.masked_fill(texts.mask, 0)).sum(dim=1)
        if mistake == "counts its calls":
            self.calls += self.training
            pooled = pooled * (1 + self.calls)
        found = Features(x, texts.mask, pooled)
        if mistake == "always present":
            return Features(x, torch.ones_like(texts.mask), pooled)
        if mistake == "explains the batch as a whole":
            return Features(x, texts.mask, pooled, explain={"mean": pooled.detach().mean()})
        return found


class ImageMutantParams(EncoderParams):
    """Settings of mean colours over views with a chosen mistake."""

    modality: ClassVar[str] = "image"
    type: Literal["image_mutant"] = "image_mutant"
    mistake: str = Field(default="", description="what is wrong; empty: nothing")

    @property
    def compares_texts(self) -> bool:
        return True

    def encode_prompts(self, prompts: Sequence[str]) -> EncodedPrompts:
        letters = torch.tensor(
            [[float(one.count(letter)) for letter in "aeiou hl"] for one in prompts]
        )
        if self.mistake == "prompts know each other":
            letters = letters - letters.mean(dim=0)
        told = 1 if "first prompt" in self.mistake else len(prompts)
        count = TokenCount([2] * told, [1] * told, [0] * told)
        return EncodedPrompts(letters[:, : 7 if "width" in self.mistake else 8], 1.0, count=count)

    def build(self) -> Encoder:
        return Colours(self.mistake)


class Colours(ImageEncoder):
    """[B, V, 3, H, W] -> one token per view."""

    scale: Tensor
    mean: Tensor

    def __init__(self, mistake: str) -> None:
        super().__init__()
        self.mistake = mistake
        self.shape = FeatureShape(8, (8,) if mistake.startswith("other levels") else ())
        self.weights = {} if mistake.startswith("no origin") else {"origin": "none"}
        self.layer = nn.Conv2d(3, 8, 8, stride=8)
        saved = mistake != "buffer not saved"
        self.register_buffer("mean", torch.zeros(8), persistent=saved)
        if mistake.startswith("plain tensor"):
            self.scale = torch.ones(8)

    def forward(self, images: Images) -> Features:
        mistake, (rows, views) = self.mistake, images.mask.shape
        pixels = images.pixels.float() / 255
        if mistake == "view of memory as it lies":
            images.pixels.view(-1)
        if mistake == "pixels changed in place":
            images.pixels.fill_(0)
        x = self.layer(pixels.flatten(0, 1)).mean(dim=(2, 3)).view(rows, views, 8)
        keep = images.mask[..., None]
        if mistake == "batch statistics in eval":
            x = x - x.mean(dim=0)
        if mistake == "moves a buffer while frozen":
            self.mean = self.mean + 1
        if mistake == "buffer not saved" and self.training:
            self.mean = self.mean + x.detach().mean(dim=(0, 1))
        if mistake == "plain tensor, image":
            x = x * self.scale
        x = x - self.mean * (mistake == "buffer not saved")
        pooled = x.masked_fill(~keep, 0).sum(dim=1) / keep.sum(dim=1).clamp(min=1)
        if mistake == "mean over absent views":
            pooled = x.mean(dim=1)
        if mistake == "last view read":
            pooled = x[:, -1]
        if mistake == "missing image gets through":
            pooled = pooled + x[1:2, 0].sum(dim=0)
        mask = torch.ones_like(images.mask) if mistake.startswith("always") else images.mask
        return Features(x, mask, pooled)


METHODS: dict[str, Callable[..., Params]] = {
    "encoder of texts": TextMutantParams,
    "encoder of images": ImageMutantParams,
}
CASES = [(kind, *one) for kind, found in MISTAKES.items() for one in found.items()]


@pytest.mark.parametrize("kind", METHODS)
def test_the_right_ones_keep_all_laws(kind: str, failing: Failing) -> None:
    assert failing(METHODS[kind]()) == {}


@pytest.mark.parametrize(("kind", "mistake", "law"), CASES)
def test_a_mistake_is_caught_by_the_law_that_names_it(
    kind: str, mistake: str, law: str, caught: Caught
) -> None:
    caught(METHODS[kind](mistake=mistake), law)
