"""Which column of a user's table holds what, guessed by name and content, with the reason."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mmx.errors import DataError
from mmx.plugins.nearest import nearest

if TYPE_CHECKING:
    import pandas

Values = Mapping[str, Sequence[str]]

LOOKED_AT = 2000  # rows; enough to know a column by
IMAGES = re.compile(r"\.(jpe?g|png|bmp|tiff?|webp|gif)$", re.IGNORECASE)
# the most telling names first
LABELS = (
    "label",
    "diagnosis",
    "dx",
    "finding",
    "class",
    "disease",
    "target",
    "category",
    "outcome",
)
TEXTS = ("text", "notes", "note", "report", "narrative", "description", "caption", "history")
GROUPS = ("patient", "person", "subject", "lesion", "study", "case", "group")
TELLING = re.compile(r"(^|_)(dx|diagnos|label|class|histo|biops|malign|benign|outcome|target)")


@dataclass(frozen=True, slots=True)
class Columns:
    """What was guessed about a table.

    Attributes:
        label: column of the class names.
        images: columns that name image files; empty when there is none.
        text: column of sentences; None when there is none.
        group: column that tells rows of one person or lesion apart from others.
        record: columns with facts such as age and sex.
        root: folder of the image files, relative to the table.
        reasons: why, for each of these that was guessed.
        left_out: every other column, and why.
    """

    label: str
    images: tuple[str, ...] = ()
    text: str | None = None
    group: str | None = None
    record: tuple[str, ...] = ()
    root: str = "."
    reasons: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def told(self) -> list[str]:
        """One line on each guess and on each column that is left out."""
        found = {
            "images": ", ".join(self.images), "text": self.text, "label": self.label,
            "group": self.group, "record": ", ".join(self.record), "root": self.root,
        }  # fmt: skip
        lines = [f"{role}: {found[role] or 'none'} ({why})" for role, why in self.reasons.items()]
        return lines + [f"left out: {name} ({why})" for name, why in self.left_out.items()]


def guess_columns(
    table: "pandas.DataFrame", folder: Path, *, given: Mapping[str, str] | None = None
) -> Columns:
    """Guess the columns of a table.

    Args:
        table: as ``read_table`` gives it.
        folder: where the table lies; image files are looked for in it and just below.
        given: what the user says: ``image``, ``text``, ``label`` or ``group`` -> column.

    Raises:
        DataError: a given column does not exist, or nothing looks like a label.
    """
    given = given or {}
    names = [str(name) for name in table.columns]
    _check_given(given, names)
    values = {str(name): _texts(table[name].head(LOOKED_AT)) for name in table.columns}
    images, why_images = _images(values, given.get("image"))
    free = {name: cells for name, cells in values.items() if name not in images}
    label, why_label = _label(free, given)
    free.pop(label)
    text, why_text = _text(free, given)
    group, why_group = _group(free, given)
    rest = {name: cells for name, cells in free.items() if name not in (text, group)}
    left_out = {
        name: why for name, cells in rest.items() if (why := _unfit(name, cells, values[label]))
    }
    root, why_root = _root([cell for name in images for cell in values[name] if cell], folder)
    reasons = {
        "images": why_images, "root": why_root, "text": why_text, "label": why_label,
        "group": why_group, "record": "facts with few values or numbers",
    }  # fmt: skip
    record = tuple(name for name in rest if name not in left_out)
    return Columns(label, images, text, group, record, root, reasons, left_out)


def _check_given(given: Mapping[str, str], names: Sequence[str]) -> None:
    for role, name in given.items():
        if name not in names:
            close = nearest(name, names)
            hint = f"nearest: {close}" if close else f"there are: {', '.join(names)}"
            raise DataError(f"there is no column {name!r} for the {role}; {hint}")


def _texts(cells: "pandas.Series[str]") -> list[str]:
    """Cells as texts; empty where nothing is known."""
    return ["" if cell is None or cell != cell else str(cell).strip() for cell in cells]


def _images(values: Values, given: str | None) -> tuple[tuple[str, ...], str]:
    if given is not None:
        return (given,), "you said so"
    found = [name for name, cells in values.items() if _share(cells, IMAGES) >= 0.8]
    if not found:
        return (), "no column holds names such as a.jpg; say --image COLUMN"
    return tuple(found), "its values end like image files"


def _share(cells: Sequence[str], pattern: re.Pattern[str]) -> float:
    known = [cell for cell in cells if cell]
    return sum(bool(pattern.search(cell)) for cell in known) / max(len(known), 1)


def _label(values: Values, given: Mapping[str, str]) -> tuple[str, str]:
    if "label" in given:
        return given["label"], "you said so"
    free = {name: cells for name, cells in values.items() if name not in given.values()}
    for wanted in LABELS:
        for name, cells in free.items():
            if _words(name)[-1:] == [wanted] and len({*cells} - {""}) > 1:
                return name, f"by its name, {len({*cells} - {''})} classes"
    raise DataError(
        f"no column is named like a label ({', '.join(LABELS)}); say which one it is with "
        f"--label COLUMN. There are: {', '.join(values)}"
    )


def _text(values: Values, given: Mapping[str, str]) -> tuple[str | None, str]:
    if "text" in given:
        return given["text"], "you said so"
    lengths = {name: _mean_words(cells) for name, cells in values.items()}
    for wanted in TEXTS:
        for name in values:
            if wanted in _words(name) and lengths[name] >= 2:
                return name, f"by its name, {lengths[name]:.0f} words on average"
    longest = max(lengths, key=lambda name: lengths[name], default=None)
    if longest is not None and lengths[longest] >= 4:
        return longest, f"its values are sentences, {lengths[longest]:.0f} words on average"
    return None, "no column holds sentences; they are written from the record"


def _mean_words(cells: Sequence[str]) -> float:
    known = [cell for cell in cells if cell]
    return sum(len(cell.split()) for cell in known) / max(len(known), 1)


def _group(values: Values, given: Mapping[str, str]) -> tuple[str | None, str]:
    if "group" in given:
        return given["group"], "you said so"
    for wanted in GROUPS:
        for name, cells in values.items():
            known = [cell for cell in cells if cell]
            if wanted in _words(name) and len({*known}) > len(known) / 50:
                return name, f"by its name, {len({*known})} in the first {len(known)} rows"
    return (
        None,
        "no column is named like a patient; each row stands alone. If one person has "
        "several rows, say --group COLUMN, or the test part will not be honest",
    )


def _unfit(name: str, cells: Sequence[str], labels: Sequence[str]) -> str | None:
    """Why a column is no fact that a doctor would know before the diagnosis; None when it is."""
    known = [cell for cell in cells if cell]
    distinct = {*known}
    if TELLING.search("_".join(_words(name))):
        return "its name speaks of the diagnosis"
    if len(distinct) < 2:
        return "it says the same in every row"
    if _share(cells, re.compile(r"^[-+]?\d+([.,]\d+)?$")) > 0.95 and _words(name)[-1:] != ["id"]:
        return None
    if len(distinct) > max(len(known) / 5, 2):
        return "nearly every row has a value of its own, as an id has"
    pairs = {(cell, label) for cell, label in zip(cells, labels, strict=True) if cell and label}
    if len({label for _, label in pairs}) > 1 and len(pairs) == len({cell for cell, _ in pairs}):
        return "each of its values goes with one label only"
    return None


def _root(files: Sequence[str], folder: Path) -> tuple[str, str]:
    """The folder in which most image files lie, relative to the table."""
    some = files[:20]
    if not some:
        return ".", "there are no image files to look for"
    below = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    counts = {
        name: sum((folder / name / file).is_file() for file in some) for name in (".", *below)
    }
    best = max(counts, key=lambda name: counts[name])
    if not counts[best]:
        return (
            ".",
            f"{some[0]!r} was not found beside the table nor just below; mend data.dataset.root",
        )
    return best, f"{counts[best]} of the first {len(some)} files are there"


def _words(name: str) -> list[str]:
    """``PatientID`` and ``patient-id`` give patient, id."""
    return (
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
        .lower()
        .replace("-", "_")
        .replace(" ", "_")
        .split("_")
    )
