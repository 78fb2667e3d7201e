"""Journals: files of lines of JSON that only grow, each line with a checksum of its own."""

import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmx.files.regular import need_regular, read_regular

LIMIT = 64 << 20  # bytes; our own journals stay far below it
_KEY = "crc"


class Journal:
    """A journal.

    Attributes:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, values: Mapping[str, object]) -> None:
        """Append a line; what a killed process left of one before stays a line of its own.

        Raises:
            OSError: it cannot be written.
        """
        plain = json.loads(json.dumps(values))
        line = json.dumps({**plain, _KEY: _checksum(plain)}).encode() + b"\n"
        if self.path.exists():
            need_regular(self.path, links=False)
        with self.path.open("ab+") as file:
            if file.seek(0, 2) and file.seek(-1, 2) is not None and file.read(1) != b"\n":
                line = b"\n" + line
            file.write(line)

    def read(self) -> tuple[list[dict[str, Any]], int]:
        """Whole lines, oldest first, and the number of lines that are torn or were changed.

        Raises:
            OSError: it cannot be read, or is larger than what is read.
        """
        if not self.path.exists():
            return [], 0
        lines = read_regular(self.path, limit=LIMIT, links=False).splitlines()
        found = list(_whole(lines))
        return found, sum(1 for line in lines if line) - len(found)


def _whole(lines: list[bytes]) -> Iterator[dict[str, object]]:
    for line in lines:
        try:
            values = json.loads(line)
            told = values.pop(_KEY)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
        if told == _checksum(values):
            yield values


def _checksum(values: Mapping[str, object]) -> str:
    return f"{zlib.crc32(json.dumps(values, sort_keys=True).encode()):08x}"
