"""What the cells of a column look like."""

import re
from collections.abc import Callable, Sequence

from mmx.blocks import ends_as_image
from mmx.interfaces import PackedImage

_NUMBER = re.compile(r"^[-+]?\d+([.,]\d+)?$")
_DATE = re.compile(
    r"^(\d{4}[-/.年]\d{1,2}([-/.月]\d{1,2}日?)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
    r"|(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01]))([ T].*)?$"  # the last as in DICOM
)
_ADDRESS = re.compile(r"^(https?|ftp|s3|gs)://", re.IGNORECASE)
_LIST = re.compile(r"^\[.*\]$", re.DOTALL)
_CODES = ("-1", "-9", "-99", "-999")  # for a number that nobody knows
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def holds_images(cells: Sequence[object]) -> bool:
    """Whether cells hold image files themselves: bytes, structs {bytes, path}, or lists of them."""
    return any(_is_image(cell) for cell in cells)


def _is_image(cell: object) -> bool:
    if isinstance(cell, list | tuple):
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
    pairs = {(cell, label) for cell, label in zip(cells, labels, strict=True) if cell and label}
    values = {cell for cell, _ in pairs}
    repeats = len(known(cells)) >= 3 * max(len(values), 1)
    several = len({label for _, label in pairs}) > 1
    return repeats and several and len(pairs) == len(values)


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
