"""A method of every kind, as a module for plugin API 1 was written; it is never changed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import mmx
from mmx import Batch, Features, FeatureShape, Prediction, Sample
from mmx.blocks import fused_vector, real_pooled
from mmx.interfaces import DecisionFusion, Facts, FeatureSource, Rejected, Validation

MMX_API = 1

CLASSES = ("dark", "light")


class Square:
    """A grey square in the middle of noise."""

    def __init__(self, level: int, row: int) -> None:
        self.level, self.row = level, row

    @property
    def key(self) -> str:
        return f"square {self.level} {self.row}"

    def pixels(self) -> Any:
        noise = np.random.default_rng(self.row).integers(0, 256, (24, 24, 3), dtype=np.uint8)
        noise[8:16, 8:16] = noise[8:16, 8:16] // 4 + 3 * self.level // 4
        return noise


class OldSquaresParams(mmx.DatasetParams):
    """Squares of two shades."""

    type: Literal["old_squares"] = "old_squares"
    n: int = 64

    def build(self) -> "OldSquares":
        return OldSquares(self.n)


class OldSquares(mmx.Dataset):
    def __init__(self, n: int) -> None:
        self.classes = CLASSES
        self.facts = Facts(allowed_views=("identity", "hflip"), group="patient")
        draw = np.random.default_rng(0)
        self._levels = draw.integers(20, 235, n).tolist()

    def samples(self) -> Sequence[Sample]:
        return [
            Sample(
                id=f"s{row}",
                group=f"g{row}",
                images=(Square(level, row),),
                record={"age": float(20 + row % 60)},
                label=CLASSES[level > 127],
                own=0,
            )
            for row, level in enumerate(self._levels)
        ]

    def rejected(self) -> Sequence[Rejected]:
        return [Rejected("s-1", "it was never there")]


class OldWordsParams(mmx.NarrativeParams):
    """Says how many images there are, and the age."""

    type: Literal["old_words"] = "old_words"

    @property
    def looks(self) -> bool:
        return False

    def build(self, features: FeatureSource | None) -> "OldWords":
        return OldWords()


class OldWords(mmx.Narrative):
    def __init__(self) -> None:
        self.seen = 0

    def fit(self, train: Sequence[Sample]) -> None:
        self.seen = len(train[0].images)

    def write(self, sample: Sample) -> str:
        assert isinstance(sample.images, tuple)
        assert sample.own in (0, None)
        word = sample.drawn_by("words")[:1]
        return f"{self.seen} picture of {word} at {sample.record.get('age')} years"


class OldPixelsParams(mmx.EncoderParams):
    """Colours through one layer."""

    type: Literal["old_pixels"] = "old_pixels"
    modality: ClassVar[str] = "image"

    def build(self) -> "OldPixels":
        return OldPixels()


class OldPixels(mmx.SingleImageEncoder):
    def __init__(self) -> None:
        super().__init__((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        self.shape, self.weights = FeatureShape(8), {"origin": "random"}
        self.layer = nn.Conv2d(3, 8, 8, stride=8)

    def encode(self, pixels: Tensor) -> Features:
        tokens = self.layer(pixels).relu().flatten(2).transpose(1, 2).float()
        return Features(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool))


class OldTokensParams(mmx.EncoderParams):
    """One vector per word."""

    type: Literal["old_tokens"] = "old_tokens"
    modality: ClassVar[str] = "text"

    def build(self) -> "OldTokens":
        return OldTokens()


class OldTokens(mmx.TextEncoder):
    def __init__(self) -> None:
        super().__init__()
        self.shape, self.weights = FeatureShape(6), {"origin": "random"}
        self.words = nn.Embedding(97, 6)

    def tokenize(self, texts: Sequence[str]) -> mmx.Texts:
        rows = [[1 + sum(map(ord, word)) % 96 for word in text.split()] for text in texts]
        longest = max(1, *map(len, rows))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        return mmx.Texts(ids, ids > 0)

    def forward(self, texts: mmx.Texts) -> Features:
        return Features(self.words(texts.ids), texts.mask)


class OldJoinParams(mmx.FusionParams):
    """A sum of two maps."""

    type: Literal["old_join"] = "old_join"

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def build(self, image: FeatureShape, text: FeatureShape) -> "OldJoin":
        return OldJoin(image.dim, text.dim, self.dim)


class OldJoin(mmx.Fusion):
    def __init__(self, image_dim: int, text_dim: int, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.image, self.text = nn.Linear(image_dim, dim), nn.Linear(text_dim, dim)

    def forward(self, image: Features, text: Features) -> Features:
        v, t = real_pooled(image), real_pooled(text)
        fused = self.image(v) + self.text(t)
        return fused_vector(fused, image, text, parts={"image": v, "text": t})


class OldMeanParams(mmx.FusionParams):
    """The mean of two decisions."""

    type: Literal["old_mean"] = "old_mean"

    def build(self, image: FeatureShape, text: FeatureShape) -> "OldMean":
        return OldMean()


class OldMean(DecisionFusion):
    def combine(self, image_logits: Tensor, text_logits: Tensor, present: Tensor) -> Tensor:
        weights = present / present.sum(dim=1, keepdim=True).clamp(min=1)
        return weights[:, :1] * image_logits + weights[:, 1:] * text_logits


class OldHeadParams(mmx.HeadParams):
    """One layer."""

    type: Literal["old_head"] = "old_head"

    def build(self, dim: int, classes: int) -> "OldHead":
        return OldHead(dim, classes)


class OldHead(mmx.Head):
    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(dim, classes)

    def forward(self, features: Features) -> mmx.HeadOutput:
        return mmx.HeadOutput(self.layer(features.pooled))


class OldLossParams(mmx.LossParams):
    """Cross-entropy that counts samples with both sides twice."""

    type: Literal["old_loss"] = "old_loss"

    def build(self, class_counts: Tensor) -> "OldLoss":
        return OldLoss()


class OldLoss(mmx.Loss):
    def forward(self, outputs: mmx.Outputs, target: Tensor, progress: float) -> mmx.LossValue:
        weights = 1 + (outputs.present[:, 0] & outputs.present[:, 1]).float()
        total = (weights * cross_entropy(outputs.logits, target, reduction="none")).mean()
        return mmx.LossValue(total, {"old": total.detach()})


class OldDrawsParams(mmx.SamplerParams):
    """Rows in their order."""

    type: Literal["old_draws"] = "old_draws"

    def build(self, labels: Tensor, seed: int) -> "OldDraws":
        return OldDraws(labels)


class OldDraws(mmx.Sampler):
    def __init__(self, labels: Tensor) -> None:
        self.labels = labels

    def __iter__(self) -> Iterator[int]:
        yield from range(len(self.labels))

    def __len__(self) -> int:
        return len(self.labels)


class OldFlipParams(mmx.InferenceParams):
    """The mean over an image and its mirror image, and over a text with its first word hidden."""

    type: Literal["old_flip"] = "old_flip"
    place: ClassVar[int] = 0
    reads_pixels: ClassVar[bool] = True

    def build(self) -> "OldFlip":
        return OldFlip()


class OldFlip(mmx.InferenceHook):
    def fit(self, validation: Validation) -> None:
        self.notes = (f"mirrored, with {len(validation.target)} rows to fit on",)

    def observe(self, next: Callable[[Batch], Prediction], batch: Batch) -> Tensor:
        assert batch.present.shape[1] == 2
        return next(batch).log_probs

    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        pixels = batch.image.pixels
        mirrored = replace(batch, image=replace(batch.image, pixels=pixels.flip(-1)))
        both = [next(batch).log_probs.exp(), next(mirrored).log_probs.exp()]
        apart = (both[0] - both[1]).abs().sum(dim=1)
        words = batch.text.present.float()
        return Prediction((sum(both) / 2).log(), {"apart": apart, "words": words})


class OldTemperatureParams(mmx.InferenceParams):
    """Answers twice as cautious."""

    type: Literal["old_temperature"] = "old_temperature"

    def build(self) -> "OldTemperature":
        return OldTemperature()


class OldTemperature(mmx.InferenceHook):
    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        found = next(batch)
        return replace(found, log_probs=(found.log_probs / 2).log_softmax(dim=-1))


def few_rows(subject: Any) -> list[mmx.Finding]:
    counts = {name: int((subject.labels == at).sum()) for at, name in enumerate(subject.classes)}
    return [mmx.Finding("few_rows", "warning", f"{counts} of {subject.many}, {subject.texts[0]}")]


@mmx.hookimpl
def mmx_components():
    return [
        OldSquaresParams,
        OldWordsParams,
        OldPixelsParams,
        OldTokensParams,
        OldJoinParams,
        OldMeanParams,
        OldHeadParams,
        OldLossParams,
        OldDrawsParams,
        OldFlipParams,
        OldTemperatureParams,
    ]


def _note(run_path: Path, words: str) -> None:
    with (Path(run_path) / "old.txt").open("a") as file:
        file.write(words + "\n")


@mmx.hookimpl
def mmx_audit_checks():
    return [mmx.Check("few_rows", "how many rows a class has", few_rows, short=True)]


@mmx.hookimpl
def mmx_run_started(run_path, spec):
    _note(run_path, f"started {spec.name} {spec.model.fusion.type} {spec.train.epochs}")


@mmx.hookimpl
def mmx_epoch_ended(run_path, epoch, values):
    _note(run_path, f"epoch {epoch}")


@mmx.hookimpl
def mmx_run_finished(run_path, metrics):
    _note(run_path, "finished" if "test" in metrics else "nothing")


@mmx.hookimpl
def mmx_report_sections(run_path, metrics):
    return [("An old section", "<p>as in API 1</p>")]
