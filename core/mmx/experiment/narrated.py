"""Samples of a spec with their texts, to be read before anything is trained."""

from dataclasses import dataclass

import numpy as np

from mmx.experiment.running import prepare_spec
from mmx.pipeline import heard
from mmx.runs import Observer
from mmx.spec import Spec


@dataclass(frozen=True, slots=True)
class Narrated:
    """A sample and its text.

    Attributes:
        id: of the sample.
        part: train, validation, test, calibration or unused.
        label: its class; empty when unknown. For the reader: the text was written without it.
        text: as a model would read it; empty when it has none.
    """

    id: str
    part: str
    label: str
    text: str


def narratives(spec: Spec, count: int, *, observer: Observer | None = None) -> list[Narrated]:
    """Samples drawn with the spec's seed, evenly over its classes, with their texts.

    Args:
        spec: whose data and narrative are used.
        count: of samples; fewer when there are fewer.
        observer: is told how far reading has come.

    Raises:
        MmxError: faults of the data or the narrative.
    """
    prepared = prepare_spec(spec, heard(observer))
    manifest = prepared.manifest
    order = np.random.default_rng(spec.seed).permutation(len(manifest))
    rank = np.zeros(len(manifest), dtype=np.int64)  # 0 for the first of each class, 1, ...
    for label in np.unique(manifest.labels):
        rows = order[manifest.labels[order] == label]
        rank[rows] = np.arange(len(rows))
    chosen = order[np.argsort(rank[order], kind="stable")][:count]
    names = [*manifest.classes, ""]  # -1 is the last
    return [
        Narrated(
            str(manifest.ids[row]),
            str(prepared.split.parts[row]),
            names[int(manifest.labels[row])],
            prepared.texts[row],
        )
        for row in sorted(chosen.tolist(), key=lambda row: (manifest.labels[row], row))
    ]
