"""Samples of a spec with their texts, to be read before anything is trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmx.data import Manifest
from mmx.pipeline import heard, prepare, texts_of
from mmx.runs import Observer
from mmx.spec import Spec

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class NarratedSample:
    """A sample and its texts.

    Attributes:
        id: of the sample.
        part: train, validation, test, calibration or unused.
        label: its class; empty when unknown. For the reader: the texts were written without it.
        texts: modality -> its text as an encoder would read it; empty when it has none.
    """

    id: str
    part: str
    label: str
    texts: Mapping[str, str]

    @property
    def text(self) -> str:
        """All that is written of it, one text after the other."""
        return " ".join(filter(None, self.texts.values()))


def narratives(spec: Spec, count: int, *, observer: Observer | None = None) -> list[NarratedSample]:
    """Samples drawn with the spec's seed, evenly over its classes, with their texts.

    Args:
        spec: whose data and narrative are used.
        count: of samples; fewer when there are fewer.
        observer: is told how far reading has come.

    Raises:
        MmxError: faults of the data or the narrative.
    """
    prepared = prepare(spec, heard(observer))
    unread = [name for name in spec.data.narratives if name not in prepared.written]
    texts_by_name = {**prepared.written, **texts_of(spec, prepared, unread)}
    written = {name: texts_by_name[name] for name in spec.data.narratives}
    manifest = prepared.manifest
    order = np.random.default_rng(spec.seed).permutation(len(manifest))
    rank = np.zeros(len(manifest), dtype=np.int64)  # 0 for the first of each class, 1, ...
    labels, words = _sorted(manifest), manifest.task.words(manifest.targets)
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        rank[rows] = np.arange(len(rows))
    chosen = order[np.argsort(rank[order], kind="stable")][:count]
    return [
        NarratedSample(
            str(manifest.ids[row]),
            str(prepared.split.parts[row]),
            str(words[row]),
            {name: texts[row] for name, texts in written.items()},
        )
        for row in sorted(chosen.tolist(), key=lambda row: (labels[row], row))
    ]


def _sorted(manifest: Manifest) -> "NDArray[np.int64]":
    """[n], a number for each kind of target, for samples of every kind."""
    strata = manifest.strata
    if len(strata) == 1:
        return strata[0].labels
    return np.unique(np.stack([one.labels for one in strata]), axis=1, return_inverse=True)[1]
