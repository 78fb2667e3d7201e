"""What one process reads of many image files, and the others of a launch take from it.

KEY.keys.json   what was found, left by whoever read the files; only who waited meanwhile takes it,
                so that nothing is older than the process that was waited for
"""

import hashlib
import logging
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from mmx.data.writable_cache import image_cache
from mmx.files import Hold, keep, own_folder, recall
from mmx.interfaces import ImageSource, PackedImage

Found = TypeVar("Found")

LOG = logging.getLogger("mmx.data")
FEW = 1_000  # files; fewer are read sooner than somebody is waited for
_LEFT = re.compile(r"[0-9a-f]{32}\.keys\.json")  # only such files are ever deleted
_OLD = 24 * 3600.0  # seconds after which nobody waits any more


def read_by_one(
    sources: Sequence[ImageSource], about: object, folder: Path, read: Callable[[], list[Found]]
) -> list[Found]:
    """What ``read`` finds in files; of several processes that ask at one time, one reads them.

    Args:
        sources: the files. Everybody reads few files, and such as do not say where they lie.
        about: what is read, and all else that decides what is found.
        folder: of decoded images, where processes meet.
        read: gives plain data.

    Raises:
        DataError: the folder cannot be written.
    """
    places = _places(sources) if len(sources) > FEW else None
    if places is None:
        return read()
    name = hashlib.sha256(repr((about, places)).encode()).hexdigest()[:32]
    lock, kept = folder / f"{name}.lock", folder / f"{name}.keys.json"
    waited: list[str] = []

    def told(owner: str) -> None:
        LOG.warning("waiting for %s, which is reading the same image files", owner)
        waited.append(owner)

    with image_cache(folder):
        own_folder(folder)
        with Hold(lock).later(told):
            facts = recall(kept) if waited else None
            left = None if facts is None else facts.get("keys")
            found: list[Found] = left if isinstance(left, list) else _read_and_kept(read, kept)
            with suppress(OSError):
                lock.unlink(missing_ok=True)
    return found


def _places(sources: Sequence[ImageSource]) -> list[str] | None:
    """Where each file lies; None where one does not say it."""
    found = [_place(source) for source in sources]
    return found if all(found) else None


def _place(source: ImageSource) -> str:
    if isinstance(source, Path):
        return str(source.absolute())
    if not isinstance(source, PackedImage):
        return f"computed {source.key}"
    return "" if source.place is None else repr(source.place)


def _read_and_kept(read: Callable[[], list[Found]], kept: Path) -> list[Found]:
    """What is read now, left for whoever waits; what an earlier process left goes first."""
    kept.unlink(missing_ok=True)
    for old in kept.parent.iterdir():
        with suppress(FileNotFoundError):  # another process was faster
            if _LEFT.fullmatch(old.name) and time.time() - old.stat().st_mtime > _OLD:
                old.unlink()
    found = read()
    keep(kept, {"keys": found})
    return found
