"""Which columns may name the case that a row is a picture of."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mmx.spec import column_cells as cells_of
from mmx.spec import column_names as names_of

Values = Mapping[str, Sequence[str]]
_STUDIES = ("study", "exam", "series", "accession", "untersuchung", "检查号", "uid")
_IN_A_PATH = r"/((?:study|exam|visit|series)[-_]?)\d+"


@dataclass(frozen=True)
class CaseKey:
    """Columns that together name the case of a row.

    Attributes:
        columns: in the order in which they are joined.
        of_rows: name of the case of each row; none is empty.
        pattern: of the part of the cells that is the case; empty for all of it.
        counted_in: column of the group in which its numbers begin anew; empty where in none.
    """

    columns: tuple[str, ...]
    of_rows: tuple[str, ...]
    pattern: str = ""
    counted_in: str = ""

    def within(self, group: str, of_rows: Sequence[str]) -> "CaseKey":
        """The same in each group by itself, where several rows have the same one then."""
        rows = tuple(f"{one} {key}" for one, key in zip(of_rows, self.of_rows, strict=True))
        repeats = len({*rows}) < len(rows)
        return CaseKey((group, *self.columns), rows, counted_in=group) if repeats else self


def case_keys(
    values: Values, images: Sequence[str], pattern: str, said: str | None
) -> Iterator[CaseKey]:
    """Columns named like a study, alone and with the side of the body; else studies in paths.

    Args:
        values: cells of all columns.
        images: columns of pictures.
        pattern: of the group in the names of files; empty where it has none there.
        said: the column that the user says.

    Yields:
        Those of which every row has one, and several rows have the same.
    """
    studies = [name for name, cells in values.items() if _are_studies(name, cells)]
    studies = [said] if said is not None else studies
    sides = [name for name in values if names_of.says(name, names_of.LATERALITY)]
    found = [columns for study in studies
             for columns in ((study,), *((study, side) for side in sides))]  # fmt: skip
    keys = [CaseKey(columns, tuple(_joined(values, columns))) for columns in found]
    keys += [] if studies else _in_paths(values, images, pattern)
    yield from (key for key in keys if _repeat(key.of_rows))


def _are_studies(name: str, cells: Sequence[str]) -> bool:
    """Whether a column is named like the number of a study, not of a person, and repeats."""
    named = names_of.says(name, _STUDIES) and not names_of.says(name, names_of.PERSONS)
    id_like = names_of.says(name, names_of.IDS) and not names_of.is_date(name)
    return bool(named and id_like) and len({*cells_of.known(cells)}) > 1


def _in_paths(values: Values, images: Sequence[str], pattern: str) -> list[CaseKey]:
    """Studies below the patients in the names of files, as patient00001/study1/view1.jpg."""
    for name in images if pattern else ():
        word = re.search(pattern + _IN_A_PATH, next(iter(cells_of.known(values[name])), ""))
        whole = rf"{pattern}/{word[1]}\d+" if word else ""
        found = [re.search(whole, cell) for cell in values[name]] if word else []
        parts = tuple(one[0] for one in found if one)
        if parts and len(parts) == len(values[name]):
            return [CaseKey((name,), parts, whole)]
    return []


def _joined(values: Values, columns: Sequence[str]) -> Iterator[str]:
    """The cells of several columns, joined by blanks; empty where one of them is."""
    for row in zip(*(values[name] for name in columns), strict=True):
        yield " ".join(row) if all(row) else ""


def _repeat(keys: Sequence[str]) -> bool:
    return all(keys) and 1 < len({*keys}) < len(keys)
