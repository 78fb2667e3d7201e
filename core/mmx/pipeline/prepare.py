"""From a spec to rows, split, texts and images: all that is ready before training."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    read_split,
    text_notes,
)
from mmx.errors import DataError
from mmx.files import cache_path, own_folder
from mmx.interfaces import (
    IMAGE,
    TEXT,
    NarrativeParams,
    RejectedRow,
)
from mmx.pipeline.holding import holding
from mmx.pipeline.model_inputs import PreparedRows, UnlabelledSamples
from mmx.pipeline.open_dataset import read_rows
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
    manifest = read_rows(spec, observer)
    manifest.task.check(manifest.targets)
    with stage(observer, "reading", "split"):
        split = read_split(split_file, manifest) if split_file else open_split(spec, manifest)
    names = tuple(manifest.contents.images) or (IMAGE,)
    readers = ImageReaders(spec.plugins)
    with stage(observer, "reading", "range of grey"):
        folder = cache_folder(data) / "images"
        frames, notes = settled_frames(data, manifest, split, names, readers, folder)
    notes = (*notes, *_lacking(spec, manifest, observer))
    for note in (*manifest.notes, *notes):
        observer.message(note)
    pictures = {
        name: open_images(manifest, data, observer, Decoder(frame, readers), name)
        for name, frame in frames.items()
    }
    ranges = {name: one.grey_range for name, one in frames.items() if one.grey_range is not None}
    found = PreparedData(manifest, split, {}, pictures, ranges, notes)
    with stage(observer, "reading", "texts"):
        read = [name for name in data.narratives if name in spec.model.encoders]
        found = replace(found, written=texts_of(spec, found, read))
        refuse_bare(spec, found)
    return found


def _lacking(spec: Spec, manifest: Manifest, observer: Observer) -> dict[str, None]:
    """What the narratives that are read find lacking in the rows."""
    hidden = manifest.facts.leak_columns
    with stage(observer, "reading", "texts"):
        told = (text_notes(one, manifest.samples, hidden) for one in spec.narratives_read.values())
        return dict.fromkeys(note for notes in told for note in notes)


def texts_of(spec: Spec, prepared: PreparedData, names: Sequence[str]) -> dict[str, list[str]]:
    """What the narratives of some modalities write of each row.

    Raises:
        MmxError: a narrative refuses the rows, or looks at images that are not there.
    """
    pictures, narratives = prepared.pictures, spec.data.narratives
    texts = TextWriter(spec, cache_folder(spec.data), prepared.manifest, prepared.split)
    return {
        name: texts.of(narratives[name], pictures, _looked_at(name, narratives[name], pictures))
        for name in names
    }


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
            manifest.showing(modality),
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


def refuse_bare(spec: Spec, prepared: PreparedData) -> None:
    """Refuse images that cannot be read, and rows with nothing to read, where they are too many.

    What a narrative writes that no encoder reads counts as something to read, and is written where
    rows hold nothing else.
    """
    manifest, limit = prepared.manifest, spec.data.max_bad
    unreadable = [one for store in prepared.pictures.values() for one in store.unreadable]
    check_bad(unreadable, len(manifest), limit)
    held = np.array([bool(text) for text in prepared.texts])
    for store in prepared.pictures.values():
        held |= store.present.numpy()
    rows = np.flatnonzero(~held)
    held[rows] = holding(spec, manifest, rows)
    others = [name for name in spec.data.narratives if name not in prepared.written]
    if others and not held.all():
        held |= [bool(text) for text in together(texts_of(spec, prepared, others), len(manifest))]
    _refuse_empty(manifest, prepared.split, held, limit)


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
