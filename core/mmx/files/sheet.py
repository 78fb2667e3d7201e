"""Tables as CSV in which no cell is a formula, whatever program opens them.

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return.
Such a cell is written with an apostrophe before it, which spreadsheets take for text; a cell that
begins with apostrophes and then so gets one more, so that ``own_words`` gives back every cell as it
was. Numbers such as ``-0.5`` stay numbers.
Source: OWASP, CSV Injection; the full-width signs are those of Chinese and Japanese keyboards.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_QUOTED = re.compile(r"[,;\t\r\n\"]")  # a semicolon or a tab parts cells in some countries


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as text.

    Attributes:
        text: CSV, with a header.
        guarded: cells that got an apostrophe.
    """

    text: str
    guarded: int

    @property
    def note(self) -> str:
        """A sentence for the user; empty when no cell was changed."""
        if not self.guarded:
            return ""
        cells = "1 cell that begins" if self.guarded == 1 else f"{self.guarded} cells that begin"
        return (
            f"{cells} like a formula of a spreadsheet (= + - @, tab, line break) got an apostrophe "
            "in front; mmx reads it back without"
        )


def sheet(
    columns: Sequence[object], rows: Iterable[Sequence[object]], *, separator: str = ","
) -> Sheet:
    """Write a header and rows as CSV.

    Args:
        columns: their names.
        rows: texts, numbers, or None for an empty cell.
        separator: a comma or a tab.
    """
    out, guarded = StringIO(), 0
    for row in (columns, *rows):
        cells = [_cell(value) for value in row]
        guarded += sum(changed for _, changed in cells)
        # a line without a character would be no row
        out.write((separator.join(text for text, _ in cells) or '""') + "\n")
    return Sheet(out.getvalue(), guarded)


def _cell(value: object) -> tuple[str, bool]:
    """A cell as it is written, and whether it was guarded."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "", False
    text = str(value)
    guarded = isinstance(value, str) and _like_a_formula(text)
    text = f"'{text}" if guarded else text
    return ('"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text), guarded


def own_words(cell: str) -> str:
    """A cell as it was before ``sheet`` guarded it."""
    return cell[1:] if cell.startswith("'") and _like_a_formula(cell) else cell


def _like_a_formula(text: str) -> bool:
    return bool(_FORMULA.match(text)) and not _NUMBER.fullmatch(text.lstrip("'"))
