"""Files of runs and studies: never half written, never trusted."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmx.errors import RunError
from mmx.files import read_regular, write_whole

JSON_LIMIT = 64 << 20  # bytes; our own files stay far below it


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a file whole: after a crash at any moment there is the old content or the new.

    Raises:
        RunError: the folder cannot be written, the disk is full, or the name is a device's.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error}; is the disk full?") from error


def write_text(path: Path, text: str) -> None:
    """Write a text file whole, in UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file whole; what is not finite becomes null."""
    write_text(path, json.dumps(plain(value), indent=1, allow_nan=False) + "\n")


def plain(value: Any) -> Any:
    """The same value with null in place of numbers that JSON does not know."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def read_json(path: Path, *, limit: int = JSON_LIMIT) -> Any:
    """Read a JSON file.

    Raises:
        RunError: it is missing, no regular file, larger than ``limit`` bytes, or no JSON.
    """
    try:
        return parse_json(path, read_regular(path, limit=limit, links=False))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error}; run the spec with --fresh") from error


def parse_json(path: Path, content: bytes) -> Any:
    """The value of a JSON file's bytes; RunError when they are no JSON."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} cannot be read: {error}; run the spec with --fresh") from error
