"""Mistakes in losses, samplers, narratives, data sets, hooks and wrapping encoders, each caught."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Literal

import pytest
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

import mmx
from mmx import Batch, Features, Images, LossValue, Outputs, Prediction, Sample
from mmx.blocks import Cumulative
from mmx.interfaces import Link
from mmx.testing import check

NOTE = "what is wrong; empty: nothing"
OTHERS = {
    "loss": {
        "logits changed where a side is missing": "inputs_kept",
        "seeds torch, loss": "random_state",
        "running mean of the loss": "state",
        "weights made in main memory": "device",
        "missing part counts": "missing",
        "overflows for large logits": "extremes",
        "needs a batch of four": "scalar",
        "setting never read, loss": "settings_read",
    },
    "loss of labels": {
        "divides by the known of the batch": "batches_add_up",
        "unknown counts as absent": "unknown_labels",
        "zero times what is not a number": "scalar",
        "labels weigh by their place": "label_permutation",
        "prior of another loss": "states_its_prior",
    },
    "loss of levels": {
        "thresholds out of order": "probabilities",
        "divides by the terms of the batch": "batches_add_up",
    },
    "sampler": {
        "shuffles with Python's numbers": "random_state",
        "order depends on what was drawn": "order_repeats",
        "counts told wrongly": "counts_match",
    },
    "narrative": {
        "writes the label": "label_unseen",
        "changes the record": "random_state",
        "draws a phrase": "text_repeats",
        "write_all sorts": "together",
    },
    "dataset": {
        "shuffles its rows for everybody": "random_state",
        "ids by chance": "rows_repeat",
    },
    "inference": {
        "centred over the batch": "batch_independence",
        "seeds torch, hook": "random_state",
        "batch changed in place": "inputs_kept",
        "not normalised": "normalised",
    },
    "encoder": {
        "views drawn at random": "views",
        "counts from the last view of the batch": "padding",
    },
}


class LossMutantParams(mmx.LossParams):
    """Settings of a cross-entropy of two heads with a chosen mistake."""

    type: Literal["loss_mutant"] = "loss_mutant"
    mistake: str = Field(default="", description=NOTE)

    def build(self, class_counts: Tensor) -> mmx.Loss:
        return Entropy(self.mistake)


class IdleLossParams(LossMutantParams):
    gamma: float = Field(default=2.0, description="a number that nobody reads")


class Entropy(mmx.Loss):
    parts = ("image",)

    def __init__(self, mistake: str) -> None:
        super().__init__()
        self.mistake, self.mean = mistake, 0.0

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        mistake, image = self.mistake, outputs.part_logits["image"]
        here = outputs.present[:, 0].float()
        if mistake == "missing part counts":
            here = torch.ones_like(here)
        if mistake == "logits changed where a side is missing" and not torch.is_grad_enabled():
            image.masked_fill_(~outputs.present[:, :1], 0)
        if mistake == "seeds torch, loss":
            torch.manual_seed(1)
        if mistake == "needs a batch of four" and len(target) != 4:
            raise ValueError("four, please")
        each = F.cross_entropy(image, target, reduction="none") * here
        total = F.cross_entropy(outputs.logits, target) + each.mean()
        if mistake == "overflows for large logits":
            total = total + outputs.logits.exp().sum().log() * 1e-3
        if mistake == "weights made in main memory":
            total = total + (outputs.logits.sum(dim=0) * torch.arange(3)).sum() * 1e-6
        if mistake == "running mean of the loss":
            self.mean += float(total.detach()) if self.training else 0.0
            total = total + self.mean
        return LossValue(total, {"total": total.detach()})


class LabelsMutantParams(mmx.LossParams):
    """Settings of a binary cross-entropy of several labels with a chosen mistake."""

    tasks: ClassVar[frozenset[str]] = frozenset({"multi_label"})
    type: Literal["labels_mutant"] = "labels_mutant"
    mistake: str = Field(default="", description=NOTE)

    def build(self, class_counts: Tensor) -> mmx.Loss:
        return EachLabel(self.mistake)


class EachLabel(mmx.Loss):
    def __init__(self, mistake: str) -> None:
        super().__init__()
        self.mistake = mistake

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        known, count = target >= 0, 2.0 * len(target)
        each = F.softplus(torch.where(target > 0, -outputs.logits, outputs.logits))
        if self.mistake == "zero times what is not a number":
            each = each + 0 * (outputs.logits / (target + 1))
        if self.mistake == "unknown counts as absent":
            known = torch.ones_like(known)
        if self.mistake == "divides by the known of the batch":
            count = float(known.sum().clamp(min=1))
        if self.mistake == "labels weigh by their place":
            each = each * torch.arange(1, 4, device=each.device)
        total = each.where(known, 0).sum() / count
        if self.mistake == "zero times what is not a number":
            total = (each * known).sum() / count
        return LossValue(total, {"total": total.detach()})

    def prior(self, class_counts: Tensor) -> Tensor:
        if self.mistake == "prior of another loss":
            return torch.full((len(class_counts), 2), 0.5, dtype=torch.float64)
        return super().prior(class_counts)


class LevelsMutantParams(mmx.LossParams):
    """Settings of a loss of ordered levels with a chosen mistake."""

    tasks: ClassVar[frozenset[str]] = frozenset({"ordinal"})
    type: Literal["levels_mutant"] = "levels_mutant"
    mistake: str = Field(default="", description=NOTE)

    def link(self, class_counts: Tensor) -> Link:
        loose = self.mistake == "thresholds out of order"
        return Loose(class_counts) if loose else Cumulative(class_counts)

    def build(self, class_counts: Tensor) -> mmx.Loss:
        return Thresholds(self.mistake)


class Loose(Cumulative):
    def forward(self, raw: Tensor) -> Tensor:
        return raw - self.thresholds.flip(0)

    def log_probs(self, logits: Tensor) -> Tensor:
        above = F.pad(F.pad(logits.sigmoid(), (1, 0), value=1.0), (0, 1))
        return (above[:, :-1] - above[:, 1:]).clamp(min=1e-30).log()


class Thresholds(mmx.Loss):
    def __init__(self, mistake: str) -> None:
        super().__init__()
        self.mistake = mistake

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        level = torch.arange(outputs.logits.shape[1], device=target.device)
        above = target[:, None] > level
        each = F.softplus(torch.where(above, -outputs.logits, outputs.logits))
        total = each.sum(dim=1).mean()
        if self.mistake == "divides by the terms of the batch":
            asked = target[:, None] >= level
            total = each.where(asked, 0).sum() / asked.sum()
        return LossValue(total, {"total": total.detach()})


class SamplerMutantParams(mmx.SamplerParams):
    """Settings of a shuffling sampler with a chosen mistake."""

    type: Literal["sampler_mutant"] = "sampler_mutant"
    mistake: str = Field(default="", description=NOTE)

    def build(self, labels: Tensor, seed: int) -> mmx.Sampler:
        return Order(len(labels), seed, self.mistake)


class Order(mmx.Sampler):
    def __init__(self, rows: int, seed: int, mistake: str) -> None:
        self.rows, self.seed, self.mistake = rows, seed, mistake
        self.draws = torch.Generator().manual_seed(seed)

    def __iter__(self) -> Iterator[int]:
        if self.mistake == "shuffles with Python's numbers":
            random.seed(self.seed + self.epoch)
            return iter(random.sample(range(self.rows), self.rows))
        if self.mistake != "order depends on what was drawn":
            self.draws.manual_seed(self.seed + self.epoch)
        return iter(torch.randperm(self.rows, generator=self.draws).tolist())

    def __len__(self) -> int:
        return self.rows

    def expected_counts(self, class_counts: Tensor) -> Tensor:
        wrong = self.mistake == "counts told wrongly"
        return torch.full_like(class_counts, 10) if wrong else class_counts


class NarrativeMutantParams(mmx.NarrativeParams):
    """Settings of a narrative of ages with a chosen mistake."""

    type: Literal["narrative_mutant"] = "narrative_mutant"
    mistake: str = Field(default="", description=NOTE)

    def build(self, features: object) -> mmx.Narrative:
        return Ages(self.mistake)


class Ages(mmx.Narrative):
    def __init__(self, mistake: str) -> None:
        self.mistake, self.written = mistake, 0

    def write(self, sample: Sample) -> str:
        self.written += 1
        if self.mistake == "changes the record":
            sample.record["age"] = 0.0  # type: ignore[index]
        if self.mistake == "writes the label":
            return str(sample.label)
        if self.mistake == "draws a phrase":
            return f"number {self.written}"
        return f"{sample.record.get('age')} years"

    def write_all(self, samples: Sequence[Sample]) -> Sequence[str]:
        found = [self.write(sample) for sample in samples]
        return sorted(found, reverse=True) if self.mistake == "write_all sorts" else found


class DatasetMutantParams(mmx.DatasetParams):
    """Settings of a data set of two rows with a chosen mistake."""

    type: Literal["dataset_mutant"] = "dataset_mutant"
    mistake: str = Field(default="", description=NOTE)

    def build(self) -> mmx.Dataset:
        return Rows(self.mistake)


class Rows(mmx.Dataset):
    classes = ("a", "b")

    def __init__(self, mistake: str) -> None:
        self.mistake = mistake

    def samples(self) -> Sequence[Sample]:
        if self.mistake == "shuffles its rows for everybody":
            random.seed(3)
        by_chance = f"{torch.rand(1).item()}" if self.mistake == "ids by chance" else "x"
        return [Sample(by_chance, "g", label="a"), Sample("y", "h", label="b")]


class HookMutantParams(mmx.InferenceParams):
    """Settings of a hook that hands on what is inside, with a chosen mistake."""

    type: Literal["hook_mutant"] = "hook_mutant"
    mistake: str = Field(default="", description=NOTE)

    def build(self) -> mmx.InferenceHook:
        return Passing(self.mistake)


class Passing(mmx.InferenceHook):
    def __init__(self, mistake: str) -> None:
        self.mistake = mistake

    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        found = next(batch).log_probs
        if self.mistake == "centred over the batch":
            found = (found - found.mean(dim=0)).log_softmax(dim=1)
        if self.mistake == "seeds torch, hook":
            torch.manual_seed(1)
        if self.mistake == "batch changed in place":
            images = batch.inputs["image"]
            assert isinstance(images, Images)
            images.pixels.zero_()
        if self.mistake == "not normalised":
            found = found / 2
        return Prediction(found)


class BackboneParams(mmx.EncoderParams):
    """Mean colour of one image."""

    modality = "image"
    type: Literal["colour"] = "colour"

    def build(self) -> "Backbone":
        return Backbone()


class Backbone(mmx.SingleImageEncoder):
    def __init__(self) -> None:
        super().__init__((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        self.shape, self.weights = mmx.FeatureShape(4), {"origin": "none"}
        self.layer = nn.Linear(3, 4)

    def encode(self, pixels: Tensor) -> Features:
        return Features.of_pooled(self.layer(pixels.mean(dim=(2, 3))))


class WrapperMutantParams(mmx.WrappingParams):
    """Settings of a mean over views with a chosen mistake."""

    type: Literal["wrapper_mutant"] = "wrapper_mutant"
    backbone: BackboneParams = Field(  # pyright: ignore[reportIncompatibleVariableOverride]
        default=BackboneParams(), description="the encoder of one image"
    )
    mistake: str = Field(default="", description=NOTE)

    def build(self) -> mmx.Encoder:
        return MeanOfViews(self.mistake)


class MeanOfViews(mmx.WrappingEncoder):
    def __init__(self, mistake: str) -> None:
        super().__init__(Backbone())
        self.shape, self.mistake = mmx.FeatureShape(4), mistake
        self.last = nn.Linear(4, 4)

    def views(self, images: Images) -> Images:
        if self.mistake == "views drawn at random" and self.training:
            return Images(images.pixels.flip(-1), images.mask)
        return images

    def combine(self, seen: mmx.Seen) -> Features:
        place = torch.arange(seen.mask.shape[1], device=seen.mask.device)
        weight = seen.mask.float()
        if self.mistake == "counts from the last view of the batch":
            weight = weight * (seen.mask.shape[1] - place)
        mean = (seen.pooled * weight[..., None]).sum(dim=1) / seen.mask.sum(1)[:, None].clamp(min=1)
        return Features.of_pooled(self.last(mean))


METHODS: dict[str, Callable[..., mmx.Params]] = {
    "loss": LossMutantParams, "sampler": SamplerMutantParams, "narrative": NarrativeMutantParams,
    "dataset": DatasetMutantParams, "inference": HookMutantParams, "encoder": WrapperMutantParams,
    "loss of labels": LabelsMutantParams, "loss of levels": LevelsMutantParams,
}  # fmt: skip
CASES = [(kind, one, law) for kind, laws in OTHERS.items() for one, law in laws.items()]


def failing(params: mmx.Params) -> dict[str, str]:
    return {one.name: one.detail for one in check(params) if one.status == "failed"}


@pytest.mark.parametrize("kind", METHODS)
def test_the_right_ones_keep_all_laws(kind: str) -> None:
    assert failing(METHODS[kind]()) == {}


@pytest.mark.parametrize(("kind", "mistake", "law"), CASES)
def test_a_mistake_is_caught_by_the_law_that_names_it(kind: str, mistake: str, law: str) -> None:
    never_read = mistake == "setting never read, loss"
    params = IdleLossParams() if never_read else METHODS[kind](mistake=mistake)
    found = failing(params)
    assert law in found, found
    assert "\n" not in found[law]
