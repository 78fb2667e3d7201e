"""Synthetic skin lesions with short clinical sentences, made on the fly from a seed; no download.

Each lesion has a look (colour, shape, border, texture), which its photographs show, and may have a
complaint or a site, which its text states. Of the lesions, a share ``synergy`` have a label that
only both together tell: with C classes, label = (look + site) mod C, where look and site each are
independent of the label. In the others a share ``redundancy`` shows its label in the picture and in
the complaint, and the rest shows it in only one of them, chosen by a coin; the other one is then
plain. A share ``noise`` of what is shown is drawn anew, whatever the label. With ``record`` there
are clinical findings as well, which may tell the label once more or be needed besides. With
``sites`` each lesion is seen at a hospital, which may stand for the diagnosis, by a device, which
may leave a cast of colour in the pixels: shortcuts for an audit to find.

With ``target: labels`` a lesion has any of ``classes`` diagnoses, with ``target: levels`` it has
one of so many ordered levels.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, overload

import numpy as np
from pydantic import Field, model_validator

from mmx import Dataset, DatasetParams, Params, Sample, hookimpl
from mmx.interfaces import Facts, ModalityName
from mmx_plugins.datasets._synthetic import (
    DULL,
    HOSPITALS,
    LEVELS,
    LOOKS,
    VERSION,
    Findings,
    LesionLook,
    OrderedLevels,
    SeveralLabels,
    Sites,
    SyntheticLesion,
    look_of_level,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSES = (
    "lenoma", "vescaria", "rubelloma", "cordella", "filarosis",
    "scaldia", "noduria", "maculon", "ceratiasis", "pigmatosis",
)  # fmt: skip
"""Invented diagnoses, so that nobody takes a synthetic result for a medical one."""

_COMPLAINTS = (
    "It itches badly at night.", "It bleeds when touched.", "It has doubled in size this year.",
    "It burns in the sun.", "It appeared after an insect bite.", "It has been there since birth.",
    "It oozes clear fluid.", "It peels off like dry flakes.", "It throbs with fever.",
    "It feels hard like a stone.",
)  # fmt: skip
_SITES = (
    "scalp", "foot", "hand", "back", "lip", "belly", "ear", "knee", "eyelid", "neck",
)  # fmt: skip
_PLAIN = "No complaint is reported."
# streams of random numbers
_RECORD = 1
_SEVERAL = 2
_LEVELS = 3
_HOSPITALS = 4
_TOLD_LABEL = 5
_SITE_LABEL = 6


class SyntheticParams(DatasetParams):
    """Synthetic lesions with sentences, which ``narrative: {type: column, column: text}`` uses."""

    type: Literal["synthetic"] = "synthetic"
    n: int = Field(default=1200, ge=4, le=10_000_000, description="photographs")
    classes: int = Field(default=4, ge=2, le=len(CLASSES), description="diagnoses")
    image_size: int = Field(default=128, ge=16, le=1024, description="pixels, square")
    images: Annotated[tuple[ModalityName, ...], Field(min_length=1, max_length=8)] = Field(
        default=("image",),
        description="kinds of photographs, each a modality; all show the same look, drawn anew",
    )
    redundancy: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="share of lesions, synergy apart, that tell the label twice",
    )
    synergy: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="share of lesions whose label only both modalities together tell",
    )
    record: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="share of lesions, synergy apart, whose record tells the label too; null: no "
        "findings but age and sex, which tell nothing",
    )
    record_synergy: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of the lesions of synergy whose label only all three together tell",
    )
    noise: float = Field(
        default=0.1, ge=0, le=1, description="share of looks, words and findings that are wrong"
    )
    repeats: int = Field(default=1, ge=1, description="photographs of each lesion")
    leak: float = Field(
        default=0.0, ge=0, le=1, description="share of texts that name the diagnosis"
    )
    imbalance: float = Field(
        default=1.0, ge=1, description="size of the largest class over the smallest"
    )
    target: Literal["classes", "labels", "levels"] = Field(
        default="classes",
        description="one diagnosis a lesion, any of several (task: multi_label), or ordered levels "
        "(task: ordinal)",
    )
    prevalence: float = Field(
        default=0.3, gt=0, lt=1, description="share of lesions with the most common label"
    )
    correlation: float = Field(
        default=0.3, ge=0, lt=1, description="of what lies behind the labels of a lesion"
    )
    unknown: float = Field(
        default=0.0, ge=0, lt=1, description="share of the labels that are blank"
    )
    sites: int | None = Field(
        default=None,
        ge=2,
        le=len(HOSPITALS),
        description="hospitals, which stand in the record with the device; null: none is told",
    )
    site_shortcut: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of lesions that are seen at the hospital that stands for their label",
    )
    device_signature: float = Field(
        default=0.0, ge=0, le=1, description="strength of what a device leaves in all pixels"
    )
    seed: int = Field(default=0, ge=0, description="the same seed gives the same data")

    @model_validator(mode="after")
    def _record_that_joins(self) -> "SyntheticParams":
        if len({*self.images}) < len(self.images):
            raise ValueError(f"images: {list(self.images)} names a kind of photographs twice")
        if self.record_synergy and self.record is None:
            raise ValueError("record_synergy needs a record: set record, such as record: 0")
        if self.sites is None and (self.site_shortcut or self.device_signature):
            raise ValueError("site_shortcut and device_signature need sites, such as sites: 3")
        if self.target == "levels" and self.classes > len(LEVELS):
            raise ValueError(f"there are {len(LEVELS)} levels at most; set classes")
        return self

    def build(self) -> "Synthetic":
        return Synthetic(self)


class Synthetic(Dataset):
    """Lesions drawn from a seed; group = lesion."""

    def __init__(self, params: SyntheticParams) -> None:
        names = LEVELS if params.target == "levels" else CLASSES
        self.classes = names[: params.classes]
        self.facts = Facts(
            allowed_views=(
                "identity", "hflip", "vflip", "rot90", "rot180", "rot270", "transpose",
                "anti_transpose",
            ),
            group="lesion",
            notes=("Synthetic images and invented diagnoses; says nothing about medicine.",),
        )  # fmt: skip
        self._rows = Photographs(params)

    def samples(self) -> Sequence[Sample]:
        return self._rows


class Photographs(Sequence[Sample]):
    """Builds each row when it is asked for."""

    def __init__(self, params: SyntheticParams) -> None:
        self.params = params
        lesions = -(-params.n // params.repeats)
        draw = np.random.default_rng([VERSION, params.seed])
        self.label = draw.permutation(_labels(lesions, params.classes, params.imbalance))
        both = draw.random(lesions) < params.synergy
        twice = draw.random(lesions) < params.redundancy
        first = draw.random(lesions) < 0.5
        c = params.classes
        chance = draw.integers(c, size=lesions)
        # -1 marks a dull look, no complaint or no site
        self.several = _several(params, lesions) if params.target == "labels" else None
        self.findings = None
        shift = np.zeros_like(chance)
        record, synergy = params.record, params.record_synergy
        if record is not None:
            shares = (record, synergy, params.noise)
            stream = (VERSION, params.seed, _RECORD)
            told = self._one_label(_TOLD_LABEL)
            needs_all = both if self.several is None else np.zeros_like(both)
            self.findings = Findings(told, needs_all, c, shares, stream)
            shift = self.findings.shift
        self.look = np.where(both, chance, np.where(twice | first, self.label, -1))
        self.complaint = np.where(~both & (twice | ~first), self.label, -1)
        self.site = np.where(both, (self.label - chance - shift) % c, -1)
        for shown in (self.look, self.complaint, self.site):
            wrong = (draw.random(lesions) < params.noise) & (shown >= 0)
            shown[wrong] = draw.integers(c, size=int(wrong.sum()))
        self.leaks = draw.random(lesions) < params.leak
        self.age = draw.integers(18, 90, size=lesions)
        self.male = draw.random(lesions) < 0.5
        self.sites, shortcut = None, params.site_shortcut
        if params.sites is not None:
            stream = (VERSION, params.seed, _HOSPITALS)
            shown = self._one_label(_SITE_LABEL)
            self.sites = Sites(shown, params.sites, shortcut, stream)
        self.levels = None
        if params.target == "levels":
            stream = (VERSION, params.seed, _LEVELS)
            self.levels = OrderedLevels(self.label, params.noise, stream)

    def _one_label(self, stream: int) -> "NDArray[np.int64]":
        """[lesions], the label, of several any that is present; -1 where none is."""
        if self.several is None:
            return self.label
        return self.several.one_of((VERSION, self.params.seed, stream))

    def __len__(self) -> int:
        return self.params.n

    @overload
    def __getitem__(self, row: int) -> Sample: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Sample]: ...
    def __getitem__(self, row: int | slice) -> Sample | Sequence[Sample]:
        if isinstance(row, slice):
            return [self[one] for one in range(*row.indices(len(self)))]
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        row %= len(self)
        lesion = row // self.params.repeats
        look, params = self._look(lesion), self.params
        device = self.sites.device[lesion] if self.sites and params.device_signature else 0
        pictures = {
            name: (
                SyntheticLesion(
                    look, params.seed, row, params.image_size, kind, int(device),
                    params.device_signature,
                ),
            )
            for kind, name in enumerate(params.images)
        }  # fmt: skip
        sex = "male" if self.male[lesion] else "female"
        more = (one.cells(lesion) for one in (self.findings, self.sites) if one is not None)
        found = {name: cell for cells in more for name, cell in cells.items()}
        return Sample(
            id=f"photo-{row:07d}",
            group=f"lesion-{lesion:07d}",
            images=pictures,
            record={
                "age": float(self.age[lesion]),
                "sex": sex,
                "text": self._text(lesion, sex),
                **found,
            },
            label=None if self.several else self._names[self.label[lesion]],
            labels=self.several.cells(lesion, self._names) if self.several else {},
        )

    @property
    def _names(self) -> tuple[str, ...]:
        return (LEVELS if self.levels else CLASSES)[: self.params.classes]

    def _look(self, lesion: int) -> LesionLook:
        """What the picture of a lesion shows."""
        if self.levels is not None:
            return look_of_level(float(self.levels.look[lesion]))
        look = int(self.look[lesion] if self.several is None else self.several.look[lesion])
        return LOOKS[look] if look >= 0 else DULL

    def _text(self, lesion: int, sex: str) -> str:
        person = f"{'Man' if sex == 'male' else 'Woman'} of {self.age[lesion]} years."
        if self.levels is not None:
            return f"{person} Score of the questionnaire: {self.levels.score[lesion]}."
        if self.several is not None:
            there = np.flatnonzero(self.several.told[lesion]).tolist()
            return " ".join([person, *([_COMPLAINTS[at] for at in there] or [_PLAIN])])
        complaint, site = int(self.complaint[lesion]), int(self.site[lesion])
        told = _PLAIN if complaint < 0 else _COMPLAINTS[complaint]
        if site >= 0:
            told = f"The spot is on the {_SITES[site]}."
        named = f" Suspected {CLASSES[self.label[lesion]]}." if self.leaks[lesion] else ""
        return f"{person} {told}{named}"


def _several(params: SyntheticParams, lesions: int) -> SeveralLabels:
    """Labels whose prevalences fall geometrically to 1 / imbalance."""
    falling = params.imbalance ** -(np.arange(params.classes) / (params.classes - 1))
    stream = (VERSION, params.seed, _SEVERAL)
    return SeveralLabels(
        lesions, params.prevalence * falling, params.correlation, params.unknown, params.noise,
        stream,
    )  # fmt: skip


def _labels(lesions: int, classes: int, imbalance: float) -> "NDArray[np.int64]":
    """[lesions], class sizes falling geometrically to 1 / imbalance, none empty if it can be."""
    weights = imbalance ** -(np.arange(classes) / (classes - 1))
    ends = np.rint(np.cumsum(weights / weights.sum()) * lesions).astype(np.int64)
    spread = lesions - classes + 1 + np.arange(classes)  # leaves one for each class that follows
    ends = np.minimum(np.maximum(ends, np.arange(1, classes + 1)), np.maximum(spread, 0))
    return np.searchsorted(ends, np.arange(lesions), side="right")


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this data set."""
    return [SyntheticParams]
