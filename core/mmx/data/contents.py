"""What the samples of a data set hold, so that a new case can be given the same."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mmx.interfaces import FieldKind, Layout, Sample

_NUMBER, _WORD = 1, 2
_KINDS: Mapping[int, FieldKind] = {0: "word", _NUMBER: "number", _WORD: "word", 3: "mixed"}


@dataclass(frozen=True, slots=True)
class Contents:
    """What the samples of a data set hold.

    Attributes:
        images: places of images, of the sample that has most.
        ragged: whether some sample with an image has fewer places.
        own: place of the image that labels are of; None where none stands out.
        boxes: whether any image has a box.
        numbered: whether ids are only numbers of rows.
        fields: kind of each field of the records; a field without any value counts as a word.
    """

    images: int = 0
    ragged: bool = False
    own: int | None = None
    boxes: bool = False
    numbered: bool = False
    fields: Mapping[str, FieldKind] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data for a JSON file."""
        return asdict(self)

    def layout(self) -> Layout:
        """Columns for new cases where the data set itself reads no table of the user's.

        ``image``, ``image_2``, ... in their places, ``left``, ``top``, ``right``, ``bottom`` (then
        ``left_2``, ...) of their boxes, the fields of the record by their names, ``id``, ``group``
        and ``label``.
        """
        endings = ["", *(f"_{place + 1}" for place in range(1, self.images))][: self.images]
        boxes = [(f"left{e}", f"top{e}", f"right{e}", f"bottom{e}") for e in endings]
        return Layout(
            images=tuple(f"image{ending}" for ending in endings),
            boxes=tuple(boxes) if self.boxes else (),
            record=tuple(self.fields), id="id", group="group", label="label", own=self.own,
        )  # fmt: skip


class ContentsCount:
    """Gathers the contents, sample by sample."""

    def __init__(self) -> None:
        self._counts: set[int] = set()
        self._boxes, self._numbered = False, False
        self._own: int | None = None
        self._fields: dict[str, int] = {}

    def add(self, sample: Sample) -> None:
        """Count one sample in."""
        self._counts.add(len(sample.images))
        self._own = self._own if sample.own is None else max(self._own or 0, sample.own)
        self._numbered |= sample.numbered
        self._boxes |= any(box is not None for box in sample.boxes)
        for name, value in sample.record.items():
            kind = 0 if value is None else _WORD if isinstance(value, str) else _NUMBER
            self._fields[name] = self._fields.get(name, 0) | kind

    @property
    def contents(self) -> Contents:
        """What was counted."""
        fields: dict[str, FieldKind] = {name: _KINDS[kind] for name, kind in self._fields.items()}
        most, ragged = max(self._counts, default=0), len(self._counts - {0}) > 1
        return Contents(most, ragged, self._own, self._boxes, self._numbered, fields)
