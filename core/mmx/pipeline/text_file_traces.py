"""What a text file says of its origin: how its letters and line ends are written."""

from collections.abc import Mapping
from pathlib import Path

from mmx.files import open_regular
from mmx.interfaces import Value

_HEAD = 1 << 16  # bytes of a file that are looked at
_LIMIT = 1 << 30  # bytes; a larger file is refused where it is read
_MARKS = {b"\xef\xbb\xbf": "UTF-8 with a mark", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def text_file_traces(file: Path | None) -> Mapping[str, Value]:
    """Properties of a text file by name; empty where there is none to read.

    What stands in the file is not looked at: a text may tell the class, and has checks of its own.
    """
    if file is None:
        return {}
    try:
        with open_regular(file, limit=_LIMIT) as opened:
            head = opened.read(_HEAD)
    except (OSError, ValueError):
        return {}  # the data report tells which files cannot be read
    return {"encoding": _encoding(head), "line ends": _line_ends(head)}


def _encoding(head: bytes) -> str:
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if marked is not None:
        return marked
    whole = head[:-4] if len(head) == _HEAD else head  # a letter of UTF-8 may be cut there
    try:
        whole.decode("utf-8")
    except UnicodeDecodeError as error:
        return "UTF-8" if error.start >= len(whole) - 4 and len(head) == _HEAD else "other"
    return "UTF-8"


def _line_ends(head: bytes) -> str | None:
    """None of a single line."""
    if b"\r\n" in head:
        return "as Windows writes them"
    return "as Unix writes them" if b"\n" in head else None
