"""Throughput of training on few images and on all of them, in turns."""

import statistics
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from scale_case import Case, Figures, peak, sources_of
from scale_sets import draw_shards
from torch import Tensor

from mmx.data import Part
from mmx.experiment.run_setup import RunSetup, set_up
from mmx.interfaces import Sampler
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


def speed(case: Case, setup: RunSetup, turn: int, rows: int) -> float:
    """Images a second that training takes, of so many rows."""
    parts = sources_of(setup).parts(setup.prepared)
    held = parts["validation"]
    parts["validation"] = Part(
        held.rows[:32].tolist(), held.sources, held.labels[:32], held.groups[:32]
    )
    trainee = replace(setup.learner.trainee, sampler=First(setup.learner.sampler, rows))
    folder = RunFolder.create(case.home / "runs", f"turn-{turn}", setup.digest, True)
    with folder.lock(SilentObserver()):
        history = train(trainee, TrainingData(parts), setup.spec, folder, SilentObserver())
    return history.epochs[-1].samples_per_second


def compared(case: Case, encoder: str, rows: int, turns: int) -> Figures:
    """Throughput on few images, whose pixels are at hand, and on all of them, in turns."""
    few = min(FEW, case.drawn.images // 3)
    studies = max(few * case.drawn.studies // case.drawn.images, 50)
    drawn = replace(case.drawn, images=few, studies=studies)
    small = replace(case, shards=case.home / "few", drawn=drawn)
    if not small.shards.exists():
        draw_shards(small.shards, drawn)
    words = f"model.image={encoder}"
    setups = [
        set_up(one.spec(f"of-{one.drawn.images}", words), SilentObserver()) for one in (small, case)
    ]
    speeds = [[speed(case, one, turn, rows) for one in setups] for turn in range(turns)]
    ratios = [large / little for little, large in speeds]
    return {
        "few": few, "decoded": [one.prepared.images.decoded for one in setups],
        "few_a_second": round(statistics.median(one for one, _ in speeds), 1),
        "all_a_second": round(statistics.median(one for _, one in speeds), 1),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(one, 2) for one in ratios], "least_ratio": LEAST_SPEED,
        "peak_gib": peak(),
    }  # fmt: skip


def pixels(case: Case) -> Figures:
    """A ResNet-18 that trains: every image of the large set is decoded in every epoch."""
    encoder = "{type: timm, arch: resnet18, weights: none, train: full}"
    return compared(case, encoder, rows=64, turns=5)


def features(case: Case) -> Figures:
    """A frozen encoder, whose features are read from the cache."""
    return compared(case, "wide", rows=6400, turns=5)
