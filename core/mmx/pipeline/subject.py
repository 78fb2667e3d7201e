"""The rows of a spec as the audit sees them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmx.audit import Subject
from mmx.data import ImageStore, Manifest, unread_by_all
from mmx.interfaces import IMAGE, Picture, Value
from mmx.pipeline.file_traces import file_names, file_traces, name_pattern
from mmx.pipeline.prepare import Prepared
from mmx.spec import Spec, names_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

_LOOKED_AT = 32  # rows; enough to see which fields a narrative reads


def subject_of(spec: Spec, prepared: Prepared) -> Subject:
    """All that the checks look at.

    Args:
        spec: says whether the narrative sees the label.
        prepared: rows, split, texts and images.
    """
    manifest, images = prepared.manifest, prepared.images
    facts, strata = manifest.facts, manifest.strata[0]
    return Subject(
        ids=manifest.ids,
        groups=manifest.groups,
        labels=strata.labels,
        classes=strata.classes,
        parts=prepared.split.parts,
        texts=prepared.texts,
        synonyms=facts.synonyms,
        leak_columns=facts.leak_columns,
        group=facts.group,
        duplicates=images.duplicates,
        texts_know_label=spec.leaky,
        record=_record(manifest),
        unread=unread(spec, manifest),
        narrative=names_of(spec.data.narratives),
        reads=frozenset(spec.model.used),
        technical=_technical(manifest, images),
        files=_files(manifest),
        spare={name: partial(manifest.dataset.column, name) for name in manifest.dataset.spare()},
        has_picture=images.has_first,
        has_image=images.mask.any(dim=1).numpy(),
        pictures=_pictures(images),
    )


def unread(spec: Spec, manifest: Manifest) -> tuple[str, ...]:
    """Fields that the spec names as record or text, and that no text tells.

    None where the fusion reads no text, and none that are hidden from narratives on purpose.
    """
    layout, hidden = spec.data.dataset.layout(), set(manifest.facts.leak_columns)
    named = {*layout.record, layout.text} - hidden if layout else set()
    if not named or not spec.narratives_read:
        return ()
    rows = [manifest.samples[row] for row in range(min(len(manifest), _LOOKED_AT))]
    shown = [
        replace(row, record={name: row.record[name] for name in row.record if name not in hidden})
        for row in rows
    ]
    return tuple(name for name in unread_by_all(spec.narratives_read, shown) if name in named)


def _record(manifest: Manifest) -> "Callable[[Rows], Mapping[str, Sequence[Value]]]":
    def read(rows: "Rows") -> dict[str, list[Value]]:
        columns: dict[str, list[Value]] = {}
        for place, row in enumerate(rows.tolist()):
            for name, value in manifest.samples[row].record.items():
                columns.setdefault(name, [None] * len(rows))[place] = value
        return columns

    return read


def _technical(
    manifest: Manifest, images: ImageStore
) -> "Callable[[Rows], Mapping[str, Sequence[Value]]]":
    def read(rows: "Rows") -> dict[str, list[Value]]:
        some = rows.tolist()
        frames = images.sizes(some).astype(float)
        return {
            "file size": [_bytes(manifest, row) for row in some],
            "image width": frames[:, 0].tolist(),
            "image height": frames[:, 1].tolist(),
            "number of images": images.counts(some).astype(float).tolist(),
            "row order": rows.astype(float).tolist(),
            **_names(manifest, some),
        }

    return read


def _names(manifest: Manifest, rows: Sequence[int]) -> dict[str, list[Value]]:
    """Patterns of ids, groups, file names and folders: one that goes with a class tells it."""
    files = [file_names(_first(manifest, row)) for row in rows]
    return {
        "pattern of the id": [name_pattern(str(manifest.ids[row])) for row in rows],
        f"pattern of the {manifest.facts.group}": [
            name_pattern(str(manifest.groups[row])) for row in rows
        ],
        "pattern of the file name": [name for name, _ in files],
        "folder of the file": [folder for _, folder in files],
    }


def _files(manifest: Manifest) -> "Callable[[Rows], Mapping[str, Sequence[Value]]]":
    """Properties of the first image file of each row; files are opened, pixels not read."""

    def read(rows: "Rows") -> dict[str, list[Value]]:
        found = [file_traces(_first(manifest, row)) for row in rows.tolist()]
        names = dict.fromkeys(name for one in found for name in one)
        return {name: [one.get(name) for one in found] for name in names}

    return read


def _bytes(manifest: Manifest, row: int) -> Value:
    """Size of a row's first image file; None when it has none."""
    first = _first(manifest, row)
    return float(first.stat().st_size) if isinstance(first, Path) and first.is_file() else None


def _first(manifest: Manifest, row: int) -> Path | Picture | None:
    """The first image of a row; None when it has none, or its first place is empty."""
    return next(iter(manifest.samples[row].images.get(IMAGE, ())), None)


def _pictures(images: ImageStore) -> "Callable[[Rows], NDArray[np.uint8]]":
    def read(rows: "Rows") -> "NDArray[np.uint8]":
        pixels = images.collate(rows.tolist()).pixels[:, 0]
        return np.ascontiguousarray(pixels.permute(0, 2, 3, 1).numpy())

    return read
