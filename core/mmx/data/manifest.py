"""The manifest: all rows of a data set, checked once."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from mmx.blocks import missing_words
from mmx.data.contents import Contents, ContentsCount
from mmx.errors import DataError
from mmx.interfaces import (
    IMAGE,
    Dataset,
    Facts,
    ImageSource,
    PackedImage,
    RejectedRow,
    Sample,
    Strata,
    Task,
    TaskParams,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHOWN = 10  # rows named in an error


@dataclass(frozen=True, slots=True)
class Manifest:
    """The rows of a data set; a row number means a place in these sequences.

    Attributes:
        samples: n rows; may be built when they are asked for.
        ids: [n], str, all different.
        groups: [n], str; lesion, patient or study.
        targets: [n, ...], what each row is to be learned as, by the task.
        known: [n], bool: rows of whose target something is known.
        task: makes targets of labels.
        facts: what the data set knows about itself.
        rejected: rows that cannot be used or have no usable label, with the reason.
        digest: SHA-256 of ids, groups, labels, records, boxes and image names, whatever the order
            of rows and wherever the files lie; pixels are in ``ImageStore.digest``.
        dataset: gave the rows.
        contents: what the samples hold.
    """

    samples: Sequence[Sample]
    ids: "NDArray[np.object_]"
    groups: "NDArray[np.object_]"
    targets: "NDArray[Any]"
    known: "NDArray[np.bool_]"
    task: Task
    facts: Facts
    rejected: tuple[RejectedRow, ...]
    digest: str
    dataset: Dataset
    contents: Contents

    def __len__(self) -> int:
        """Rows."""
        return len(self.ids)

    def showing(self, modality: str) -> Sequence[Sample]:
        """Samples with the images of a modality; ids and groups alone where no row has any."""
        if modality in self.contents.images:
            return self.samples
        return _NameRows(self.ids, self.groups)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user must know of how the rows were read, in sentences, each once."""
        return tuple(dict.fromkeys((*self.facts.notes, *missing_words(self.facts.missing))))

    @property
    def strata(self) -> Sequence[Strata]:
        """How the task sorts the rows."""
        return self.task.strata(self.targets)


class _NameRows(Sequence[Sample]):
    """Samples that hold nothing, of which only their names are asked."""

    def __init__(self, ids: "NDArray[np.object_]", groups: "NDArray[np.object_]") -> None:
        self._ids, self._groups = ids, groups

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | Sequence[Sample]:
        if isinstance(index, slice):
            return _NameRows(self._ids[index], self._groups[index])
        return Sample(self._ids[index], self._groups[index])


def read_manifest(dataset: Dataset, max_bad: float, task: TaskParams) -> Manifest:
    """Check all rows of a data set.

    Args:
        dataset: gives the rows.
        max_bad: share of the rows, in [0, 1], that may be rejected or without a usable label.
        task: says what a usable label is.

    Raises:
        DataError: no rows, an id twice, or more bad rows than ``max_bad``; the rows are named.
    """
    samples, unusable = dataset.samples(), tuple(dataset.rejected())
    if not len(samples):
        check_bad(unusable, len(unusable), max_bad)
        raise DataError("the data set has no rows")
    built = task.build(dataset.classes)
    columns = _columns(samples, built)
    _refuse_twice(columns.ids)
    rejected = unusable + tuple(columns.unlabelled)
    hint = "".join(f"\n  {words}" for words in missing_words(dataset.facts.missing))
    check_bad(rejected, len(samples) + len(unusable), max_bad, hint)
    return Manifest(
        samples=samples, ids=columns.ids, groups=columns.groups, targets=columns.targets,
        known=columns.known, task=built, facts=dataset.facts, rejected=rejected,
        digest=_digest(columns.digests, built.names), dataset=dataset,
        contents=columns.contents,
    )  # fmt: skip


def check_bad(bad: Sequence[RejectedRow], rows: int, max_bad: float, hint: str = "") -> None:
    """Stop when more than a share ``max_bad`` of the rows is bad; ``hint`` ends the words.

    Raises:
        DataError: names the first rows and says how to allow them.
    """
    if len(bad) <= max_bad * rows:
        return
    shown = "".join(f"\n  {one.row}: {one.reason}" for one in bad[:_SHOWN])
    more = f"\n  ... and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
    raise DataError(
        f"{len(bad)} of {rows} rows cannot be used, and data.max_bad = {max_bad:g} allows "
        f"{int(max_bad * rows)}; mend them, or raise data.max_bad:{shown}{more}{hint}"
    )


@dataclass(frozen=True, slots=True)
class _Columns:
    ids: "NDArray[np.object_]"
    groups: "NDArray[np.object_]"
    targets: "NDArray[Any]"
    known: "NDArray[np.bool_]"
    digests: "NDArray[np.uint64]"  # [n, 2]
    unlabelled: list[RejectedRow]
    contents: Contents


def _columns(samples: Sequence[Sample], task: Task) -> _Columns:
    n = len(samples)
    ids = np.empty(n, dtype=object)
    groups = np.empty(n, dtype=object)
    targets = []
    known, digests = np.zeros(n, dtype=bool), bytearray(16 * n)
    unlabelled: list[RejectedRow] = []
    seen: dict[str, str] = {}  # one string per group, not one per row
    counted = ContentsCount()
    for row in range(n):
        sample = samples[row]
        if not sample.id or not sample.group:
            raise DataError(f"row {row} of the data set has no {'group' if sample.id else 'id'}")
        ids[row], groups[row] = sample.id, seen.setdefault(sample.group, sample.group)
        digests[16 * row : 16 * row + 16] = _row_digest(sample)
        counted.add(sample)
        target = task.target(sample)
        targets.append(target.value)
        known[row] = not target.fault
        if target.fault:
            unlabelled.append(RejectedRow(sample.id, target.fault))
    rows = np.frombuffer(digests, np.uint64).reshape(n, 2)
    return _Columns(ids, groups, np.array(targets), known, rows, unlabelled, counted.contents)


def _row_digest(sample: Sample) -> bytes:
    images = {name: [_named(one) for one in held] for name, held in sample.images.items()}
    boxes = {name: list(held) for name, held in sample.boxes.items()}
    record = sorted(sample.record.items())
    shown: tuple[object, ...] = (images.pop(IMAGE, []), boxes.pop(IMAGE, []))
    others = [dict(sorted(one.items())) for one in (images, boxes, _told(sample.inputs)) if one]
    labels = [sorted(sample.labels.items())] if sample.labels else []
    fields = (sample.id, sample.group, sample.label, *shown, record, *others, *labels)
    return hashlib.blake2b(repr(fields).encode(), digest_size=16).digest()


def _named(image: ImageSource | None) -> str | None:
    if image is None:
        return None
    return image.name if isinstance(image, Path | PackedImage) else image.key


def _told(inputs: Mapping[str, object]) -> dict[str, object]:
    """Other inputs by the name of their file; their contents have digests of their own."""
    return {name: one.name if isinstance(one, Path) else name for name, one in inputs.items()}


def _digest(digests: "NDArray[np.uint64]", classes: tuple[str, ...]) -> str:
    ordered = digests[np.lexsort(digests.T)]
    return hashlib.sha256(repr(classes).encode() + ordered.tobytes()).hexdigest()


def _refuse_twice(ids: "NDArray[np.object_]") -> None:
    if len(set(ids)) == len(ids):
        return
    names, counts = np.unique(ids.astype(str), return_counts=True)
    twice = names[counts > 1].tolist()
    raise DataError(
        f"{len(twice)} ids stand for more than one row, such as {', '.join(twice[:_SHOWN])}; "
        "every row needs an id of its own"
    )
