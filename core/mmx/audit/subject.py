"""What the checks look at: plain columns, and ways to the pixels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from mmx.audit.read_once import Derivations, ReadOnce
from mmx.blocks import plural_of
from mmx.data import SMALL_SIDE, UNUSED, assign_groups, small_greys
from mmx.interfaces import IMAGE, Strata, Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

Scope = Literal["rows", "images", "texts"]
"""What a check looks at: the rows as a whole, or one modality of images or texts at a time."""

FOLDS = 5
LEAST_GROUPS = 5  # groups of a class for a probe: one in each fold
MOST_ROWS = (
    20_000  # that a probe learns from, in whole groups; more would cost time and tell no more
)


def _no_columns(rows: "Rows") -> dict[str, Sequence[Value]]:
    return {}


@dataclass(frozen=True)
class SubjectImages:
    """The images of one modality.

    Attributes:
        duplicates: ids of rows with byte-identical images, together.
        has_picture: [n], bool, the first image.
        has_image: [n], bool, any readable image.
        pictures: [B, H, W, 3], uint8, of rows that have one; None where they are not at hand.
        greys: [B, 64, 64], uint8, the same small and grey; None: made of ``pictures``.
    """

    duplicates: Sequence[tuple[str, ...]]
    has_picture: "NDArray[np.bool_]"
    has_image: "NDArray[np.bool_]"
    pictures: "Callable[[Rows], NDArray[np.uint8]] | None"
    greys: "Callable[[Rows], NDArray[np.uint8]] | None" = None


@dataclass(frozen=True)
class Subject:
    """Rows to be audited; a row number means a place in these sequences.

    Where there are several modalities of images or of texts, a check that looks at one is asked
    about each in turn (``views``); ``texts``, ``pictures`` and their like are then those of it.

    Attributes:
        ids: [n], str, all different.
        groups: [n], str; lesion, patient or study.
        labels: [n], int64, places in ``classes``; -1 where the label is unknown. Of a row with
            several labels, 0 where any of them is known: ``by_label`` shows them one at a time.
        classes: class names.
        strata: the labels, where each row has several.
        label_name: of the label that is shown, where there are several.
        ordered: whether the classes are levels in their order.
        family: labels that are asked about together; each p value is multiplied by it.
        words: n targets in words; the class of each row where there are none.
        names: of classes and labels, as a text might hold them; the classes where there are none.
        parts: [n], str: train, validation, test, calibration or unused.
        texts: n narratives; empty where a row has none.
        synonyms: other names and codes of each class.
        leak_columns: record fields that are known to tell the label and that narratives never see.
        group: what a group is called in sentences.
        duplicates: ids of rows with byte-identical images, together.
        texts_know_label: whether the narrative was shown the label.
        knowing: modalities of texts whose narrative was.
        record: fields of these rows, by name.
        unread: fields of the record that the narrative never looks up.
        record_fields: fields of the record that an encoder of records reads.
        text_fields: fields of the record that the data set says are texts.
        narrative: its name, such as narrative.template.
        reads: modalities that the fusion reads.
        technical: what should tell nothing, such as file size and row order, by name.
        files: what the image files say about themselves, such as the camera, by name.
        spare: columns of the data without a role, read when they are asked for: [n] by name.
        has_picture: [n], bool, the first image; None where no row has one.
        has_image: [n], bool, any readable image; None where it is not known.
        pictures: [B, H, W, 3], uint8, of rows that have one.
        greys: [B, 64, 64], uint8, the same small and grey; None: made of ``pictures``.
        image_name: the modality of these images.
        written: the narratives by modality.
        images: the images by modality.
        there: [n], bool, rows that have a modality which is neither images nor texts, by its name.
        numbered: [n], the groups numbered in the order of their names; None: they are counted here.
        derivations: what follows from the columns of the probed rows, whatever the label.
    """

    ids: "NDArray[np.object_]"
    groups: "NDArray[np.object_]"
    labels: "NDArray[np.int64]"
    classes: tuple[str, ...]
    parts: "NDArray[np.str_]"
    texts: Sequence[str]
    strata: Sequence[Strata] = ()
    label_name: str = ""
    ordered: bool = False
    family: int = 1
    words: Sequence[str] = ()
    names: tuple[str, ...] = ()
    synonyms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    leak_columns: tuple[str, ...] = ()
    group: str = "group"
    duplicates: Sequence[tuple[str, ...]] = ()
    texts_know_label: bool = False
    knowing: frozenset[str] = frozenset()
    record: "Callable[[Rows], Mapping[str, Sequence[Value]]]" = _no_columns
    unread: tuple[str, ...] = ()
    record_fields: tuple[str, ...] = ()
    text_fields: tuple[str, ...] = ()
    narrative: str = "narrative"
    reads: frozenset[str] = frozenset()
    technical: "Callable[[Rows], Mapping[str, Sequence[Value]]]" = _no_columns
    files: "Callable[[Rows], Mapping[str, Sequence[Value]]]" = _no_columns
    spare: Mapping[str, Callable[[], Sequence[str]]] = field(default_factory=dict)
    has_picture: "NDArray[np.bool_] | None" = None
    has_image: "NDArray[np.bool_] | None" = None
    pictures: "Callable[[Rows], NDArray[np.uint8]] | None" = None
    greys: "Callable[[Rows], NDArray[np.uint8]] | None" = None
    image_name: str = IMAGE
    written: Mapping[str, Sequence[str]] = field(default_factory=dict)
    images: Mapping[str, SubjectImages] = field(default_factory=dict)
    there: "Mapping[str, NDArray[np.bool_]]" = field(default_factory=dict)
    numbered: "Rows | None" = None
    derivations: Derivations = field(default_factory=Derivations)

    @cached_property
    def by_label(self) -> "list[Subject]":
        """The same rows with one label after the other; itself alone where there is one label.

        What is read of the rows for one label is not read again for the next.
        """
        if not self.strata:
            return [self]

        def probed() -> "Rows":
            return self.probed

        record, files = ReadOnce(self.record, probed), ReadOnce(self.files, probed)
        technical, derivations = ReadOnce(self.technical, probed), Derivations()
        return [
            replace(self, labels=one.labels, classes=one.classes, label_name=one.name,
                    ordered=one.ordered, family=len(self.strata), strata=(), words=(),
                    record=record, technical=technical, files=files,
                    numbered=self.group_numbers, derivations=derivations)
            for one in self.strata
        ]  # fmt: skip

    def views(self, kind: Scope) -> "dict[str, Subject]":
        """The subject once for each modality of this kind, by its name.

        Itself alone, under an empty name, for a check that looks at rows, and where there is one
        modality of the kind.
        """
        return self._views.get(kind) or {"": self}

    @cached_property
    def _views(self) -> "dict[Scope, dict[str, Subject]]":
        found: dict[Scope, dict[str, Subject]] = {}
        if len(self.written) > 1:
            found["texts"] = {
                name: replace(self, texts=texts, texts_know_label=name in self.knowing)
                for name, texts in self.written.items()
            }
        if len(self.images) > 1:
            images = self.images.items()
            found["images"] = {
                name: replace(self, image_name=name, **vars(one)) for name, one in images
            }
        return found

    def __len__(self) -> int:
        """Rows."""
        return len(self.ids)

    def small(self, rows: "Rows") -> "NDArray[np.uint8]":
        """[B, 64, 64], pictures of rows that have one, small and grey; black where there is none.

        Args:
            rows: [B].
        """
        if self.greys is not None:
            return self.greys(rows)
        if self.pictures is None:
            return np.zeros((len(rows), SMALL_SIDE, SMALL_SIDE), dtype=np.uint8)
        return small_greys(self.pictures(rows))

    @cached_property
    def used(self) -> "Rows":
        """Rows that are in a part and of which a label is known."""
        return np.flatnonzero((self.parts != UNUSED) & (self.labels >= 0))

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Id -> row."""
        return {name: row for row, name in enumerate(self.ids.tolist())}

    @cached_property
    def content(self) -> "Rows":
        """[n], number of the byte-identical image that a row shares with others; -1 for none."""
        found = np.full(len(self), -1, dtype=np.int64)
        for number, ids in enumerate(self.duplicates):
            found[[self.row_of[name] for name in ids]] = number
        return found

    @property
    def many(self) -> str:
        """Several groups, in sentences: lesions, studies."""
        return plural_of(self.group)

    def label(self, row: int) -> str:
        """The label of a row in words; empty where it is unknown."""
        if self.words:
            return self.words[row]
        return self.classes[self.labels[row]] if self.labels[row] >= 0 else ""

    def unlike(self, left: "Rows", right: "Rows") -> "NDArray[np.bool_]":
        """[P], which pairs of rows have two values of a label; what is unknown is unlike nothing.

        Args:
            left: [P] rows.
            right: [P] rows.
        """
        found = np.zeros(len(left), dtype=bool)
        for labels in [one.labels for one in self.strata] or [self.labels]:
            one, other = labels[left], labels[right]
            found |= (one != other) & (one >= 0) & (other >= 0)
        return found

    @cached_property
    def probed(self) -> "Rows":
        """Rows for probes: classes with 5 groups or more, at most 20,000 rows, whole groups.

        Empty when fewer than two classes have so many groups. Of several labels, what any needs.
        """
        if self.strata:
            return np.unique(np.concatenate([one.probed for one in self.by_label]))
        rows = self._of_common_classes(self.used)
        if len(rows) > MOST_ROWS:
            number = self.group_numbers[rows]
            here = np.bincount(number) > 0
            member = (np.cumsum(here) - 1)[number]
            order = np.random.default_rng(0).permutation(int(here.sum()))
            sizes = np.bincount(member)
            kept = np.zeros(len(order), dtype=bool)
            kept[order[np.cumsum(sizes[order]) <= MOST_ROWS]] = True
            rows = self._of_common_classes(rows[kept[member]])
        return rows

    def _of_common_classes(self, rows: "Rows") -> "Rows":
        classes = len(self.classes)
        pairs = np.bincount(self.group_numbers[rows] * classes + self.labels[rows])
        counts = np.bincount(np.flatnonzero(pairs) % classes, minlength=classes)
        common = counts >= LEAST_GROUPS
        return rows[common[self.labels[rows]]] if common.sum() >= 2 else rows[:0]

    @cached_property
    def fold(self) -> "Rows":
        """[len(probed)], 0..4; the rows of a group are in one fold."""
        labels, member = self.labels[self.probed], self.member
        counts = np.zeros((int(member.max(initial=-1)) + 1, len(self.classes)), dtype=np.int64)
        np.add.at(counts, (member, labels), 1)
        return assign_groups(counts, [1 / FOLDS] * FOLDS, seed=0)[member]

    @cached_property
    def member(self) -> "Rows":
        """[len(probed)], number of each row's group."""
        return np.unique(self.group_numbers[self.probed], return_inverse=True)[1].ravel()

    @cached_property
    def group_numbers(self) -> "Rows":
        """[n], the groups numbered in the order of their names."""
        if self.numbered is not None:
            return self.numbered
        return np.unique(self.groups.astype(str), return_inverse=True)[1].ravel()

    @cached_property
    def unit(self) -> "Rows":
        """[len(probed)], number of each row's unit: the rows of a group that have one class."""
        return self._units[1].ravel()

    @cached_property
    def unit_labels(self) -> "Rows":
        """[units], the class of each."""
        return np.asarray(self._units[0] % len(self.classes))

    @cached_property
    def _units(self) -> "tuple[Rows, Rows]":
        pairs = self.member * len(self.classes) + self.labels[self.probed]
        return np.unique(pairs, return_inverse=True)

    @cached_property
    def fields(self) -> Mapping[str, Sequence[Value]]:
        """The record of the probed rows, read once."""
        return self.record(self.probed)
