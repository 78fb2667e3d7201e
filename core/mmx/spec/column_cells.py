"""What the cells of a column look like."""

import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from mmx.blocks import ends_as_image
from mmx.interfaces import PackedImage

FEWEST_ROWS = 5
"""Rows of a label from which on it says something of a column."""
_NUMBER = re.compile(r"^[-+]?\d+([.,]\d+)?$")
_DATE = re.compile(
    r"^(\d{4}[-/.年]\d{1,2}([-/.月]\d{1,2}日?)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
    r"|(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01]))([ T].*)?$"  # the last as in DICOM
)
_ADDRESS = re.compile(r"^(https?|ftp|s3|gs)://", re.IGNORECASE)
_LIST = re.compile(r"^\[.*\]$", re.DOTALL)
_SEXES = (
    {"f", "female", "w", "woman", "weiblich", "frau", "女", "女性", "femme", "féminin", "mujer",
     "femenino", "femmina", "feminino"},
    {"m", "male", "man", "männlich", "mann", "男", "男性", "homme", "masculin", "hombre", "varón",
     "masculino", "maschio"},
)  # fmt: skip
_CODES = ("-1", "-9", "-99", "-999")  # for a number that nobody knows
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def holds_images(cells: Sequence[object]) -> bool:
    """Whether cells hold image files themselves: bytes, structs {bytes, path}, or lists of them."""
    return any(_is_image(cell) for cell in cells)


def _is_image(cell: object) -> bool:
    if isinstance(cell, list | tuple | np.ndarray):
        return any(_is_image(one) for one in cell)
    struct = isinstance(cell, dict) and {*cell} == {"bytes", "path"}
    return struct or isinstance(cell, PackedImage | bytes)


def known(cells: Sequence[str]) -> list[str]:
    """The cells that are not missing."""
    return [cell for cell in cells if cell]


def share(cells: Sequence[str], fits: Callable[[str], object]) -> float:
    """Share of the known cells that fit."""
    filled = known(cells)
    return sum(bool(fits(cell)) for cell in filled) / max(len(filled), 1)


def are_images(cells: Sequence[str]) -> bool:
    """Whether nearly all are names of image files."""
    return share(cells, ends_as_image) >= 0.8


def are_numbers(cells: Sequence[str]) -> bool:
    """Whether nearly all are numbers."""
    return share(cells, _NUMBER.search) > 0.95


def are_dates(cells: Sequence[str]) -> bool:
    """Whether nearly all are dates."""
    return share(cells, _DATE.search) > 0.95


def mean_words(cells: Sequence[str]) -> float:
    """Words of a known cell on average; two Chinese signs count as one."""
    filled = known(cells)
    words = sum(len(cell.split()) + len(_CHINESE.findall(cell)) / 2 for cell in filled)
    return words / max(len(filled), 1)


def count_rows(cells: Sequence[str]) -> bool:
    """Whether they are whole numbers that go up by one from row to row."""
    if len(cells) < 3 or not all(cell.isdecimal() for cell in cells):
        return False
    numbers = list(map(int, cells))
    return numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] in (0, 1)


def look_like_ids(cells: Sequence[str]) -> bool:
    """Whether they are codes as ids have: one word with digits, of one length, many of them."""
    filled = known(cells)
    distinct = {*filled}
    if len(distinct) < max(len(filled) / 10, 3):
        return False
    codes = sum(bool(re.fullmatch(r"[\w./-]*\d[\w./-]*", cell)) for cell in filled)
    lettered = sum(bool(re.search(r"[^\W\d]", cell)) for cell in filled)
    long = len({len(cell) for cell in filled}) == 1 and len(filled[0]) >= 5
    return codes > 0.95 * len(filled) and (lettered > 0.95 * len(filled) or long)


def goes_with_one(cells: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether each value stands beside one label only, though it repeats."""
    beside: dict[str, str] = {}
    for cell, label in zip(cells, labels, strict=True):
        if cell and label and beside.setdefault(cell, label) != label:
            return False
    repeats = len(known(cells)) >= 3 * max(len(beside), 1)
    return repeats and len({*beside.values()}) > 1


def filled_by_label(cells: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether cells are filled in all rows of some labels and blank in all rows of the others.

    Labels of a few rows say nothing of it; most rows must be of others.
    """
    counts: dict[str, Counter[bool]] = {}
    for cell, label in zip(cells, labels, strict=True):
        if label:
            counts.setdefault(label, Counter())[bool(cell)] += 1
    told = [one for one in counts.values() if one.total() >= FEWEST_ROWS]
    apart = all(len(one) == 1 for one in counts.values())
    most = sum(one.total() for one in told) >= 0.8 * sum(map(bool, labels))
    return apart and most and len({filled for one in told for filled in one}) == 2


def words_among_numbers(cells: Sequence[str]) -> list[str]:
    """The cells that are no numbers in a column where nearly all are; empty in any other."""
    filled = known(cells)
    words = [cell for cell in filled if not _NUMBER.search(cell)]
    return list(dict.fromkeys(words)) if 0 < len(words) <= 0.2 * len(filled) else []


def are_sexes(cells: Sequence[str]) -> bool:
    """Whether all are words for a sex, and both are there."""
    filled = {cell.casefold() for cell in known(cells)}
    return (
        len(filled) > 1
        and all(filled & words for words in _SEXES)
        and filled <= {word for words in _SEXES for word in words}
    )


def are_addresses(cells: Sequence[str]) -> bool:
    """Whether nearly all are addresses of pages."""
    return share(cells, _ADDRESS.search) > 0.8


def are_lists(cells: Sequence[str]) -> bool:
    """Whether nearly all are lists, such as ['loc right']."""
    return share(cells, _LIST.search) > 0.95


def code_for_missing(cells: Sequence[str]) -> str:
    """The only negative number of a column, where it may stand for one that nobody knows."""
    negative = {cell.removesuffix(".0") for cell in cells if cell.startswith("-")}
    found = negative.pop() if len(negative) == 1 else ""
    return found if found in _CODES and are_numbers(cells) and len({*cells}) > 2 else ""


def code_pair(cells: Sequence[str]) -> str:
    """A cell such as 1,2 of a column of numbers where all with a comma may be two of its codes."""
    distinct = {*cells}
    commas = [cell for cell in distinct if "," in cell]
    codes = all({*cell.split(",")} <= distinct for cell in commas)
    return min(commas) if commas and codes and are_numbers(cells) else ""
