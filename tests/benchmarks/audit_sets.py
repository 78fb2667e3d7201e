"""Clean sets of synthetic data for audit_leaks.py, and the ways to plant a leak in one."""

import io
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

from mmx.audit import Subject

SITES = ("back", "foot", "hand", "neck", "ear")
SHARES = (0.34, 0.18, 0.12, 0.1, 0.1, 0.1, 0.06)
Change = Callable[["Drawn"], "Drawn"]


@dataclass(frozen=True)
class Drawn:
    """A drawn data set; columns by name, and pictures [n, 64, 64, 3]."""

    seed: int
    labels: Any
    groups: Any
    parts: Any
    texts: list[str]
    pictures: Any
    record: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    technical: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    files: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    spare: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def draw(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, 1])

    def subject(self) -> Subject:
        n = len(self.labels)
        return Subject(
            ids=np.array([f"case-{row:05d}" for row in range(n)], dtype=object),
            groups=self.groups, labels=self.labels, parts=self.parts, texts=self.texts,
            classes=tuple(f"klass{place}" for place in range(int(self.labels.max()) + 1)),
            group="lesion", record=_picked(self.record), technical=_picked(self.technical),
            files=_picked(self.files), spare={k: lambda v=v: v for k, v in self.spare.items()},
            has_picture=np.ones(n, dtype=bool), pictures=lambda rows: self.pictures[rows],
        )  # fmt: skip


def _picked(columns: Mapping[str, Sequence[Any]]) -> Any:
    return lambda rows: {name: [of[row] for row in rows] for name, of in columns.items()}


def drawn(seed: int, n: int = 420, shares: Sequence[float] = SHARES, size: int = 1) -> Drawn:
    """A clean set: nothing goes with the label."""
    draw = np.random.default_rng(seed)
    groups = np.arange(n) // size
    labels = draw.choice(len(shares), int(groups.max()) + 1, p=np.array(shares) / sum(shares))
    parts = draw.choice(["train", "validation", "test"], int(groups.max()) + 1, p=[0.7, 0.15, 0.15])
    ages, sites = draw.integers(20, 90, n), draw.integers(len(SITES), size=n)
    blobs = draw.integers(0, 256, (n, 9, 9, 3), dtype=np.uint8)
    pictures = np.stack([
        np.asarray(Image.fromarray(one).resize((64, 64), Image.Resampling.BICUBIC))
        for one in blobs
    ])  # fmt: skip
    return Drawn(
        seed, labels[groups], np.array([f"L{one:04d}" for one in groups], dtype=object),
        parts[groups],
        [f"A spot on the {SITES[site]} since {weeks} weeks."
         for site, weeks in zip(sites, draw.integers(1, 40, n), strict=True)],
        np.clip(pictures + draw.normal(0, 4, pictures.shape), 0, 255).astype(np.uint8),
        record={"age": ages.astype(float).tolist(), "ph": draw.normal(7, 1, n).round(2).tolist(),
                "sex": draw.choice(["male", "female"], n).tolist()},
        technical={"file size": draw.normal(9000, 900, n).round().tolist(),
                   "image width": draw.choice([600.0, 640.0], n).tolist(),
                   "row order": np.arange(float(n)).tolist()},
        files={"camera": draw.choice(["A", "B"], n).tolist()},
    )  # fmt: skip


def mark(place: tuple[slice, slice], share: float = 1.0, label: int = 2) -> Change:
    """A blue square on pictures of one class."""

    def change(one: Drawn) -> Drawn:
        pictures, rows = one.pictures.copy(), np.flatnonzero(one.labels == label)
        rows = rows[one.draw.random(len(rows)) < share]
        pictures[rows[:, None, None], np.arange(64)[place[0]][:, None], np.arange(64)[place[1]]] = (
            0, 0, 255,
        )  # fmt: skip
        return replace(one, pictures=pictures)

    return change


def column(where: str, name: str, made: Callable[[Drawn], Sequence[Any]]) -> Change:
    """A column in place of a clean one, or beside it."""
    return lambda one: replace(one, **{where: {**getattr(one, where), name: made(one)}})


def gone(name: str, label: int, share: float = 1.0) -> Change:
    def made(one: Drawn) -> list[Any]:
        hit = (one.labels == label) & (one.draw.random(len(one.labels)) < share)
        return [None if lost else value for lost, value in zip(hit, one.record[name], strict=True)]

    return column("record", name, made)


def said(words: Callable[[int, np.random.Generator], str], share: float = 1.0) -> Change:
    """Words at the end of a share of the texts."""

    def change(one: Drawn) -> Drawn:
        draw = one.draw
        texts = [
            f"{text} {words(int(label), draw)}".strip() if draw.random() < share else text
            for text, label in zip(one.texts, one.labels, strict=True)
        ]
        return replace(one, texts=texts)

    return change


def without_record(change: Change) -> Change:
    return lambda one: change(replace(one, record={}))


def copied(turn: Callable[[Any], Any], torn: bool = False) -> Change:
    """Six training pictures again in the test part, or twice in training with two labels."""

    def change(one: Drawn) -> Drawn:
        pictures, train = one.pictures.copy(), np.flatnonzero(one.parts == "train")
        if torn:
            pairs = [(a, b) for a, b in itertools.pairwise(train)
                     if one.labels[a] != one.labels[b]][:6]  # fmt: skip
        else:
            pairs = list(zip(train[:6], np.flatnonzero(one.parts == "test")[:6], strict=True))
        for left, right in pairs:
            pictures[right] = turn(pictures[left])
        return replace(one, pictures=pictures)

    return change


def compressed(pixels: Any) -> Any:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=60)
    return np.asarray(Image.open(buffer))


def moved(down: int, across: int) -> Callable[[Any], Any]:
    def turn(pixels: Any) -> Any:
        shown = np.zeros_like(pixels)
        shown[down:, across:] = pixels[: 64 - down, : 64 - across]
        return shown

    return turn


def by_class(
    values: Sequence[Any], rest: Callable[[Drawn], Sequence[Any]]
) -> Callable[[Drawn], Any]:
    """The value of a class where it has one, else a clean value."""

    def made(one: Drawn) -> list[Any]:
        return [values[label] if values[label] is not None else other
                for label, other in zip(one.labels.tolist(), rest(one), strict=True)]  # fmt: skip

    return made


def dates(one: Drawn) -> list[str]:
    days = one.draw.integers(0, 300, len(one.labels)) + 400 * (one.labels == 4)
    return [
        f"{1 + day % 28:02d}.{1 + day // 28 % 12:02d}.{2018 + day // 336}" for day in days.tolist()
    ]


def pure(values: Sequence[Any]) -> Callable[[Drawn], list[Any]]:
    return lambda one: [values[label % len(values)] for label in one.labels.tolist()]


def only(label: int, value: Any, other: Any) -> Callable[[Drawn], list[Any]]:
    return lambda one: [value if own == label else other for own in one.labels.tolist()]


def patients(one: Drawn) -> list[str]:
    """Three lesions of each patient."""
    return [f"P{int(group[1:]) // 3:03d}" for group in one.groups.tolist()]
