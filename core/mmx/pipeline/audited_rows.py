"""The rows of a spec as the audit sees them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from mmx.audit import Subject, SubjectImages
from mmx.data import ImageReaders, ImageStore, Manifest, record_columns, unread_by_all
from mmx.interfaces import IMAGE, RECORD, TEXT, ImageSource, Strata, Value
from mmx.pipeline.image_file_traces import file_names, file_traces, name_pattern
from mmx.pipeline.prepare import PreparedData
from mmx.pipeline.text_file_traces import text_file_traces
from mmx.pipeline.withheld_fields import leak_columns
from mmx.spec import Spec, names_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

_LOOKED_AT = 32  # rows; enough to see which fields a narrative reads


def subject_of(spec: Spec, prepared: PreparedData) -> Subject:
    """All that the checks look at.

    Args:
        spec: says whether the narrative sees the label.
        prepared: rows, split, texts and images.
    """
    manifest, images = prepared.manifest, prepared.images
    facts = manifest.facts
    return Subject(
        ids=manifest.ids,
        groups=manifest.groups,
        names=manifest.task.names,
        parts=prepared.split.parts,
        texts=_texts(spec, prepared),
        synonyms=facts.synonyms,
        leak_columns=facts.leak_columns,
        group=facts.group,
        duplicates=images.duplicates,
        texts_know_label=spec.leaky,
        knowing=frozenset(name for name, one in spec.data.narratives.items() if one.needs_label),
        record=_record(manifest),
        unread=unread(spec, manifest),
        record_fields=fields_read(spec, manifest),
        text_fields=text_fields(spec),
        narrative=names_of(spec.data.narratives),
        reads=frozenset(spec.model.used),
        technical=_technical(manifest, _shown(prepared)),
        files=_files(manifest, [*_shown(prepared)], ImageReaders(spec.plugins)),
        spare={name: partial(manifest.dataset.column, name) for name in manifest.dataset.spare()},
        has_picture=images.has_first,
        has_image=images.mask.any(dim=1).numpy(),
        pictures=_pictures(images),
        greys=_greys(images),
        image_name=next(iter(prepared.pictures)),
        written=_written(spec, prepared),
        images={name: _images(store) for name, store in prepared.pictures.items()},
        there=_there(spec, manifest),
        **_labels(manifest),
    )


def _shown(prepared: PreparedData) -> dict[str, ImageStore]:
    """The images of the modalities of which any row has one."""
    there = prepared.manifest.contents.images
    return {name: store for name, store in prepared.pictures.items() if name in there}


class _Labels(TypedDict):
    labels: "Rows"
    classes: tuple[str, ...]
    ordered: bool
    strata: Sequence[Strata]
    words: Sequence[str]


def _labels(manifest: Manifest) -> _Labels:
    """The label; of several, whether any is known, and each with its name."""
    strata, words = manifest.strata, manifest.task.words(manifest.targets)
    if len(strata) == 1 and not strata[0].name:
        only = strata[0]
        return _Labels(labels=only.labels, classes=only.classes, ordered=only.ordered,
                       strata=(), words=())  # fmt: skip
    known = np.stack([one.labels >= 0 for one in strata]).any(axis=0)
    return _Labels(labels=np.where(known, 0, -1), classes=("known",), ordered=False,
                   strata=strata, words=words.tolist())  # fmt: skip


def _there(spec: Spec, manifest: Manifest) -> "dict[str, NDArray[np.bool_]]":
    """Rows that have a modality whose kind is none of images and texts."""
    kinds = spec.model.kinds
    names = [name for name in spec.model.used if kinds[name] not in {IMAGE, TEXT}]
    fields, records = fields_read(spec, manifest), [name for name in names if kinds[name] == RECORD]
    found = {name: _filled(manifest, fields) for name in records}
    others = [name for name in names if name not in records]
    found |= {name: np.zeros(len(manifest), dtype=bool) for name in others}
    for row in range(len(manifest) if others else 0):
        inputs = manifest.samples[row].inputs
        for name in others:
            found[name][row] = name in inputs
    # an encoder that finds its data elsewhere, such as in a field, is asked no question here
    return {name: rows for name, rows in found.items() if rows.any()}


def _filled(manifest: Manifest, fields: Collection[str]) -> "NDArray[np.bool_]":
    """[n], rows in which one of these fields says something."""
    found = np.zeros(len(manifest), dtype=bool)
    for name, values in record_columns(manifest.samples, range(len(manifest))).items():
        if name in fields:
            found |= [value not in (None, "") for value in values]
    return found


def _images(store: ImageStore) -> SubjectImages:
    return SubjectImages(
        duplicates=store.duplicates,
        has_picture=store.has_first,
        has_image=store.mask.any(dim=1).numpy(),
        pictures=_pictures(store),
        greys=_greys(store),
    )


def _of(what: str, name: str, names: Collection[str]) -> str:
    """What a column holds, and of which modality where there are several with images."""
    return what if len(names) == 1 else f"{what} of {name}"


def _written(spec: Spec, prepared: PreparedData) -> dict[str, Sequence[str]]:
    """The texts by modality, of those that have an encoder."""
    found = prepared.rows.written
    return {name: texts for name, texts in found.items() if name in spec.model.encoders}


def _texts(spec: Spec, prepared: PreparedData) -> Sequence[str]:
    """The texts; none where no encoder of the spec would ever see them."""
    told = TEXT in spec.model.kinds.values()
    return prepared.texts if told else [""] * len(prepared.texts)


def unread(spec: Spec, manifest: Manifest) -> tuple[str, ...]:
    """Fields that the spec names as record or text, and that no text tells and no encoder reads.

    None where the fusion reads no text, and none that are hidden from narratives on purpose.
    """
    layout, hidden = spec.data.dataset.layout(), set(manifest.facts.leak_columns)
    named = {*layout.record, *layout.texts} - hidden if layout else set()
    named -= {*fields_read(spec, manifest)}
    if not named or not spec.narratives_read:
        return ()
    rows = [manifest.samples[row] for row in range(min(len(manifest), _LOOKED_AT))]
    shown = [
        replace(row, record={name: row.record[name] for name in row.record if name not in hidden})
        for row in rows
    ]
    return tuple(name for name in unread_by_all(spec.narratives_read, shown) if name in named)


def fields_read(spec: Spec, manifest: Manifest) -> tuple[str, ...]:
    """Fields of the record that an encoder reads as it is told, whether or not it can use them."""
    fields = tuple(manifest.contents.fields)
    leaks = leak_columns(spec, manifest)
    encoders = (spec.model.encoders[name] for name in spec.model.used)
    found = (name for one in encoders for name in one.fields_read(fields, leaks))
    return tuple(dict.fromkeys(found))


def text_fields(spec: Spec) -> tuple[str, ...]:
    """Fields of the record that the data set says are texts."""
    layout = spec.data.dataset.layout()
    return layout.texts if layout else ()


def _record(manifest: Manifest) -> "Callable[[Rows], Mapping[str, Sequence[Value]]]":
    return lambda rows: record_columns(manifest.samples, rows.tolist())


def _technical(
    manifest: Manifest, pictures: Mapping[str, ImageStore]
) -> "Callable[[Rows], Mapping[str, Sequence[Value]]]":
    def read(rows: "Rows") -> dict[str, list[Value]]:
        some = rows.tolist()
        columns: dict[str, list[Value]] = {}
        for name, images in pictures.items():
            told = _of_files(manifest, images, name, some)
            columns |= {_of(what, name, pictures): values for what, values in told.items()}
        return {
            **columns,
            **_of_texts(manifest.dataset.text_files(), some),
            "row order": rows.astype(float).tolist(),
            "pattern of the id": [name_pattern(str(manifest.ids[row])) for row in some],
            f"pattern of the {manifest.facts.group}": [
                name_pattern(str(manifest.groups[row])) for row in some
            ],
        }

    return read


def _of_files(
    manifest: Manifest, images: ImageStore, name: str, rows: list[int]
) -> dict[str, list[Value]]:
    """Size, shape, name and folder of the image files of a modality."""
    frames = images.sizes(rows).astype(float)
    firsts = [_first(manifest, row, name) for row in rows]
    files = [file_names(first) for first in firsts]
    return {
        "file size": [_bytes(first) for first in firsts],
        "image width": frames[:, 0].tolist(),
        "image height": frames[:, 1].tolist(),
        "number of images": images.counts(rows).astype(float).tolist(),
        "pattern of the file name": [pattern for pattern, _ in files],
        "folder of the file": [folder for _, folder in files],
    }


def _of_texts(
    files: Mapping[str, Sequence[Path | None]], rows: list[int]
) -> dict[str, list[Value]]:
    """Name and folder of the files that texts lie in."""
    columns: dict[str, list[Value]] = {}
    for column, held in files.items():
        names = [file_names(held[row]) for row in rows]
        columns[f"pattern of the file name in {column}"] = [pattern for pattern, _ in names]
        columns[f"folder of the file in {column}"] = [folder for _, folder in names]
    return columns


def _files(
    manifest: Manifest, modalities: Sequence[str], readers: ImageReaders
) -> "Callable[[Rows], Mapping[str, Sequence[Value]]]":
    """Properties of the first image file of each row, and of the files of its texts.

    Files are opened, pixels not read.
    """
    texts = manifest.dataset.text_files()

    def read(rows: "Rows") -> dict[str, list[Value]]:
        columns: dict[str, list[Value]] = {}
        for name in modalities:
            found = [file_traces(_first(manifest, row, name), readers) for row in rows.tolist()]
            for what in dict.fromkeys(what for one in found for what in one):
                columns[_of(what, name, modalities)] = [one.get(what) for one in found]
        for name, files in texts.items():
            told = [text_file_traces(files[row]) for row in rows.tolist()]
            for what in dict.fromkeys(what for one in told for what in one):
                columns[f"{what} of the file in {name}"] = [one.get(what) for one in told]
        return columns

    return read


def _bytes(first: ImageSource | None) -> Value:
    """Size of an image file; None where there is none."""
    return float(first.stat().st_size) if isinstance(first, Path) and first.is_file() else None


def _first(manifest: Manifest, row: int, name: str) -> ImageSource | None:
    """The first image of a row; None when it has none, or its first place is empty."""
    return next(iter(manifest.samples[row].images.get(name, ())), None)


def _pictures(images: ImageStore) -> "Callable[[Rows], NDArray[np.uint8]]":
    def read(rows: "Rows") -> "NDArray[np.uint8]":
        return np.ascontiguousarray(images.pictures(rows.tolist())[:, 0])

    return read


def _greys(images: ImageStore) -> "Callable[[Rows], NDArray[np.uint8]]":
    def read(rows: "Rows") -> "NDArray[np.uint8]":
        return images.greys(rows.tolist())

    return read
