"""From what a user wrote to a path that a file may have."""

import os
from pathlib import Path

_NAME_LIMIT = 255  # bytes of one name, on the file systems of Linux, macOS and Windows
_PATH_LIMIT = 4096  # bytes of a path on Linux
_SHOWN = 40


def named_path(text: str | Path) -> Path:
    """A path with ``${NAME}`` and ``~`` filled in.

    Raises:
        ValueError: no file can have this name, or the home that ``~`` means is not known.
    """
    written = os.fspath(text)
    if "\0" in written:
        raise ValueError("the path holds a zero byte, which no file name can")
    try:
        path = Path(os.path.expandvars(written)).expanduser()
    except RuntimeError:
        raise ValueError(f"{_cut(written)!r} begins with a home that is not known here") from None
    for name in path.parts:
        if len(os.fsencode(name)) > _NAME_LIMIT:
            raise ValueError(
                f"{_cut(name)!r} in the path is longer than the {_NAME_LIMIT} bytes that a name "
                "may have"
            )
    if len(os.fsencode(path)) > _PATH_LIMIT:
        raise ValueError(f"{_cut(written)!r} is longer than the {_PATH_LIMIT} bytes of a path")
    return path


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
