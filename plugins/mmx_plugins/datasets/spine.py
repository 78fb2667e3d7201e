"""Discs and vertebrae of lumbar MRI, six classes: a folder with metadata.csv and images/.

``metadata.csv`` has image_id, study_id, structure (disc | vertebra), level (T12-L1 ... L5-S1, L1
... L5) and label. The images of one patient share a study, so the study is the group.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt, field_validator

from mmx import DataError, Dataset, DatasetParams, Params, Sample, hookimpl, read_table
from mmx.blocks import inside
from mmx.interfaces import Facts, RejectedRow, SpecPath

CLASSES = (
    "disc_normal", "disc_bulge", "disc_protrusion", "disc_schmorl",
    "vertebra_normal", "vertebra_degeneration",
)  # fmt: skip
_LEVELS = (
    "T12-L1", "L1", "L1-L2", "L2", "L2-L3", "L3", "L3-L4", "L4", "L4-L5", "L5", "L5-S1",
)  # fmt: skip
_COLUMNS = ("image_id", "study_id", "structure", "level", "label")
_FACTS = Facts(
    synonyms={
        "disc_normal": ("normal disc",),
        "disc_bulge": ("disc bulge", "bulging disc", "bulge"),
        "disc_protrusion": ("disc protrusion", "protrusion", "herniation", "herniated disc"),
        "disc_schmorl": ("Schmorl node", "Schmorl's node", "schmorl"),
        "vertebra_normal": ("normal vertebra",),
        "vertebra_degeneration": ("vertebral degeneration", "degeneration", "degenerated"),
    },
    group="study",
    allowed_views=("identity",),  # a mirrored or turned spine is another anatomy
    notes=(
        "One sagittal slice per study: no neighbouring slices for a 2.5D stack.",
        "The classes are named by structure, so a text that states it rules out part of them.",
    ),
)


class SpineParams(DatasetParams):
    """Lumbar spine crops; group = study."""

    type: Literal["spine"] = "spine"
    root: SpecPath = Field(description="folder with metadata.csv and images/")

    context: PositiveInt = Field(
        default=1,
        description="images of a sample: the crop in the middle, the levels around it in order; "
        "an odd number",
    )

    @field_validator("context")
    @classmethod
    def _odd(cls, context: int) -> int:
        if context % 2 == 0:
            raise ValueError(
                f"the crop stands in the middle, so context is odd; got {context}, use "
                f"{context - 1} or {context + 1}"
            )
        return context

    def build(self) -> "Spine":
        return Spine(self.root, self.context)


class Spine(Dataset):
    """Crops in the order of the table."""

    classes = CLASSES
    facts = _FACTS

    def __init__(self, root: Path, context: int = 1) -> None:
        table = read_table(root / "metadata.csv")
        lacking = [name for name in _COLUMNS if name not in table.columns]
        if lacking:
            raise DataError(f"{root / 'metadata.csv'} has no column {', '.join(lacking)}")
        self._samples: list[Sample] = []
        self._rejected: list[RejectedRow] = []
        for row in zip(*(table[name] for name in _COLUMNS), strict=True):
            self._add(root / "images", *row)
        if context > 1:
            self._samples = _with_context(self._samples, context // 2)

    def _add(
        self, folder: Path, image: str, study: str, structure: str, level: str, label: str
    ) -> None:
        try:
            path = inside(folder, f"{image}.jpg")
        except DataError as error:
            self._rejected.append(RejectedRow(image, str(error)))
            return
        if not study or not image:
            self._rejected.append(RejectedRow(image or "?", "has no study_id or no image_id"))
            return
        record = {"structure": structure or None, "level": level or None}
        self._samples.append(
            Sample(image, study, {"image": (path,)}, record=record, label=label or None)
        )

    def samples(self) -> Sequence[Sample]:
        return self._samples

    def rejected(self) -> Sequence[RejectedRow]:
        return self._rejected


def _with_context(samples: Sequence[Sample], around: int) -> list[Sample]:
    """Each crop between the levels above and below; None where the study has no such level."""
    crops: dict[tuple[str, object], Sample] = {}
    for sample in samples:
        crops.setdefault((sample.group, sample.record["level"]), sample)
    result = []
    for sample in samples:
        names = [_level(sample.record["level"], step) for step in range(-around, around + 1)]
        near = [crops.get((sample.group, name)) for name in names]
        near[around] = sample  # also where another crop of the study has the same level
        images = tuple(one.images["image"][0] if one else None for one in near)
        result.append(replace(sample, images={"image": images}, own={"image": around}))
    return result


def _level(level: object, step: int) -> str:
    """Name of the level so many steps below; empty beyond the ends, or from an unknown one."""
    place = _LEVELS.index(str(level)) + step if level in _LEVELS else -1
    return _LEVELS[place] if 0 <= place < len(_LEVELS) else ""


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this data set."""
    return [SpineParams]
