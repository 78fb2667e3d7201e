"""From a spec to rows, split, texts and images: all that is ready before training."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmx.data import (
    Decoder,
    ImageReaders,
    ImageStore,
    Manifest,
    Split,
    check_bad,
    read_manifest,
    read_split,
    text_notes,
)
from mmx.errors import DataError
from mmx.files import cache_path, own_folder
from mmx.interfaces import (
    IMAGE,
    RECORD,
    TEXT,
    NarrativeParams,
    RejectedRow,
    Sample,
)
from mmx.pipeline.model_inputs import PreparedRows, UnlabelledSamples
from mmx.pipeline.open_dataset import open_dataset
from mmx.pipeline.open_split import open_split
from mmx.pipeline.shown_images import settled_frames
from mmx.pipeline.stage_progress import stage
from mmx.pipeline.text_writer import TextWriter
from mmx.runs import Observer
from mmx.spec import DataSpec, Spec

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PreparedData:
    """Rows and all that belongs to them.

    Attributes:
        manifest: the rows.
        split: the part of each row.
        written: modality -> the text of each row; empty where it has none.
        pictures: modality -> the pixels of each row; at least one modality.
        grey_ranges: modality -> values that are black and white in its files of more than 8 bits.
        notes: sentences for the report.
    """

    manifest: Manifest
    split: Split
    written: Mapping[str, list[str]]
    pictures: Mapping[str, ImageStore]
    grey_ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def texts(self) -> list[str]:
        """All that is written of each row, one text after the other."""
        return together(self.written, len(self.manifest))

    @property
    def images(self) -> ImageStore:
        """The pixels of the first modality of images."""
        return next(iter(self.pictures.values()))

    @property
    def rows(self) -> PreparedRows:
        """The rows as inputs are prepared from them."""
        return PreparedRows(UnlabelledSamples(self.manifest.samples), self.pictures, self.written)

    @property
    def digests(self) -> dict[str, str]:
        """Digests of rows, split, texts and pixels."""
        return {
            "rows": self.manifest.digest,
            "split": self.split.digest,
            "texts": _together(
                {name: _digest_of(texts) for name, texts in self.written.items()}, TEXT
            ),
            "images": _together({name: one.digest for name, one in self.pictures.items()}, IMAGE),
        }


def together(written: Mapping[str, Sequence[str]], rows: int) -> list[str]:
    """The texts of each row of all modalities, one after the other."""
    if len(written) == 1:
        return list(next(iter(written.values())))
    return [" ".join(filter(None, (texts[r] for texts in written.values()))) for r in range(rows)]


def _digest_of(texts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _together(digests: Mapping[str, str], alone: str) -> str:
    """One digest of several by name; where only one of the usual name is there, it is its own."""
    if [*digests] == [alone]:
        return digests[alone]
    return hashlib.sha256(repr(sorted(digests.items())).encode()).hexdigest()


def prepare(spec: Spec, observer: Observer, split_file: Path | None = None) -> PreparedData:
    """Read the rows, split them, open their images and write their texts.

    Args:
        spec: of the run.
        observer: is told how far it has come.
        split_file: of an earlier run of the same spec, whose split is taken as it was.

    Raises:
        DataError: more unusable rows than ``data.max_bad`` allows.
    """
    data = spec.data
    manifest = read_manifest(open_dataset(spec, observer), data.max_bad, spec.task)
    manifest.task.check(manifest.targets)
    split = read_split(split_file, manifest) if split_file else open_split(spec, manifest)
    names = tuple(manifest.contents.images) or (IMAGE,)
    readers = ImageReaders(spec.plugins)
    frames, notes = settled_frames(data, manifest, split, names, readers)
    hidden = manifest.facts.leak_columns
    lacks = [
        note for one in spec.narratives_read.values()
        for note in text_notes(one, manifest.samples, hidden)
    ]  # fmt: skip
    notes = (*notes, *dict.fromkeys(lacks))
    for note in (*manifest.notes, *notes):
        observer.message(note)
    pictures = {
        name: open_images(manifest, data, observer, Decoder(frame, readers), name)
        for name, frame in frames.items()
    }
    texts = TextWriter(spec, cache_folder(data), manifest, split)
    written = {
        name: texts.of(narrative, pictures, _looked_at(name, narrative, pictures))
        for name, narrative in data.narratives.items()
    }
    _refuse_unreadable(manifest, pictures, data.max_bad)
    held = _held(spec, manifest, together(written, len(manifest)), pictures)
    _refuse_empty(manifest, split, held, data.max_bad)
    ranges = {name: one.grey_range for name, one in frames.items() if one.grey_range is not None}
    return PreparedData(manifest, split, written, pictures, ranges, notes)


def _holds(spec: Spec, sample: Sample) -> bool:
    """Whether a sample has something for an encoder of neither images nor texts."""
    return any(
        sample.inputs.get(name) is not None
        or (params.modality == RECORD and any(one is not None for one in sample.record.values()))
        for name, params in spec.model.encoders.items()
    )


def _looked_at(name: str, narrative: NarrativeParams, pictures: Mapping[str, ImageStore]) -> str:
    """The modality whose images a narrative looks at; the first where it looks at none.

    Raises:
        DataError: the data set has no images of this name.
    """
    if narrative.images_of is None:
        return next(iter(pictures))
    if narrative.images_of not in pictures:
        raise DataError(
            f"data.narratives.{name}: {narrative.entry_point} looks at the images of "
            f"{narrative.images_of}, and the data set has images of {', '.join(pictures)}"
        )
    return narrative.images_of


def open_images(
    manifest: Manifest,
    spec: DataSpec,
    observer: Observer,
    decoder: Decoder,
    modality: str = IMAGE,
) -> ImageStore:
    """The images of all rows of a modality, decoded like this."""
    with stage(observer, "reading", "images") as told:
        return ImageStore(
            manifest.samples,
            decoder.spec,
            modality=modality,
            folder=cache_folder(spec) / "images",
            memory_gb=spec.memory_gb,
            progress=told,
            readers=decoder.readers,
        )


def cache_folder(spec: DataSpec) -> Path:
    """Where decoded images, features, texts, audits and the record of looks are kept.

    It is a folder of mmx's own inside the one that the spec or MMX_CACHE names, for that one may
    hold other people's files, and mmx deletes old entries to make room.

    Raises:
        DataError: it cannot be made, or holds files that are not mmx's.
    """
    folder = cache_path(spec.cache.folder)
    try:
        return own_folder(folder)
    except OSError as error:
        raise DataError(
            f"the cache {folder} cannot be used: {error}; name another folder with "
            "data.cache.folder or MMX_CACHE"
        ) from error


def _refuse_unreadable(
    manifest: Manifest, pictures: Mapping[str, ImageStore], max_bad: float
) -> None:
    check_bad([one for s in pictures.values() for one in s.unreadable], len(manifest), max_bad)


def _held(
    spec: Spec, manifest: Manifest, texts: Sequence[str], pictures: Mapping[str, ImageStore]
) -> "NDArray[np.bool_]":
    """[n], rows that hold anything for a model."""
    held = np.array([bool(text) for text in texts])
    for store in pictures.values():
        held |= store.present.numpy()
    rows = np.flatnonzero(~held).tolist()
    held[rows] = [_holds(spec, manifest.samples[row]) for row in rows]
    return held


def _refuse_empty(
    manifest: Manifest, split: Split, held: "NDArray[np.bool_]", max_bad: float
) -> None:
    """A row with neither image nor text, nor anything else to read, is a fault of the data."""
    bare = [
        RejectedRow(str(manifest.ids[row]), "has neither an image nor a text")
        for row in np.flatnonzero(split.parts != "unused").tolist()
        if not held[row]
    ]
    check_bad(bare, len(manifest), max_bad)
    for part in ("train", "validation", "test"):
        if not len(split.rows(part)):
            groups = len(set(manifest.groups.tolist()))
            raise DataError(
                f"the {part} part of the split is empty: none of {groups} groups fell to it; give "
                f"data.split.{part} a larger share, or the data more cases"
            )
    manifest.task.check(manifest.targets[split.rows("train")], "training")
