"""Files that are never half written, and JSON that is never trusted."""

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmx.errors import RunError

JSON_LIMIT = 64 * 2**20  # bytes; our own files stay far below it


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a file whole: after a crash at any moment there is the old content or the new.

    Raises:
        RunError: the folder cannot be written, or the disk is full.
    """
    # the process id keeps two writers apart; a name with a dot is swept by RunFolder.sweep
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise RunError(f"{path} cannot be written: {error}; is the disk full?") from error


def _sync_folder(folder: Path) -> None:
    """Make a rename outlive a power cut; some file systems refuse, and lose nothing by it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        return
    finally:
        os.close(handle)


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
        RunError: it is missing, larger than ``limit`` bytes, or no JSON.
    """
    try:
        size = path.stat().st_size
        if size > limit:
            raise RunError(f"{path} has {size} bytes, more than the {limit} that are read")
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path} cannot be read: {error}; run the spec with --fresh") from error
