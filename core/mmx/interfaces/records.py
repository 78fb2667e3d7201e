"""Records as tensors, and the encoders that read them."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from mmx.errors import ShapeError
from mmx.interfaces.dataset import Value
from mmx.interfaces.encoder import Encoder
from mmx.interfaces.features import Features

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


class RecordEncoder(Encoder):
    """Records to features; what it knows of the columns comes from training rows alone.

    ``fit`` looks at the training rows and gives what it found as JSON, and ``learn_columns`` makes
    the layers for it. A run keeps the JSON beside the weights, and its digest is part of every key
    of the feature cache.

    Attributes:
        named: fields of records that the settings name; nobody else decides to read them.
        fields: fields of records that it reads; known after ``learn_columns``.
    """

    named: frozenset[str] = frozenset()
    fields: tuple[str, ...] = ()

    @abstractmethod
    def fit(self, records: Sequence[Record], excluded: Mapping[str, str]) -> str:
        """What the columns hold, as JSON; the order of rows and of columns does not matter.

        Args:
            records: of the training rows.
            excluded: fields that must not be read, such as the label, and why.

        Raises:
            DataError: the settings name a field that is excluded or not there, or nothing is left.
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
