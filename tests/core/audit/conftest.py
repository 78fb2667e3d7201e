"""Clean rows, in which leaks are planted at a chosen strength."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from mmx.audit import Finding, Subject, all_checks, examine

CLASSES = ("lenoma", "vescaria", "rubelloma")
SITES = ("back", "foot", "hand", "neck", "ear")


@dataclass(frozen=True)
class Rows:
    """A clean data set: nothing but the looks of the pictures depends on the label."""

    n: int = 600
    seed: int = 0
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    technical: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def draw(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    @property
    def labels(self) -> "np.typing.NDArray[np.int64]":
        return np.arange(self.n) // 2 % len(CLASSES)  # two rows of each group

    def leaks(self, strength: float) -> "np.typing.NDArray[np.bool_]":
        """Rows in which a leak is planted."""
        return np.random.default_rng([self.seed, 7]).random(self.n) < strength

    def with_texts(self, texts: Sequence[str]) -> "Rows":
        return replace(self, changes={**self.changes, "texts": list(texts)})

    def texts(self) -> list[str]:
        draw = self.draw
        ages, sites = draw.integers(20, 90, self.n), draw.integers(len(SITES), size=self.n)
        return [
            f"A patient of {age} years with a spot on the {SITES[site]}."
            for age, site in zip(ages, sites, strict=True)
        ]

    def subject(self) -> Subject:
        draw, n = self.draw, self.n
        groups = np.array([f"lesion-{row // 2:04d}" for row in range(n)], dtype=object)
        parts = np.array(["train", "train", "validation", "test"])[draw.permutation(n) // 2 % 4]
        columns = {"age": draw.integers(20, 90, n).astype(float).tolist(), **self.columns}
        plain: dict[str, Any] = {
            "ids": np.array([f"row-{row:04d}" for row in range(n)], dtype=object),
            "groups": groups, "labels": self.labels, "classes": CLASSES,
            "parts": parts[np.arange(n) // 2 * 2], "texts": self.texts(), "group": "lesion",
            "reads": frozenset({"image", "text"}),
            "record": lambda rows: {k: [v[r] for r in rows] for k, v in columns.items()},
            "technical": lambda rows: {k: [v[r] for r in rows] for k, v in self.technical.items()},
        }  # fmt: skip
        return Subject(**{**plain, **self.changes})


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def ask() -> Callable[..., list[Finding]]:
    """``ask("label_words", subject)`` gives the findings of one check."""

    def asked(check: str, subject: Subject) -> list[Finding]:
        return examine(subject, [one for one in all_checks() if one.id == check])

    return asked
