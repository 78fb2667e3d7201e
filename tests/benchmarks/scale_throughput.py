"""Throughput of training on few images and on all of them, in turns."""

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from unittest import mock

import torch
from scale_case import Case, Figures, peak, sources_of
from scale_sets import draw_shards
from torch import Tensor

from mmx.data import Part
from mmx.data.encoding import Encoding
from mmx.experiment.run_setup import RunSetup, set_up
from mmx.interfaces import Features, Sampler
from mmx.runs import RunFolder, SilentObserver
from mmx.training import TrainingData, train

LEAST_SPEED = 0.9
FEW = 10_000  # images of the small set that throughput is compared with


class First(Sampler):
    """The first rows of each epoch of another sampler."""

    def __init__(self, whole: Sampler, rows: int) -> None:
        self._whole, self._rows = whole, rows

    def __len__(self) -> int:
        return min(self._rows, len(self._whole))

    def __iter__(self) -> Iterator[int]:
        return islice(iter(self._whole), self._rows)

    def set_epoch(self, epoch: int) -> None:
        self._whole.set_epoch(epoch)

    def expected_counts(self, class_counts: Tensor) -> Tensor:
        return self._whole.expected_counts(class_counts)


@dataclass(frozen=True, slots=True)
class Speed:
    """Images a second of a training, with its short validations.

    Attributes:
        clock: by the clock.
        processor: by the processors that the process had meanwhile.
    """

    clock: float
    processor: float


def parts_of(setup: RunSetup) -> dict[str, Part]:
    """The parts of a run, of whose validation a batch is left."""
    parts = sources_of(setup).parts(setup.prepared)
    held = parts["validation"]
    few = Part(held.rows[:32].tolist(), held.sources, held.labels[:32], held.groups[:32])
    return {**parts, "validation": few}


def speed(case: Case, setup: RunSetup, parts: dict[str, Part], rows: int) -> Speed:
    """How fast training takes so many rows an epoch."""
    trainee = replace(setup.learner.trainee, sampler=First(setup.learner.sampler, rows))
    folder = RunFolder.create(case.home / "runs", "turn", setup.digest, True)
    with folder.lock(SilentObserver()):
        start, used = time.perf_counter(), time.process_time()
        train(trainee, TrainingData(parts), setup.spec, folder, SilentObserver())
        took, used = time.perf_counter() - start, time.process_time() - used
    images = rows * setup.spec.train.epochs
    return Speed(images / took, images / used)


def compared(case: Case, encoder: str, rows: int, epochs: int, turns: int) -> Figures:
    """Throughput on few images, whose pixels are at hand, and on all of them, in turns."""
    few = min(FEW, case.drawn.images // 3)
    studies = max(few * case.drawn.studies // case.drawn.images, 50)
    drawn = replace(case.drawn, images=few, studies=studies)
    small = replace(case, shards=case.home / "few", drawn=drawn)
    if not small.shards.exists():
        draw_shards(small.shards, drawn)
    words = (f"model.image={encoder}", f"train.epochs={epochs}", "train.threads=1")
    setups = [
        set_up(one.spec(f"of-{one.drawn.images}", *words), SilentObserver())
        for one in (small, case)
    ]
    both = [(one, parts_of(one)) for one in setups]
    speeds = [[speed(case, one, parts, rows) for one, parts in both] for _ in range(turns)]
    return {
        "few": few, "decoded": [one.prepared.images.decoded for one in setups],
        **beside([(little.processor, large.processor) for little, large in speeds], ""),
        **beside([(little.clock, large.clock) for little, large in speeds], "clock_"),
        "least_ratio": LEAST_SPEED, "peak_gib": peak(),
    }  # fmt: skip


def beside(speeds: Sequence[tuple[float, float]], how: str) -> Figures:
    """Images a second of few and of all, and the ratios of the turns, smallest first."""
    ratios = sorted(large / little for little, large in speeds)
    return {
        f"{how}few_a_second": round(statistics.median(one for one, _ in speeds), 1),
        f"{how}all_a_second": round(statistics.median(one for _, one in speeds), 1),
        f"{how}ratio": round(statistics.median(ratios), 3),
        f"{how}ratios": [round(one, 2) for one in ratios],
    }  # fmt: skip


def pixels(case: Case) -> Figures:
    """A ResNet-18 that trains: every image of the large set is decoded in every epoch."""
    encoder = "{type: timm, arch: resnet18, weights: none, train: full}"
    return compared(case, encoder, rows=64, epochs=2, turns=5)


def features(case: Case) -> Figures:
    """A frozen encoder, whose features are read from the cache.

    They are drawn, not encoded: what encoding costs is a matter of ``stream``.
    """
    with mock.patch.object(Encoding, "_encode", drawn_features):
        return compared(case, "wide", rows=6400, epochs=10, turns=5)


def drawn_features(work: Encoding, rows: list[int]) -> tuple[Features, None]:
    """Noise for each input, as wide as the features of its encoder."""
    width = work.frozen.encoder.shape.dim
    values = torch.randn(len(rows), width)
    return Features.of_pooled(values, torch.ones(len(rows), dtype=torch.bool)), None
