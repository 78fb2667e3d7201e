"""What the drawn layouts share: rows, pictures whose middle shows their class, and tables."""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
from PIL import Image

Row = dict[str, Any]


@dataclass(frozen=True)
class Layout:
    """A public layout, and what ``mmx init`` must write and say of it.

    Attributes:
        name: of the data set.
        draw: writes it into a folder and gives the table.
        dataset: ``data.dataset`` as it must stand in the spec, but for type, path and root.
        left_out: column -> word of the reason that must be printed.
        root: of the images, seen from the folder.
        questions: words of each question, in order.
        spec: other keys of the spec, such as ``task``.
        options: of the command, besides the table.
        encoders: modalities that have an encoder.
    """

    name: str
    draw: Callable[[Path], Path]
    dataset: Mapping[str, Any]
    left_out: Mapping[str, str] = field(default_factory=dict)
    root: str = "."
    questions: Sequence[str] = ()
    spec: Mapping[str, Any] = field(default_factory=dict)
    options: Sequence[str] = ()
    encoders: Sequence[str] = ("image", "text")


def rows_of(count: int = 48, each: int = 2, classes: int = 3) -> list[Row]:
    """Made-up cases, ``each`` of one patient, who has one class; facts tell nothing of it."""
    draw, found = np.random.default_rng(count + each), []
    for number in range(count):
        patient = number // each
        found.append({
            "number": number, "patient": patient, "class": patient % classes,
            "age": int(draw.integers(3, 18)) * 5, "male": bool(draw.integers(2)),
            "site": int(draw.integers(3)), "yes": bool(draw.integers(2)),
            "more": [int(one) for one in draw.integers(0, 3, 16)],
        })  # fmt: skip
    return found


def in_studies(rows: list[Row]) -> list[Row]:
    """The same where the rows of a patient are pictures of one study, who is one person then."""
    firsts = {row["patient"]: row for row in reversed(rows)}
    told = ("age", "male", "site", "more")
    return [{**row, **{key: firsts[row["patient"]][key] for key in told}} for row in rows]


def picture(file: Path, row: Row, seed: int = 0) -> None:
    """A noisy square whose middle is brighter from class to class; borders tell nothing."""
    draw = np.random.default_rng([row["number"], seed])
    pixels = draw.normal(70, 25, (32, 32, 3))
    pixels[8:24, 8:24] += 45 * row["class"]
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file)


def chosen(values: Sequence[Any], key: str) -> Callable[[Row], Any]:
    """The value of a row by one of its numbers."""
    return lambda row: values[row[key] % len(values)]


def drawn(values: Sequence[Any], place: int) -> Callable[[Row], Any]:
    """A value that has nothing to do with the class."""
    return lambda row: values[row["more"][place] % len(values)]


def cells(rows: Iterable[Row], columns: Mapping[str, Any]) -> list[list[Any]]:
    """Header and cells; a column is a key of the rows, a function of a row, or one value."""
    return [
        [*columns],
        *([_cell(what, row) for what in columns.values()] for row in rows),
    ]


def _cell(what: Any, row: Row) -> Any:
    if callable(what):
        return what(row)
    return row[what] if isinstance(what, str) and what in row else what


def write_csv(file: Path, rows: Iterable[Row], columns: Mapping[str, Any]) -> Path:
    """A table with commas, in UTF-8."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows(cells(rows, columns))
    return file


def write_xlsx(file: Path, rows: Iterable[Row], columns: Mapping[str, Any]) -> Path:
    """The first sheet of a workbook."""
    file.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    for line in cells(rows, columns):
        book.worksheets[0].append(line)
    book.save(file)
    return file
