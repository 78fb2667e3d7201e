"""Synthetic skin lesions with short clinical sentences, made on the fly from a seed; no download.

Each lesion has a look (colour, shape, border, texture), which its photographs show, and may have a
complaint or a site, which its text states. Of the lesions, a share ``synergy`` have a label that
only both together tell: with C classes, label = (look + site) mod C, where look and site each are
independent of the label. In the others a share ``redundancy`` shows its label in the picture and in
the complaint, and the rest shows it in only one of them, chosen by a coin; the other one is then
plain. A share ``noise`` of what is shown is drawn anew, whatever the label. With ``record`` there
are clinical findings as well, which may tell the label once more or be needed besides.

With ``target: labels`` a lesion has any of ``classes`` diagnoses, with ``target: levels`` it has
one of so many ordered levels.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, overload

import numpy as np
from pydantic import Field, model_validator

from mmx import Dataset, DatasetParams, Params, Sample, hookimpl
from mmx.interfaces import Facts, ModalityName
from mmx_plugins.datasets._synthetic import LEVELS, Findings, OrderedLevels, SeveralLabels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.floating]

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
_RECORD, _SEVERAL, _LEVELS = 1, 2, 3  # streams of random numbers: findings, labels, levels
_VERSION = 1  # raised when the drawing changes, so that no cache mixes two versions


@dataclass(frozen=True, slots=True)
class LesionLook:
    """How the lesions of a class look.

    Attributes:
        colour: RGB in 0..1.
        length: ratio of the long to the short axis, >= 1.
        lobes: bulges of the border.
        depth: of the bulges, share of the radius.
        soft: width of the border, share of the radius.
        texture: what covers it.
    """

    colour: tuple[float, float, float]
    length: float
    lobes: int
    depth: float
    soft: float
    texture: Literal["none", "dots", "stripes", "ring", "net", "patches"]


_LOOKS = (
    LesionLook((0.42, 0.24, 0.12), 1.0, 2, 0.02, 0.10, "none"),
    LesionLook((0.10, 0.08, 0.16), 1.3, 7, 0.22, 0.08, "patches"),
    LesionLook((0.80, 0.16, 0.18), 1.0, 2, 0.03, 0.10, "dots"),
    LesionLook((0.93, 0.80, 0.38), 1.9, 2, 0.06, 0.18, "stripes"),
    LesionLook((0.24, 0.36, 0.62), 1.1, 3, 0.10, 0.30, "ring"),
    LesionLook((0.97, 0.95, 0.92), 1.2, 5, 0.18, 0.08, "net"),
    LesionLook((0.36, 0.46, 0.24), 1.0, 4, 0.18, 0.12, "dots"),
    LesionLook((0.54, 0.18, 0.46), 1.8, 3, 0.08, 0.10, "net"),
    LesionLook((0.94, 0.54, 0.16), 1.0, 9, 0.12, 0.08, "ring"),
    LesionLook((0.30, 0.42, 0.42), 2.2, 2, 0.10, 0.25, "stripes"),
)
_DULL = LesionLook((0.74, 0.52, 0.42), 1.1, 2, 0.04, 0.45, "none")


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
    seed: int = Field(default=0, ge=0, description="the same seed gives the same data")

    @model_validator(mode="after")
    def _record_that_joins(self) -> "SyntheticParams":
        if len({*self.images}) < len(self.images):
            raise ValueError(f"images: {list(self.images)} names a kind of photographs twice")
        if self.record_synergy and self.record is None:
            raise ValueError("record_synergy needs a record: set record, such as record: 0")
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
        draw = np.random.default_rng([_VERSION, params.seed])
        self.label = draw.permutation(_labels(lesions, params.classes, params.imbalance))
        both = draw.random(lesions) < params.synergy
        twice = draw.random(lesions) < params.redundancy
        first = draw.random(lesions) < 0.5
        c = params.classes
        chance = draw.integers(c, size=lesions)
        # -1 marks a dull look, no complaint or no site
        self.findings = None
        shift = np.zeros_like(chance)
        record, synergy = params.record, params.record_synergy
        if record is not None:
            shares = (record, synergy, params.noise)
            stream = (_VERSION, params.seed, _RECORD)
            self.findings = Findings(self.label, both, c, shares, stream)
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
        self.several = _several(params, lesions) if params.target == "labels" else None
        self.levels = None
        if params.target == "levels":
            stream = (_VERSION, params.seed, _LEVELS)
            self.levels = OrderedLevels(self.label, params.noise, stream)

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
        pictures = {
            name: (SyntheticLesion(look, params.seed, row, params.image_size, kind),)
            for kind, name in enumerate(params.images)
        }
        sex = "male" if self.male[lesion] else "female"
        found = {} if self.findings is None else self.findings.cells(lesion)
        return Sample(
            id=f"photo-{row:07d}",
            group=f"lesion-{lesion:07d}",
            images=pictures,
            record={
                **{"age": float(self.age[lesion]), "sex": sex, "text": self._text(lesion, sex)},
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
            return _look_of_level(float(self.levels.look[lesion]))
        look = int(self.look[lesion] if self.several is None else self.several.look[lesion])
        return _LOOKS[look] if look >= 0 else _DULL

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
    stream = (_VERSION, params.seed, _SEVERAL)
    return SeveralLabels(
        lesions, params.prevalence * falling, params.correlation, params.unknown, params.noise,
        stream,
    )  # fmt: skip


def _look_of_level(share: float) -> LesionLook:
    """The look of a lesion of a level, as a share of the highest one: darker and more ragged."""
    colour = (0.85 - 0.6 * share, 0.62 - 0.45 * share, 0.5 - 0.35 * share)
    return LesionLook(colour, 1.0 + 0.3 * max(share, 0.0), 5, max(0.02, 0.25 * share), 0.12, "dots")


def _labels(lesions: int, classes: int, imbalance: float) -> "NDArray[np.int64]":
    """[lesions], class sizes falling geometrically to 1 / imbalance, none empty if it can be."""
    weights = imbalance ** -(np.arange(classes) / (classes - 1))
    ends = np.rint(np.cumsum(weights / weights.sum()) * lesions).astype(np.int64)
    spread = lesions - classes + 1 + np.arange(classes)  # leaves one for each class that follows
    ends = np.minimum(np.maximum(ends, np.arange(1, classes + 1)), np.maximum(spread, 0))
    return np.searchsorted(ends, np.arange(lesions), side="right")


@dataclass(frozen=True, slots=True)
class SyntheticLesion:
    """One photograph: the look decides what is drawn, seed, row and kind how this one differs."""

    look: LesionLook
    seed: int
    row: int
    size: int
    kind: int = 0

    @property
    def key(self) -> str:
        """Digest of all that decides the pixels."""
        what = repr((_VERSION, self.look, self.seed, self.row, self.size, *self._stream))
        return hashlib.blake2b(what.encode(), digest_size=20).hexdigest()

    @property
    def _stream(self) -> tuple[int, ...]:
        """What sets other kinds apart; the first is drawn as when there was no other."""
        return (self.kind,) if self.kind else ()

    def pixels(self) -> "NDArray[np.uint8]":
        """[size, size, 3], RGB."""
        draw = np.random.default_rng([_VERSION, self.seed, self.row, *self._stream])
        u, v = _plane(self.size, self.look.length, draw)
        radius = np.hypot(u, v)
        border = _border(u, v, radius, self.look, draw)
        inside = ((border - radius) / self.look.soft + 0.5).clip(0, 1)
        shade = 1 + 0.3 * inside * _texture(u, v, radius, self.look, draw)
        skin = np.array([0.93, 0.76, 0.66], np.float32) * np.float32(draw.uniform(0.85, 1.0))
        colour = np.array(self.look.colour, np.float32) + draw.normal(0, 0.02, 3)
        light = np.float32(draw.uniform(0.9, 1.05)) * shade
        image = (skin + inside[..., None] * (colour - skin).astype(np.float32)) * light[..., None]
        grain = draw.integers(-6, 7, size=(self.size, self.size, 1), dtype=np.int8)
        return np.asarray((image * 255 + grain).clip(0, 255), np.uint8)


def _plane(size: int, length: float, draw: np.random.Generator) -> "tuple[Plane, Plane]":
    """Coordinates [size, size] in which the lesion is about a unit circle."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    x = axis[None, :] - np.float32(draw.uniform(-0.12, 0.12))
    y = axis[:, None] - np.float32(draw.uniform(-0.12, 0.12))
    angle, scale = draw.uniform(0, 2 * np.pi), draw.uniform(0.5, 0.65)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    long, short = np.float32(scale * length**0.5), np.float32(scale / length**0.5)
    return (cosine * x + sine * y) / long, (cosine * y - sine * x) / short


def _border(
    u: "Plane",
    v: "Plane",
    radius: "Plane",
    look: LesionLook,
    draw: np.random.Generator,
) -> "Plane":
    """[size, size], distance of the border from the centre in the direction of each pixel."""
    direction = (u + 1j * v).astype(np.complex64) / np.maximum(radius, np.float32(1e-3))
    turn = np.exp(1j * draw.uniform(0, 2 * np.pi, 2)).astype(np.complex64)
    wave = (turn[0] * direction**look.lobes).real + 0.3 * (turn[1] * direction**3).real
    return np.asarray(1 + look.depth * wave, np.float32)


def _texture(
    u: "Plane",
    v: "Plane",
    radius: "Plane",
    look: LesionLook,
    draw: np.random.Generator,
) -> "Plane":
    """[size, size], about -1..1: darker and lighter places."""
    phase = draw.uniform(0, 2 * np.pi, 2).astype(np.float32)
    waves: Plane
    match look.texture:
        case "none":
            waves = np.zeros_like(radius)
        case "dots":
            waves = np.sin(14 * u + phase[0]) * np.sin(14 * v + phase[1])
        case "stripes":
            waves = np.sin(16 * u + phase[0])
        case "ring":
            waves = np.cos(9 * radius)
        case "net":
            waves = np.maximum(np.sin(11 * u + phase[0]), np.sin(11 * v + phase[1])) - 0.4
        case "patches":
            waves = np.sin(4 * u + 2 * v + phase[0]) + 0.7 * np.sin(5 * v - 3 * u + phase[1])
    return waves


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this data set."""
    return [SyntheticParams]
