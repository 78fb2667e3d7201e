"""Which column is a published split, or holds the folds of a cross-validation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmx.spec import column_cells as cells_of
from mmx.spec import column_names as names_of
from mmx.spec.column_groups import groups_of
from mmx.spec.split import part_named

Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class SplitColumn:
    """A published split.

    Attributes:
        settings: of ``data.split``; empty when there is none.
        why: in words.
        left_out: further such columns, which are no facts of the patient.
        questions: what the table does not answer.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)
    questions: tuple[str, ...] = ()


def guess_split(values: Values) -> SplitColumn:
    """A published split, else folds; further ones are left out and named."""
    settings: Mapping[str, Any] = {}
    left_out = dict[str, str]()
    questions = list[str]()
    taken = ""
    for name, cells in values.items():
        own, why = _reading(name, cells)
        if why and own and not settings:
            settings, taken = own, why
        elif why:
            left_out[name] = f"{why}; no fact of the patient"
        if why and not own:
            questions.append(_ask(name, cells))
    return SplitColumn(settings, taken, left_out, tuple(questions))


def _reading(name: str, cells: Sequence[str]) -> tuple[dict[str, Any], str]:
    """How a column would be used, and why it is a split; no reason where it is none."""
    values = {*cells_of.known(cells)}
    parts = {part_named(value) for value in values}
    if None not in parts and {"train", "test"} <= parts:
        return {"column": name}, f"a published split, {', '.join(sorted(values))}"
    if names_of.says(name, names_of.FOLDS) and 2 <= len(values) <= 20:
        folds = {"column": name, "folds": len(values), "fold": 0}
        return folds, f"folds of a cross-validation, {len(values)} of them"
    if names_of.ends_with(name, names_of.SPLITS) and 2 <= len(values) <= 5:
        return {}, "it is named like a split, and its values name no parts"
    return {}, ""


def _ask(name: str, cells: Sequence[str]) -> str:
    told = ", ".join(sorted({*cells_of.known(cells)}))
    return (
        f"{name!r} may be a published split ({told}); if so: data.split: {{column: {name}, "
        "train: [...], test: [...]}"
    )


def torn_by(split: Sequence[str], groups: Sequence[str], pattern: str = "") -> tuple[int, int]:
    """Groups that stand in several parts of a split, and all of them.

    Args:
        split: part of each row.
        groups: of each row.
        pattern: of the part of a cell that is the group; empty for all of it.
    """
    parts = dict[str, set[str]]()
    for group, part in zip(groups_of(groups, pattern), split, strict=True):
        if group and part:
            parts.setdefault(group, set()).add(part)
    return sum(len(one) > 1 for one in parts.values()), len(parts)
