"""The inputs of a model: fitted on the training rows, restored later, prepared for any rows."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

from mmx.data import ImageStore, Manifest, Split, TextStore
from mmx.errors import DataError, SettingsError
from mmx.interfaces import Encoder, Input, Sample, Store, Tokenizer, Value
from mmx.model import random_stream
from mmx.spec import ModelSpec


class UnlabelledSamples(Sequence[Sample]):
    """Samples without their labels, built when they are asked for: no input ever sees one."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    @overload
    def __getitem__(self, row: int) -> Sample: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Sample]: ...
    def __getitem__(self, row: int | slice) -> Sample | Sequence[Sample]:
        if isinstance(row, slice):
            return [self[one] for one in range(*row.indices(len(self)))]
        return replace(self._samples[row], label=None, labels={})


@dataclass(frozen=True, slots=True)
class PreparedRows:
    """Rows with what core does for every kind of input.

    Attributes:
        samples: n rows.
        pictures: modality -> its images.
        written: modality -> its texts.
    """

    samples: Sequence[Sample]
    pictures: Mapping[str, ImageStore]
    written: Mapping[str, Sequence[str]]

    def images(self, name: str) -> Store:
        """Decoded images of a modality.

        Raises:
            DataError: the data set has images of other names only.
        """
        if name not in self.pictures:
            raise DataError(
                f"no row has images of the modality {name!r}; the data set has "
                f"{', '.join(self.pictures)}. Name the encoder after its images, or the images "
                "after their encoder (data.dataset.images: {NAME: [COLUMN]})"
            )
        return self.pictures[name]

    def texts(self, name: str) -> Sequence[str]:
        """What the narrative of a modality wrote.

        Raises:
            DataError: there is no narrative of this name.
        """
        if name not in self.written:
            raise DataError(
                f"no text is written for the modality {name!r}; data.narratives has "
                f"{', '.join(self.written) or 'none'}"
            )
        return self.written[name]

    def tokens(self, name: str, tokenizer: Tokenizer) -> Store:
        """The same as token ids."""
        return TextStore(self.texts(name), tokenizer)


@dataclass(frozen=True, slots=True)
class ModelInputs:
    """The input of each modality, with what was learned of the training rows.

    Attributes:
        by_name: in the order of the spec.
        statistics: what each learned; nothing of those that learn nothing.
    """

    by_name: Mapping[str, Input]
    statistics: Mapping[str, str] = field(default_factory=dict)

    def stores(self, rows: PreparedRows) -> dict[str, Store]:
        """What the encoders read of any rows."""
        return {name: one.prepare(rows) for name, one in self.by_name.items()}

    def records_of(self, sample: Sample) -> dict[str, dict[str, Value]]:
        """By modality, the fields of the record that its input reads, with their values."""
        return {
            name: {field: sample.record.get(field) for field in one.fields}
            for name, one in self.by_name.items()
            if one.fields
        }

    @property
    def digests(self) -> dict[str, str]:
        """Digest of what each learned."""
        return {f"statistics of {name}": _digest(told) for name, told in self.statistics.items()}

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the report."""
        return tuple(note for one in self.by_name.values() for note in one.notes)


def fit_inputs(
    spec: ModelSpec,
    encoders: Mapping[str, Encoder],
    seed: int,
    manifest: Manifest,
    split: Split,
    hidden: Mapping[str, str],
) -> ModelInputs:
    """Let inputs learn from the training rows alone, without their labels.

    Args:
        spec: the model.
        encoders: by modality; an input may give its encoder layers for what it found.
        seed: of the run.
        manifest: the rows.
        split: the part of each row.
        hidden: field of the record -> why no model may read it.

    Raises:
        SettingsError: settings of encoders that the rows contradict; every one, by its path below
            ``model.encoders``.
        DataError: rows that an input cannot learn from.
    """
    found = _inputs(encoders)
    learning = [name for name, one in found.items() if type(one).fit is not Input.fit]
    statistics = dict[str, str]()
    if learning:
        rows = split.rows("train").tolist()
        unlabelled = UnlabelledSamples(manifest.samples)
        samples = [unlabelled[row] for row in rows]
        faults: list[tuple[tuple[str | int, ...], str]] = []
        for name in learning:
            try:
                with random_stream(seed, f"input of {name}"):
                    statistics[name] = found[name].fit(samples, hidden)
            except SettingsError as error:
                faults += [((name, *path), words) for path, words in error.faults]
        if faults:
            raise SettingsError(faults)
    return _ready(spec, encoders, seed, found, statistics)


def restored_inputs(
    spec: ModelSpec, encoders: Mapping[str, Encoder], seed: int, statistics: Mapping[str, str]
) -> ModelInputs:
    """Inputs as a run left them."""
    return _ready(spec, encoders, seed, _inputs(encoders), statistics)


def _inputs(encoders: Mapping[str, Encoder]) -> dict[str, Input]:
    return {name: encoder.input(name, encoder) for name, encoder in encoders.items()}


def _ready(
    spec: ModelSpec,
    encoders: Mapping[str, Encoder],
    seed: int,
    found: Mapping[str, Input],
    statistics: Mapping[str, str],
) -> ModelInputs:
    """Give back what was learned; layers that are made for it draw from a stream of their own."""
    told = {name: text for name, text in statistics.items() if text}
    for name, text in told.items():
        with random_stream(seed, name):
            found[name].restore(text)
        encoders[name].learn(spec.encoders[name].train)
    return ModelInputs(found, told)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
