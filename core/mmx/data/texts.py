"""The texts of the rows: written by a narrative, tokenised once per distinct text."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, overload

import numpy as np
import torch

from mmx.data.manifest import Manifest
from mmx.data.split import Split
from mmx.errors import DataError
from mmx.interfaces import FeatureSource, NarrativeParams, Sample, TextEncoder, Texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHUNK = 4096  # texts tokenised together


class _Told(Sequence[Sample]):
    """Rows as a narrative may see them: without label and without columns that tell it."""

    def __init__(
        self,
        samples: Sequence[Sample],
        rows: Sequence[int],
        hidden: Sequence[str],
        with_label: bool,
    ) -> None:
        self.samples, self.rows = samples, rows
        self.hidden, self.with_label = frozenset(hidden), with_label

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> Sample: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Sample]: ...
    def __getitem__(self, place: int | slice) -> Sample | Sequence[Sample]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        sample = self.samples[int(self.rows[place])]
        if self.with_label:
            return sample
        record = {name: value for name, value in sample.record.items() if name not in self.hidden}
        return replace(sample, record=record, label=None)


def write_texts(
    manifest: Manifest, params: NarrativeParams, split: Split, features: FeatureSource | None = None
) -> list[str]:
    """The text of every row, in order; empty where a sample has none.

    The narrative learns from the training rows only, and sees neither labels nor the columns that
    ``manifest.facts.leak_columns`` lists, unless its params say ``needs_label``.

    Raises:
        DataError: the narrative wrote something that is not a string.
    """
    narrative = params.build(features)
    hidden, label = manifest.facts.leak_columns, params.needs_label
    narrative.fit(_Told(manifest.samples, split.rows("train").tolist(), hidden, label))
    texts = list(narrative.write_all(_Told(manifest.samples, range(len(manifest)), hidden, label)))
    if len(texts) != len(manifest):
        raise DataError(f"the narrative wrote {len(texts)} texts for {len(manifest)} samples")
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(
                f"the narrative wrote {type(text).__name__} for {manifest.ids[row]}, not a string"
            )
    return texts


class TextStore:
    """Texts of the rows, as token ids.

    Attributes:
        keys: [n], digest of each text; the empty text has one too.
    """

    def __init__(self, texts: Sequence[str], encoder: TextEncoder) -> None:
        self._distinct = list(dict.fromkeys(texts))
        places = {text: place for place, text in enumerate(self._distinct)}
        self._place = np.fromiter((places[text] for text in texts), np.int64, len(texts))
        digests = [
            hashlib.blake2b(one.encode(), digest_size=20).hexdigest() for one in self._distinct
        ]
        self.keys = [digests[place] for place in self._place]
        self._encoder = encoder

    def __len__(self) -> int:
        """Rows."""
        return len(self._place)

    @property
    def distinct(self) -> int:
        """How many different texts there are."""
        return len(self._distinct)

    def texts(self, rows: Sequence[int]) -> Texts:
        """Ids and mask of these rows, padded to the longest of them; at least one place wide."""
        flat, starts, padding = self._tokens
        place = self._place[np.asarray(rows, dtype=np.int64)]
        lengths = starts[place + 1] - starts[place]
        columns = np.arange(max(int(lengths.max(initial=0)), 1))
        mask = columns < lengths[:, None]
        ids = np.full(mask.shape, padding, dtype=np.int64)
        ids[mask] = flat[(starts[place][:, None] + columns)[mask]]
        return Texts(torch.from_numpy(ids), torch.from_numpy(mask))

    @cached_property
    def _tokens(self) -> "tuple[NDArray[np.int32], NDArray[np.int64], int]":
        """Ids of the distinct texts one after the other, where each starts, and the padding id."""
        flat: list[NDArray[np.int32]] = []
        lengths: list[NDArray[np.int64]] = []
        padding = 0
        for start in range(0, len(self._distinct), _CHUNK):
            tokens = self._encoder.tokenize(self._distinct[start : start + _CHUNK])
            mask, ids = tokens.mask.numpy(), tokens.ids.numpy()
            flat.append(ids[mask].astype(np.int32))
            lengths.append(mask.sum(axis=1))
            padding = int(ids[~mask][0]) if not mask.all() else padding
        starts = np.concatenate(
            [[0], np.cumsum(np.concatenate(lengths or [np.zeros(0, np.int64)]))]
        )
        return np.concatenate(flat or [np.zeros(0, np.int32)]), starts, padding
