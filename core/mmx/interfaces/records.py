"""Records as tensors, the encoders that read them, and the way from one to the other."""

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmx.errors import ShapeError
from mmx.interfaces.dataset import Sample, Value
from mmx.interfaces.encoder import Encoder
from mmx.interfaces.features import Features
from mmx.interfaces.input import Input, InputRows, Store

Record = Mapping[str, Value]
"""The fields of one sample by name; a field that is not there is missing."""


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a batch, one place for each of K fitted columns.

    Attributes:
        values: [B, K], floating point: numbers as the encoder scales them; what stands where a
            cell is missing or holds a category never matters.
        codes: [B, K], int64: index of the value of a category, from 0; likewise.
        known: [B, K], bool; True marks a cell that holds something.
    """

    values: Tensor
    codes: Tensor
    known: Tensor

    def __post_init__(self) -> None:
        """Check the shapes."""
        shapes = {tuple(one.shape) for one in (self.values, self.codes, self.known)}
        if len(shapes) > 1 or self.values.ndim != 2:
            told = ", ".join(str(list(one.shape)) for one in (self.values, self.codes, self.known))
            raise ShapeError(f"values, codes and known must all be [B, K], got {told}")

    @property
    def present(self) -> Tensor:
        """[B], bool: samples of which at least one cell is known."""
        return self.known.any(dim=1)


MADE_UP: Sequence[Record] = [
    {"age": 20.0 + row, "size": None if row % 3 else row / 7, "sex": "mf"[row % 2],
     "site": ("arm", "back", None)[row % 3]}
    for row in range(30)
]  # fmt: skip
"""Records for laws, which no data are read for."""


class RecordsInput(Input):
    """The record of each sample, in the columns that its encoder fitted."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields of the record that the encoder reads."""
        return self._encoder.fields

    def fit(self, samples: Sequence[Sample], hidden: Mapping[str, str]) -> str:
        """What the columns of the training rows hold."""
        return self._encoder.fit([sample.record for sample in samples], hidden)

    def restore(self, statistics: str) -> None:
        """Make the layers for the columns."""
        self._encoder.learn_columns(statistics)
        self._statistics = statistics

    def prepare(self, rows: InputRows) -> "RecordStore":
        """All records as tensors."""
        found = self._encoder.tabulate([sample.record for sample in rows.samples])
        return RecordStore(found, self._statistics)

    def example(self) -> Records:
        """Two records of four fields, and an empty one between them."""
        if not self._encoder.fields:
            self.restore(self._encoder.fit(MADE_UP, {}))
        return self._encoder.tabulate([MADE_UP[0], {}, MADE_UP[1]])

    @property
    def _encoder(self) -> "RecordEncoder":
        if not isinstance(self.encoder, RecordEncoder):
            raise TypeError(f"{type(self.encoder).__name__} is no RecordEncoder, reads no records")
        return self.encoder


class RecordStore(Store):
    """The records of n rows, in memory.

    Args:
        records: of all rows.
        statistics: that they were made with; the same cell means another thing under others.
    """

    def __init__(self, records: Records, statistics: str) -> None:
        self._records = records
        start = hashlib.sha256(statistics.encode())
        self.keys = [_key(start.digest(), *row) for row in zip(*_columns(records), strict=True)]

    @property
    def present(self) -> Tensor:
        """[n], bool: rows of which at least one cell is known."""
        return self._records.present

    def collate(self, rows: Sequence[int]) -> Records:
        """The records of these rows."""
        indices = torch.as_tensor(rows, dtype=torch.int64)
        all_rows = self._records
        return Records(all_rows.values[indices], all_rows.codes[indices], all_rows.known[indices])


class RecordEncoder(Encoder):
    """Records to features; what it knows of the columns comes from training rows alone.

    ``fit`` looks at the training rows and gives what it found as JSON, and ``learn_columns`` makes
    the layers for it. A run keeps the JSON beside the weights, and its digest is part of every key
    of the feature cache.

    Attributes:
        fields: fields of records that it reads; known after ``learn_columns``.
        sources: the fields that each column is made of, such as a date of the sine and the cosine
            of its month; empty: each column is a field.
    """

    input = RecordsInput
    fields: tuple[str, ...] = ()
    sources: tuple[tuple[str, ...], ...] = ()

    @abstractmethod
    def fit(self, records: Sequence[Record], excluded: Mapping[str, str]) -> str:
        """What the columns hold, as JSON; the order of rows and of columns does not matter.

        Args:
            records: of the training rows.
            excluded: fields that must not be read, such as the label, and why.

        Raises:
            SettingsError: the settings name a field that is excluded or not there, or nothing is
                left; every fault, by its key.
        """

    @abstractmethod
    def learn_columns(self, fitted: str) -> None:
        """Make the layers for columns that ``fit`` found; ``shape`` is known from here on."""

    @abstractmethod
    def tabulate(self, records: Sequence[Record]) -> Records:
        """Tensors [B, K] of any records, each by itself: no other record changes its numbers."""

    @abstractmethod
    def forward(self, records: Records) -> Features:
        """Encode [B, K]; samples without a known cell are not present in the result."""


def _columns(records: Records) -> list[list[bytes]]:
    """Bytes of each row, tensor by tensor; what stands in a missing cell does not count."""
    known = records.known
    filled = (records.values.masked_fill(~known, 0), records.codes.masked_fill(~known, 0), known)
    return [[row.tobytes() for row in one.contiguous().numpy()] for one in filled]


def _key(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()
