"""Files that are never half written: after a crash there is the old content or the new."""

import os
import platform
import re
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from mmx.files.regular import need_regular

_PART = re.compile(r"\.mmx-[\w-]+\.part")


def temporary(folder: Path) -> Path:
    """A name in a folder that no other process on any machine takes.

    A folder may be shared by machines whose processes have the same numbers, so the name holds
    machine, process and a random number.
    """
    machine = re.sub(r"\W", "-", platform.node())[:24]
    return folder / f".mmx-{machine}-{os.getpid()}-{uuid4().hex[:12]}.part"


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file whole, beside its place first.

    Raises:
        UnfitFileError: there is something else than a file of that name, such as a device.
        OSError: the folder cannot be written, or the disk is full.
    """
    with suppress(FileNotFoundError):
        need_regular(path)
    part = temporary(path.parent)
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make a rename outlive a power cut; some systems refuse, and lose nothing by it."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folder
        return
    try:
        os.fsync(handle)
    except OSError:
        return
    finally:
        os.close(handle)


def is_part(path: Path) -> bool:
    """Whether a file is one that ``write_whole`` left behind when it was killed."""
    return _PART.fullmatch(path.name) is not None


def remove_parts(folder: Path) -> None:
    """Remove what killed writers left in a folder and below; nobody may be writing there."""
    for part in folder.rglob(".mmx-*.part"):
        if is_part(part):
            part.unlink(missing_ok=True)
