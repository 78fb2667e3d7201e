"""What the samples of a data set hold, so that a new case can be given the same."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from mmx.interfaces import IMAGE, FieldKind, Layout, Sample

_NUMBER, _WORD = 1, 2
_KINDS: Mapping[int, FieldKind] = {0: "word", _NUMBER: "number", _WORD: "word", 3: "mixed"}


@dataclass(frozen=True, slots=True)
class Contents:
    """What the samples of a data set hold.

    Attributes:
        images: modality -> places of its images, of the sample that has most.
        ragged: modalities of which some sample with an image has fewer places.
        own: modality -> place of the image that labels are of, where one stands out.
        boxes: modalities of which any image has a box.
        numbered: whether ids are only numbers of rows.
        fields: kind of each field of the records; a field without any value counts as a word.
        inputs: modalities of other kinds.
    """

    images: Mapping[str, int] = field(default_factory=dict)
    ragged: tuple[str, ...] = ()
    own: Mapping[str, int] = field(default_factory=dict)
    boxes: tuple[str, ...] = ()
    numbered: bool = False
    fields: Mapping[str, FieldKind] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Plain data for a JSON file."""
        return asdict(self)

    def layout(self) -> Layout:
        """Columns for new cases where the data set itself reads no table of the user's.

        ``image``, ``image_2``, ... in their places, ``left``, ``top``, ``right``, ``bottom`` (then
        ``left_2``, ...) of their boxes; of a modality of another name that name, and ``NAME_left``
        and so on; the fields of the record and other inputs by their names, ``id``, ``group`` and
        ``label``.
        """
        return Layout(
            images={name: _columns(name, count) for name, count in self.images.items()},
            boxes={name: _corners(name, self.images[name]) for name in self.boxes},
            record=tuple(self.fields), id="id", group="group", label="label", own=self.own,
            inputs={name: name for name in self.inputs},
        )  # fmt: skip


def _endings(count: int) -> list[str]:
    return ["", *(f"_{index + 1}" for index in range(1, count))][:count]


def _columns(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name}{ending}" for ending in _endings(count))


def _corners(name: str, count: int) -> tuple[tuple[str, str, str, str], ...]:
    above = "" if name == IMAGE else f"{name}_"
    return tuple(
        (f"{above}left{end}", f"{above}top{end}", f"{above}right{end}", f"{above}bottom{end}")
        for end in _endings(count)
    )


class ContentsCount:
    """Gathers the contents, sample by sample."""

    def __init__(self) -> None:
        self._counts: dict[str, set[int]] = {}
        self._numbered = False
        self._own: dict[str, int] = {}
        self._boxes: dict[str, None] = {}
        self._fields: dict[str, int] = {}
        self._inputs: dict[str, None] = {}

    def add(self, sample: Sample) -> None:
        """Count one sample in."""
        for name, images in sample.images.items():
            self._counts.setdefault(name, set()).add(len(images))
        for name, index in sample.own.items():
            self._own[name] = max(self._own.get(name, 0), index)
        self._numbered |= sample.numbered
        for name, boxes in sample.boxes.items():
            if name not in self._boxes and any(box is not None for box in boxes):
                self._boxes[name] = None
        self._inputs |= dict.fromkeys(sample.inputs)
        for name, value in sample.record.items():
            kind = 0 if value is None else _WORD if isinstance(value, str) else _NUMBER
            self._fields[name] = self._fields.get(name, 0) | kind

    @property
    def contents(self) -> Contents:
        """What was counted."""
        fields: dict[str, FieldKind] = {name: _KINDS[kind] for name, kind in self._fields.items()}
        most = {name: max(counts) for name, counts in self._counts.items() if counts - {0}}
        ragged = [name for name, counts in self._counts.items() if len(counts - {0}) > 1]
        return Contents(
            most, tuple(ragged), self._own, tuple(self._boxes), self._numbered, fields,
            tuple(self._inputs),
        )  # fmt: skip
