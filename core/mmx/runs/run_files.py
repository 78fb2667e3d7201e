"""Files of runs and studies: never half written, never trusted."""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmx.errors import RunError
from mmx.files import read_regular, seal, unseal, write_whole

JSON_LIMIT = 64 << 20  # bytes; our own files stay far below it
_LARGE = 16 << 30  # bytes of a table that a study keeps


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


def write_json(path: Path, value: object) -> None:
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


def read_json(path: Path, *, limit: int = JSON_LIMIT) -> object:
    """Read a JSON file.

    Raises:
        RunError: it is missing, no regular file, larger than ``limit`` bytes, or no JSON.
    """
    try:
        return parse_json(path, read_regular(path, limit=limit, links=False))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error}; run the spec with --fresh") from error


def write_sealed(path: Path, value: Mapping[str, object]) -> None:
    """Write a mapping as JSON that carries its own checksum; what is not finite becomes null."""
    write_bytes(path, seal(plain(value)))


def read_sealed(path: Path) -> dict[str, Any]:
    """What ``write_sealed`` was given.

    Raises:
        RunError: it is missing, or not as it was written.
    """
    try:
        return unseal(read_regular(path, limit=JSON_LIMIT, links=False))
    except (OSError, ValueError) as error:
        raise RunError(
            f"{path} cannot be used: {error}; it is damaged, or of an older version of mmx. Take "
            "it from a copy, or remove it, and mmx makes it again"
        ) from error


def write_beside(path: Path, content: bytes) -> None:
    """Write a file whole, with its SHA-256 in ``NAME.sha256`` beside it."""
    write_text(_digest_file(path), hashlib.sha256(content).hexdigest() + "\n")  # first, so that
    write_bytes(path, content)  # a file that is there has its checksum


def read_beside(path: Path) -> bytes:
    """What ``write_beside`` was given; RunError when it is missing or not as it was written."""
    try:
        content = read_regular(path, limit=_LARGE, links=False)
        told = read_regular(_digest_file(path), limit=99, links=False).decode().strip()
    except (OSError, ValueError) as error:
        raise RunError(
            f"{path} cannot be used: {error}; remove it, and it is made again"
        ) from error
    if hashlib.sha256(content).hexdigest() != told:
        raise RunError(
            f"{path} is not as it was written: its SHA-256 is another than the one beside it. Take "
            "it from a copy, or remove it, and mmx makes it again"
        )
    return content


def _digest_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def parse_json(path: Path, content: bytes) -> object:
    """The value of a JSON file's bytes; RunError when they are no JSON."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} cannot be read: {error}; run the spec with --fresh") from error
