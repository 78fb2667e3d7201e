"""How the rows are dealt to the parts: by shares, by folds, or as somebody published it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Discriminator, Field, NonNegativeInt, PositiveInt, Tag, model_validator

from mmx.interfaces import SpecPath
from mmx.spec.closed import ClosedModel, table

Fraction = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # what NumPy takes


def _form(value: object) -> str:
    return "values" if isinstance(value, list | tuple) else "share"


Values = Annotated[list[str | int], Field(min_length=1)]
Share = Annotated[
    Annotated[Fraction, Tag("share")] | Annotated[Values, Tag("values")], Discriminator(_form)
]
"""A share of the samples, or values of a column."""

# what tables, folders and files call the parts, in small letters
PART_NAMES = {
    "train": ("train", "training", "trn", "tr", "learn", "训练", "训练集",
              "entrenamiento", "entrainement", "entraînement"),
    "validation": ("validation", "validate", "valid", "val", "vali", "dev", "development", "tune",
                   "tuning", "验证", "验证集", "validierung", "validación", "validacion"),
    "test": ("test", "testing", "tst", "te", "holdout", "hold out", "测试", "测试集", "prueba"),
    "calibration": ("calibration", "calib", "cal", "校准", "kalibrierung"),
    "unused": ("unused", "excluded", "exclude", "ignore", "ignored"),
}  # fmt: skip
PARTS: tuple[Literal["train", "validation", "test", "calibration"], ...] = (
    "train", "validation", "test", "calibration",
)  # fmt: skip
_NAMED = {name: part for part, names in PART_NAMES.items() for name in names}


def part_named(value: str) -> str | None:
    """The part that a published split calls ``value``, such as ``val``; None for other words."""
    return _NAMED.get(" ".join(value.casefold().replace("_", " ").replace("-", " ").split()))


class SplitFiles(ClosedModel):
    """One file for each part of a published split; each names its rows."""

    train: SpecPath | None = Field(default=None, description="names the rows of this part")
    validation: SpecPath | None = Field(
        default=None,
        description="null: `validation` is the share of the training rows that is dealt to it",
    )
    test: SpecPath | None = Field(default=None, description="names the rows of this part")
    calibration: SpecPath | None = Field(default=None, description="names the rows of this part")
    unused: SpecPath | None = Field(default=None, description="rows that are left out")

    def named(self) -> dict[str, Path]:
        """Part -> file, for the parts that have one."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: file for name, file in found.items() if file is not None}


class SplitSpec(ClosedModel):
    """How the groups are dealt to the parts; no group is ever in two of them."""

    by: Literal["group"] = Field(default="group", description="what stays together")
    train: Share = Field(default=0.7, description="share of the samples that the model learns from")
    validation: Share = Field(default=0.15, description="share that chooses the best epoch")
    test: Share = Field(default=0.15, description="share that is looked at once, at the end")
    calibration: Share = Field(default=0.0, description="share kept for conformal prediction")
    seed: Seed = Field(default=0, description="seed of the split, apart from the run's seed")
    file: SpecPath | None = Field(default=None, description="a split written before, used as it is")
    files: SplitFiles = table(
        "one file for each part of a published split: a table that names its rows, or a .txt file "
        "with a name in each line"
    )
    index: str | None = Field(
        default=None,
        description="column of files that holds the indices of their rows, the first row being 0; "
        "null: files hold names",
    )
    column: str | None = Field(
        default=None, description="column of the data set that holds a published split, or folds"
    )
    unused: list[str | int] = Field(
        default=[], description="values of the column whose rows are left out"
    )
    folds: PositiveInt = Field(
        default=1, description="number of folds of cross-validation; 1: none"
    )
    fold: NonNegativeInt = Field(default=0, description="the fold that is the test part, from 0")

    @model_validator(mode="after")
    def _whole(self) -> "SplitSpec":
        conflict = next(self.conflicts(), None)
        if conflict:
            raise ValueError(conflict)
        total = sum(self.shares().values())
        if not self.published and abs(total - 1) > 1e-6:
            raise ValueError(
                f"train + validation + test + calibration must be 1, they are {total:g}; "
                "state all that are not at their defaults 0.7, 0.15, 0.15 and 0"
            )
        if self.fold >= self.folds:
            raise ValueError(
                f"fold {self.fold} does not exist: folds is {self.folds}, and the first fold is 0"
            )
        return self

    @property
    def source(self) -> str:
        """The key that names a split of somebody else; empty when the groups are dealt here."""
        return next(iter(self._sources()), "")

    @property
    def published(self) -> bool:
        """Whether the parts come from somebody else, without folds."""
        return bool(self.source) and self.folds == 1

    def shares(self) -> dict[str, float]:
        """Part -> share, for the parts that have one."""
        found = {part: getattr(self, part) for part in PARTS}
        return {part: float(one) for part, one in found.items() if not isinstance(one, list)}

    def values(self) -> dict[str, tuple[str, ...]]:
        """Part -> values of the column, for the parts that name some."""
        found = {part: getattr(self, part) for part in (*PARTS, "unused")}
        return {
            part: tuple(map(str, one))
            for part, one in found.items()
            if isinstance(one, list) and one
        }

    def _sources(self) -> list[str]:
        given = {
            "file": self.file is not None, "files": bool(self.files.named()),
            "column": self.column is not None,
        }  # fmt: skip
        return [key for key, there in given.items() if there]

    def conflicts(self) -> Iterator[str]:
        """Why two settings cannot both hold, in words; nothing when all can."""
        sources, values = self._sources(), self.values()
        if len(sources) > 1:
            yield f"{_and(sources)} each name a split, and only one can hold; keep one of them"
        if values and self.column is None:
            yield f"{_and(list(values))} names values of a column; say which: column: NAME"
        if values and self.folds > 1:
            yield (
                f"folds: {self.folds} takes each value of the column {self.column!r} as one fold, "
                f"so {_and(list(values))} cannot name values as well; keep one of the two"
            )
        if self.index is not None and not self.files.named():
            yield f"index: {self.index} is a column of files, and none are named; name them: files"
        for source in sources:
            yield from self._beside(source)
        yield from _twice(values)

    def _beside(self, source: str) -> Iterator[str]:
        """What cannot stand beside the key that names a split."""
        if source in ("file", "files") and self.folds > 1:
            yield (
                f"{source} fixes which rows are the test part, so folds: {self.folds} would test "
                "the same rows again; leave one of the two out, or name a column that holds the "
                "fold of each row: column: NAME"
            )
        fixed = {
            "file": ("train", "validation", "test", "calibration", "seed"),
            "files": ("train", "test"),
            "column": () if self.folds > 1 else ("train", "test"),
        }[source]
        for key in fixed:
            value, usual = getattr(self, key), type(self).model_fields[key].default
            if not isinstance(value, list) and value != usual:
                yield f"{source} decides the parts, so {key}: {value:g} has no effect; leave it out"


def _twice(values: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """A value that two parts name."""
    seen: dict[str, str] = {}
    for part, names in values.items():
        for name in names:
            if seen.setdefault(name, part) != part:
                yield f"the value {name!r} is in {seen[name]} and in {part}; it can be in one part"


def _and(keys: Sequence[str]) -> str:
    return " and ".join(keys)
