"""HAM10000: dermoscopy photographs of seven kinds of pigmented skin lesions.

Two layouts are read: Kaggle's (HAM10000_metadata.csv beside HAM10000_images_part_1/ and _part_2/),
and one with all photographs in images/; lesion_boxes.csv (image_id, left, top, right, bottom) is
used if it is there.

Source: Tschandl, Rosendahl, Kittler 2018, The HAM10000 dataset, doi:10.1038/sdata.2018.161, CC
BY-NC 4.0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field

from mmx import DataError, Dataset, DatasetParams, Params, Sample, hookimpl, read_table
from mmx.interfaces import Box, Facts, RejectedRow, SpecPath, Value

CLASSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
_FOLDERS = (
    "images", "HAM10000_images_part_1", "HAM10000_images_part_2",
    "ham10000_images_part_1", "ham10000_images_part_2",
)  # fmt: skip


class _Row(NamedTuple):
    """Cells of HAM10000_metadata.csv by the names of their columns."""

    lesion_id: str
    image_id: str
    dx: str
    dx_type: str
    age: str
    sex: str
    localization: str


_FACTS = Facts(
    synonyms={
        "akiec": (
            "actinic keratosis", "actinic keratoses", "intraepithelial carcinoma",
            "Bowen's disease", "Bowen disease", "AKIEC",
        ),
        "bcc": ("basal cell carcinoma", "BCC"),
        "bkl": (
            "benign keratosis", "benign keratosis-like lesion", "seborrheic keratosis",
            "solar lentigo", "lichen planus-like keratosis", "BKL",
        ),
        "df": ("dermatofibroma", "DF"),
        "mel": ("melanoma", "MEL"),
        "nv": ("melanocytic nevus", "melanocytic nevi", "nevus", "naevus", "mole", "NV"),
        "vasc": (
            "vascular lesion", "angioma", "hemangioma", "angiokeratoma", "pyogenic granuloma",
            "VASC",
        ),
    },
    leak_columns=("dx_type",),
    group="lesion",
    allowed_views=(
        "identity", "hflip", "vflip", "rot90", "rot180", "rot270", "transpose", "anti_transpose",
    ),
    notes=(
        "HAM10000, CC BY-NC 4.0: not for commercial use.",
        "dx_type tells the label (follow_up is always nv) and is hidden from narratives.",
    ),
)  # fmt: skip


class Ham10000Params(DatasetParams):
    """HAM10000; group = lesion, since many lesions have several photographs."""

    type: Literal["ham10000"] = "ham10000"
    source = "Tschandl, Rosendahl, Kittler 2018, doi:10.1038/sdata.2018.161"
    root: SpecPath = Field(description="folder with HAM10000_metadata.csv")
    views: Literal["image", "lesion"] = Field(
        default="image",
        description="image: one photograph per sample; lesion: its lesion's other ones as well",
    )

    def build(self) -> "Ham10000":
        return Ham10000(self.root, lesion_views=self.views == "lesion")


class Ham10000(Dataset):
    """One sample per photograph, in the order of the table."""

    classes = CLASSES
    facts = _FACTS

    def __init__(self, root: Path, *, lesion_views: bool) -> None:
        table = read_table(root / "HAM10000_metadata.csv")
        lacking = [name for name in _Row._fields if name not in table.columns]
        if lacking:
            raise DataError(f"{root / 'HAM10000_metadata.csv'} has no column {', '.join(lacking)}")
        self._files, self._boxes = _photographs(root), _lesion_boxes(root / "lesion_boxes.csv")
        self._samples: list[Sample] = []
        self._rejected: list[RejectedRow] = []
        for cells in zip(*(table[name] for name in _Row._fields), strict=True):
            self._add(_Row(*cells))
        if lesion_views:
            self._samples = _with_other_views(self._samples)

    def _add(self, row: _Row) -> None:
        image = row.image_id
        if image not in self._files:
            self._rejected.append(RejectedRow(image or "?", "has no photograph IMAGE_ID.jpg"))
            return
        if not row.lesion_id:
            self._rejected.append(RejectedRow(image, "has no lesion_id"))
            return
        record = {
            "age": _age(row.age),
            "sex": _known(row.sex),
            "site": _known(row.localization),
            "dx_type": row.dx_type,
        }
        images = {"image": (self._files[image],)}
        boxes = {"image": (self._boxes.get(image),)} if self._boxes else {}
        label = row.dx.strip() or None
        self._samples.append(Sample(image, row.lesion_id, images, boxes, record, label))

    def samples(self) -> Sequence[Sample]:
        return self._samples

    def rejected(self) -> Sequence[RejectedRow]:
        return self._rejected


def _photographs(root: Path) -> Mapping[str, Path]:
    """Image id -> file, from all folders that a layout may have."""
    folders = [root / name for name in _FOLDERS if (root / name).is_dir()]
    if not folders:
        raise DataError(
            f"{root} has neither images/ nor HAM10000_images_part_1/ and _part_2/; "
            "unpack the photographs there"
        )
    return {file.stem: file for folder in folders for file in sorted(folder.glob("*.jpg"))}


def _lesion_boxes(path: Path) -> dict[str, Box]:
    """Image id -> box; empty when there is no table of boxes."""
    if not path.is_file():
        return {}
    table = read_table(path)
    boxes: dict[str, Box] = {}
    try:
        columns = [table[name] for name in ("image_id", "left", "top", "right", "bottom")]
        for image, left, top, right, bottom in zip(*columns, strict=True):
            boxes[image] = (float(left), float(top), float(right), float(bottom))
    except (KeyError, ValueError) as error:
        raise DataError(f"{path} must have image_id, left, top, right, bottom: {error}") from error
    return boxes


def _with_other_views(samples: Sequence[Sample]) -> list[Sample]:
    """Each photograph first in its own sample, the others of its lesion behind it."""
    lesions: dict[str, list[Sample]] = {}
    for sample in samples:
        lesions.setdefault(sample.group, []).append(sample)
    result = []
    for sample in samples:
        together = [sample, *(one for one in lesions[sample.group] if one is not sample)]
        images = tuple(image for one in together for image in one.images["image"])
        boxes = tuple(box for one in together for box in one.boxes.get("image", ()))
        held = {"image": boxes} if boxes else {}
        result.append(replace(sample, images={"image": images}, boxes=held))
    return result


def _age(text: str) -> Value:
    """Years; None where it is missing, unknown or 0, which the table uses for an age not noted."""
    try:
        years = float(text)
    except ValueError:
        return None
    return years if years > 0 else None


def _known(text: str) -> Value:
    return None if text.strip().lower() in ("", "unknown") else text.strip()


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this data set."""
    return [Ham10000Params]
