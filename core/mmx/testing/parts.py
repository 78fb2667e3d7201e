"""The smallest parts of a model and of data, so that one method can be trained among them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mmx.data import Part, Source
from mmx.interfaces import (
    EncoderParams,
    Features,
    FeatureShape,
    Head,
    HeadOutput,
    HeadParams,
    Images,
    Inputs,
    Loss,
    LossParams,
    LossValue,
    Outputs,
    PairFusion,
    PairFusionParams,
    Sampler,
    SamplerParams,
    SingleImageEncoder,
    TextEncoder,
    Texts,
    map_tensors,
)

WIDTH = 16
ROWS = 14
CLASSES = 3
SPOKEN = ("A brown spot on the arm.", "", "A man of 45 years.", "Itching for weeks on the left arm")


class PatchesParams(EncoderParams):
    """Patches of eight pixels through one convolution; three levels."""

    modality: ClassVar[str] = "image"
    type: Literal["patches"] = "patches"

    def build(self) -> "Patches":
        """Build it."""
        return Patches()


class Patches(SingleImageEncoder):
    """[B, 3, H, W] -> tokens [B, H/8 * W/8, 16]."""

    def __init__(self) -> None:
        super().__init__((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        self.shape, self.weights = FeatureShape(WIDTH, (WIDTH,) * 3), {"origin": "none"}
        self.layer = nn.Conv2d(3, WIDTH, 8, stride=8)

    def encode(self, pixels: Tensor) -> Features:
        """As the class says."""
        tokens = self.layer(pixels).flatten(2).mT.float()
        mask = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        level = Features(tokens, mask)
        return Features(tokens, mask, levels=(level, level, level))


class WordsParams(EncoderParams):
    """A vector for each word; three levels."""

    modality: ClassVar[str] = "text"
    type: Literal["words"] = "words"

    def build(self) -> "Words":
        """Build it."""
        return Words()


class Words(TextEncoder):
    """[B, N] -> tokens [B, N, 16]."""

    def __init__(self) -> None:
        super().__init__()
        self.shape, self.weights = FeatureShape(WIDTH, (WIDTH,) * 3), {"origin": "none"}
        self.table = nn.Embedding(64, WIDTH)

    def tokenize(self, texts: Sequence[str]) -> Texts:
        """One id per word."""
        rows = [[1 + sum(word.encode()) % 63 for word in text.split()] for text in texts]
        width = max([1, *map(len, rows)])
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        return Texts(ids, ids > 0)

    def forward(self, texts: Texts) -> Features:
        """As the class says."""
        level = Features(self.table(texts.ids), texts.mask)
        return Features(level.tokens, level.mask, levels=(level, level, level))


class SumParams(PairFusionParams):
    """The sum of two maps of pooled vectors."""

    type: Literal["sum"] = "sum"
    dim: int = WIDTH

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> "Sum":
        """Build it."""
        return Sum(image.dim, text.dim, self.dim)


class Sum(PairFusion):
    """A v + B t."""

    def __init__(self, image: int, text: int, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.image = nn.Linear(image, dim)
        self.text = nn.Linear(text, dim)

    def forward(self, image: Features, text: Features) -> Features:
        """As the class says."""
        pair = zip((self.image, self.text), (image, text), strict=True)
        v, t = (layer(x.pooled.masked_fill(~x.present[:, None], 0)) for layer, x in pair)
        mask = torch.ones(len(v), 1, dtype=torch.bool, device=v.device)
        there = image.present | text.present
        parts = {"first": v, "second": t}
        return Features((v + t)[:, None], mask, v + t, present=there, parts=parts)


class ProbeParams(HeadParams):
    """One linear layer."""

    type: Literal["probe"] = "probe"

    def build(self, dim: int, classes: int) -> "Probe":
        """Build it."""
        return Probe(dim, classes)


class Probe(Head):
    """[B, D] -> [B, C]."""

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(dim, classes)

    def forward(self, features: Features) -> HeadOutput:
        """As the class says."""
        return HeadOutput(self.layer(features.pooled))


class EntropyParams(LossParams):
    """Cross-entropy."""

    type: Literal["entropy"] = "entropy"

    def build(self, class_counts: Tensor) -> "Entropy":
        """Build it."""
        return Entropy()


class Entropy(Loss):
    """The mean over the batch."""

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        """As the class says."""
        total = cross_entropy(outputs.logits, target)
        return LossValue(total, {"entropy": total.detach()})


class InOrderParams(SamplerParams):
    """The rows as they come."""

    type: Literal["in_order"] = "in_order"

    def build(self, labels: Tensor, seed: int) -> "InOrder":
        """Build it."""
        return InOrder(len(labels))


class InOrder(Sampler):
    """0, 1, 2, ..."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.rows))

    def __len__(self) -> int:
        return self.rows


class Pictures:
    """One random image per row; every fourth row has none."""

    def __init__(self, side: int) -> None:
        draws = torch.Generator().manual_seed(3)
        shape = (ROWS, 1, 3, side, side)
        self.pixels = torch.randint(256, shape, generator=draws).to(torch.uint8)
        self.mask = (torch.arange(ROWS) % 4 != 3)[:, None]
        self.keys = [f"{side} {row}" for row in range(ROWS)]

    def collate(self, rows: Sequence[int]) -> Images:
        """The images of these rows."""
        return Images(self.pixels[list(rows)], self.mask[list(rows)])


class RepeatedSamples:
    """The same three samples again and again, with keys."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs, self.keys = inputs, [str(row % 3) for row in range(ROWS)]

    def collate(self, rows: Sequence[int]) -> Inputs:
        """The inputs of these rows."""
        indices = torch.tensor([row % 3 for row in rows])
        return map_tensors(self._inputs, lambda tensor: tensor[indices])


class HeldFeatures:
    """Random features of rows, some missing, with masked tokens and three levels."""

    def __init__(self, width: int, length: int, without: int) -> None:
        self.width = width
        self.length = length
        self.without = without

    def collate(self, rows: Sequence[int]) -> Features:
        """The features of these rows."""
        found = [self._one(row) for row in rows]
        tokens, mask = torch.stack([a for a, _ in found]), torch.stack([b for _, b in found])
        level = Features(tokens, mask)
        return Features(tokens, mask, levels=(level, level, level), present=mask.any(dim=1))

    def _one(self, row: int) -> tuple[Tensor, Tensor]:
        draws = torch.Generator().manual_seed(row)
        tokens = torch.randn(self.length, self.width, generator=draws)
        real = self.length - row % 2 if row % 4 != self.without else 0
        return tokens, torch.arange(self.length) < real


LABELS = torch.arange(ROWS) % CLASSES
# the same as three labels, of which the second is unknown in every fifth row
MANY = torch.nn.functional.one_hot(LABELS, CLASSES)
MANY[::5, 1] = -1
GROUPS = tuple(f"group {row}" for row in range(ROWS))


def part(sources: Mapping[str, Source], rows: int = ROWS, target: Tensor = LABELS) -> Part:
    """The first rows as a part."""
    return Part(range(rows), sources, target[:rows], GROUPS[:rows])
