"""Input kinds: the whole way of one kind of data, from samples to what an encoder reads."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from torch import Tensor, nn

from mmx.interfaces.dataset import RejectedRow, Sample
from mmx.interfaces.inputs import Inputs, Texts
from mmx.interfaces.params import Params


class Store(ABC):
    """What an encoder reads of n rows: made once, handed out in batches.

    A row is the same whatever rows are asked for beside it, but for padding behind it. Values keep
    their order and their type: a store brings samples into tensors, and changes nothing else.

    Attributes:
        keys: [n], digest of all that ``collate`` gives for a row, statistics included; rows with
            one key are encoded once, and found again in the cache.
        unreadable: what cannot be read, by the id of its sample, with the reason; such a row is not
            present.
    """

    keys: Sequence[str]
    unreadable: Sequence[RejectedRow] = ()

    @property
    @abstractmethod
    def present(self) -> Tensor:
        """[n], bool: rows that hold something."""

    @abstractmethod
    def collate(self, rows: Sequence[int]) -> Inputs:
        """The inputs of these rows, in the order asked for, on the CPU."""

    @property
    def digest(self) -> str:
        """SHA-256 of the keys, whatever the order of rows."""
        return hashlib.sha256("".join(sorted(self.keys)).encode()).hexdigest()


class Tokenizer(Protocol):
    """Turns texts into ids; every ``TextEncoder`` is one."""

    def tokenize(self, texts: Sequence[str]) -> Texts:
        """Ids [B, N], int64, and mask of any texts."""
        ...


class InputRows(Protocol):
    """The rows that an input is prepared from, and what core does for every kind.

    Attributes:
        samples: n rows; a modality is looked up by its name.
    """

    @property
    def samples(self) -> Sequence[Sample]:
        """The rows, without their labels."""
        ...

    def images(self, name: str) -> Store:
        """Decoded images of a modality, at the size that the spec states."""
        ...

    def texts(self, name: str) -> Sequence[str]:
        """[n], what the narrative of a modality wrote; empty where it had nothing to say."""
        ...

    def tokens(self, name: str, tokenizer: Tokenizer) -> Store:
        """The same as token ids."""
        ...


class Input(ABC):
    """One kind of data on its way to one encoder; an encoder names its class as ``input``.

    Args:
        name: of the modality, such as ``ecg``; samples hold its data under this name.
        encoder: that reads it; may say a sampling rate, a tokenizer or columns.

    Attributes:
        notes: sentences for the report.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, name: str, encoder: nn.Module) -> None:
        self.name, self.encoder = name, encoder

    @property
    def fields(self) -> Collection[str]:
        """Fields of the record that it reads, which a new case must bring."""
        return ()

    def fit(self, samples: Sequence[Sample], hidden: Mapping[str, str]) -> str:
        """Learn what the kind needs to know of the data, such as a mean; nothing by default.

        Args:
            samples: of the training part alone, without their labels.
            hidden: field of the record -> why a model must not read it.

        Returns:
            What was learned, as text for ``restore``; empty: nothing. It is kept in the run, and
            its digest is part of every cache key.

        Raises:
            SettingsError: settings of the encoder that the samples contradict, each by its key.
        """
        return ""

    def restore(self, statistics: str) -> None:
        """Take what ``fit`` gave, before ``prepare`` and before a model is built of its encoder."""
        if statistics:
            raise NotImplementedError(f"{type(self).__name__} has a fit and no restore")

    @abstractmethod
    def prepare(self, rows: InputRows) -> Store:
        """What the encoder reads of these rows; ones that cannot be read are told, not raised."""

    def example(self) -> Inputs | None:
        """Three made-up samples as ``collate`` gives them, the second of which has nothing.

        The laws of encoders are tried on them; None: laws that need inputs are not tried. An input
        that learns from data may learn from what it makes up here.
        """
        return None


class InputParams(Params):
    """An input kind that a package brings; it is listed and checked under ``input.TYPE``.

    A spec never names one: an encoder names the class that it reads from, and its settings are the
    input's. This declaration holds what the checks need besides.

    Attributes:
        input: the class that encoders of the kind name as ``input``.
    """

    kind: ClassVar[str] = "input"
    input: ClassVar[type[Input]]

    @abstractmethod
    def encoder(self) -> nn.Module:
        """The smallest encoder that reads it; a check asks it for settings and never runs it."""

    @abstractmethod
    def example(self, name: str, folder: Path) -> Sequence[Sample]:
        """Made-up samples with this modality: four or more, each of another content.

        The second has nothing; at least one has no more than others, so that a batch is padded
        where rows differ in length.

        Args:
            name: of the modality.
            folder: empty, for files; the same samples are asked for in several folders.
        """
