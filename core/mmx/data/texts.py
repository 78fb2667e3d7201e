"""The texts of the rows: written by a narrative, tokenised once per distinct text."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import overload

import numpy as np
import torch

from mmx.data.manifest import Manifest
from mmx.data.split import Split
from mmx.data.tokens import Tokens
from mmx.errors import DataError
from mmx.interfaces import (
    FeatureSource,
    Narrative,
    NarrativeParams,
    Sample,
    Store,
    Texts,
    Tokenizer,
)


class _NarrativeRows(Sequence[Sample]):
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
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | Sequence[Sample]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        sample = self.samples[int(self.rows[index])]
        if self.with_label:
            return sample
        record = {name: value for name, value in sample.record.items() if name not in self.hidden}
        return replace(sample, record=record, label=None, labels={})


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
    learn_texts(narrative, params, manifest, split)
    hidden, label = manifest.facts.leak_columns, params.needs_label
    return new_texts(narrative, manifest.samples, hidden, with_label=label)


def learn_texts(
    narrative: Narrative, params: NarrativeParams, manifest: Manifest, split: Split
) -> None:
    """Let a narrative learn from the training rows."""
    hidden, label = manifest.facts.leak_columns, params.needs_label
    narrative.fit(_NarrativeRows(manifest.samples, split.rows("train").tolist(), hidden, label))


def text_notes(
    params: NarrativeParams, samples: Sequence[Sample], hidden: Sequence[str]
) -> list[str]:
    """What a narrative says that texts of these samples lack; nothing where it needs features."""
    if params.needs_features:
        return []
    told = _NarrativeRows(samples, range(len(samples)), hidden, params.needs_label)
    return list(params.build(None).notes(told))


def new_texts(
    narrative: Narrative, samples: Sequence[Sample], hidden: Sequence[str], *, with_label: bool
) -> list[str]:
    """The texts of samples by a narrative that has learned; empty where a sample has none.

    Args:
        narrative: has learned what it learns.
        samples: any.
        hidden: fields of the record that it must not see.
        with_label: whether it sees the labels.
    """
    told = _NarrativeRows(samples, range(len(samples)), hidden, with_label)
    texts = list(narrative.write_all(told))
    if len(texts) != len(samples):
        raise DataError(f"the narrative wrote {len(texts)} texts for {len(samples)} samples")
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(
                f"the narrative wrote {type(text).__name__} for {samples[row].id}, not a string"
            )
    return texts


class TextStore(Store):
    """Texts of the rows, as token ids.

    Attributes:
        keys: [n], digest of each text; the empty text has one too.
    """

    def __init__(self, texts: Sequence[str], encoder: Tokenizer) -> None:
        self._distinct = list(dict.fromkeys(texts))
        places = {text: index for index, text in enumerate(self._distinct)}
        self._index = np.fromiter((places[text] for text in texts), np.int64, len(texts))
        digests = [
            hashlib.blake2b(one.encode(), digest_size=20).hexdigest() for one in self._distinct
        ]
        self.keys = [digests[index] for index in self._index]
        self._encoder = encoder

    def __len__(self) -> int:
        """Rows."""
        return len(self._index)

    @property
    def present(self) -> torch.Tensor:
        """[n], bool: rows with a text; an encoder may still find no token in one."""
        return torch.tensor([bool(self._distinct[index]) for index in self._index])

    @property
    def distinct(self) -> int:
        """How many different texts there are."""
        return len(self._distinct)

    def collate(self, rows: Sequence[int]) -> Texts:
        """Ids and mask of these rows, as ``tokenize`` gives them, padded to the widest of them.

        Raises:
            DataError: the encoder cannot tokenise a text, or gives it other ids among other texts.
        """
        return self._tokens.padded(self._index[np.asarray(rows, dtype=np.int64)])

    @cached_property
    def _tokens(self) -> Tokens:
        return Tokens(self._distinct, self._encoder)
