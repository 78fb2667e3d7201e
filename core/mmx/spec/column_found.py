"""What was guessed about a table, and how it is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmx.spec.column_cases import CaseColumns

SAID = "you said so"
_ORDER = (
    "images", "suffix", "root", "roots", "case", "label", "task", "text", "group", "group_pattern",
    "group_missing", "split", "record", "roles", "encoder",
)  # fmt: skip
"""What is told of first."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What was guessed about a table.

    Attributes:
        label: column of the class names; None where each class has a column.
        label_columns: one column a class, of which one is 1; empty where there is a label.
        images: columns that name image files; empty when there is none.
        text: column of sentences; None when there is none.
        group: column that tells rows of one person or lesion apart from others.
        record: columns with facts such as age and sex.
        roles: age, sex or site -> its column of the record.
        root: folder of the image files, relative to the table.
        roots: further folders of image files.
        suffix: ending that the names of image files lack.
        split: settings of ``data.split`` for a published split; empty when there is none.
        lacking: cases without a label or anything to see.
        rows: cases of the table, each a row unless several rows are one.
        reasons: why, for each of these that was guessed.
        left_out: every other column, and why.
        kinds: whether each column of images holds another kind, which has an encoder of its own.
        labels: one column a label, of which a case may have several.
        cells: settings of ``data.dataset.labels`` for cells that hold several labels.
        task: settings of the task; empty for one class a case.
        group_pattern: of the part of the group's cells that counts; empty for all of it.
        alone: whether rows have no group, and so stand alone.
        texts: further columns of sentences.
        join: further tables that are joined to this one, as they lie.
        text_files: whether the cells of ``text`` name files, in which the sentences stand.
        cases: how rows are gathered to cases.
        encoder: settings of the encoder of the record; empty where sentences tell it.
        questions: what the table alone does not answer, each with the ways to answer it.
    """

    label: str | None
    images: tuple[str, ...] = ()
    text: str | None = None
    group: str | None = None
    record: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    root: str = "."
    split: Mapping[str, Any] = field(default_factory=dict)
    lacking: int = 0
    rows: int = 0
    reasons: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    questions: tuple[str, ...] = ()
    label_columns: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    suffix: str = ""
    kinds: bool = False
    labels: tuple[str, ...] = ()
    cells: Mapping[str, Any] = field(default_factory=dict)
    task: Mapping[str, Any] = field(default_factory=dict)
    group_pattern: str = ""
    alone: bool = False
    texts: tuple[str, ...] = ()
    join: tuple[Path, ...] = ()
    text_files: bool = False
    encoder: Mapping[str, object] = field(default_factory=dict)
    cases: CaseColumns = CaseColumns()  # noqa: RUF009 - it is frozen

    @property
    def shown(self) -> Mapping[str, int]:
        """Modality of images -> those of a case, at most."""
        if self.cases.most:
            return self.cases.most
        if self.kinds:
            return dict.fromkeys(self.images, 1)
        return {"image": len(self.images)} if self.images else {}

    def told(self) -> list[str]:
        """One line on each guess, on each column that is left out, and each question."""
        roles = ", ".join(f"{role} = {name}" for role, name in self.roles.items())
        split = ", ".join(f"{key}: {_named(value)}" for key, value in self.split.items())
        texts = ", ".join([self.text, *self.texts]) if self.text is not None else None
        found = {
            "images": ", ".join(self.images), "text": texts, "case": self.cases.told,
            "label": self.label or ", ".join(self.label_columns or self.labels),
            "task": ", ".join(map(_in_words, self.task.values())),
            "group_missing": "alone", "group_pattern": self.group_pattern,
            "roots": ", ".join(self.roots), "suffix": self.suffix,
            "group": self.group, "record": ", ".join(self.record), "roles": roles,
            "root": self.root, "split": split, "encoder": str(self.encoder.get("type", "")),
        }  # fmt: skip
        lines = [
            f"{role}: {found[role] or 'none'} ({why})"
            for role, why in sorted(self.reasons.items(), key=_place)
        ]
        lines += [f"left out: {name or 'the column without a name'} ({why})"
                  for name, why in self.left_out.items()]  # fmt: skip
        return lines + [f"question: {one}" for one in self.questions]


def _named(value: object) -> str:
    """A setting of the split; files by their names."""
    if not isinstance(value, Mapping):
        return str(value)
    return ", ".join(f"{part} in {Path(file).name}" for part, file in value.items())


def _in_words(setting: object) -> str:
    return " < ".join(setting) if isinstance(setting, list) else str(setting)


def _place(reason: tuple[str, str]) -> int:
    """Where a guess is told."""
    return _ORDER.index(reason[0])
