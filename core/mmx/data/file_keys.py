"""Digests of image files, by which equal ones are known; one process of several reads them.

KEY.keys.json   the digests, written by whoever read the files; only who waited meanwhile takes them
                from there, so that no digest is older than the process that was waited for
"""

import hashlib
import logging
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from mmx.data.frames import Decoder, FileFrame, request_for
from mmx.data.images import may_be_deep, read_bytes
from mmx.data.threads import in_threads
from mmx.data.writable_cache import image_cache
from mmx.errors import DataError
from mmx.files import Hold, keep, own_folder, recall
from mmx.interfaces import ImageSource, PackedImage

LOG = logging.getLogger("mmx.data")
FEW = 1_000  # files; fewer are read sooner than somebody is waited for
_DEEP = "16 bit "  # begins the digest of a file with more than 8 bits, and of no other
_KEYS = re.compile(r"[0-9a-f]{32}\.keys\.json")  # only such files are ever deleted
_OLD = 24 * 3600.0  # seconds after which nobody waits any more


def file_keys(sources: Sequence[ImageSource], decoder: Decoder, folder: Path) -> list[str]:
    """A digest of each source's content, in order; empty for a file that cannot be read.

    The code that decodes a file is part of it where a reader does. Of several processes that want
    the same files at one time, one reads them, and the others wait and take what it found.

    Args:
        sources: the files.
        decoder: says how they are read.
        folder: of decoded images, where processes meet.

    Raises:
        DataError: the folder cannot be written.
    """
    places = _places(sources) if len(sources) > FEW else None
    if places is None:
        return list(_read(sources, decoder))
    name = hashlib.sha256(
        repr((decoder.readers.code, decoder.spec.of_readers, places)).encode()
    ).hexdigest()[:32]
    lock, kept = folder / f"{name}.lock", folder / f"{name}.keys.json"
    waited: list[str] = []

    def told(owner: str) -> None:
        LOG.warning("waiting for %s, which is reading the same image files", owner)
        waited.append(owner)

    with image_cache(folder):
        own_folder(folder)
        with Hold(lock).later(told):
            found = _found(kept, len(sources)) if waited else None
            if found is None:
                found = _read_and_kept(sources, decoder, kept)
            with suppress(OSError):
                lock.unlink(missing_ok=True)
    return found


def any_deep(keys: Sequence[str]) -> bool:
    """Whether any of these files may hold more than 8 bits of grey or of a colour."""
    return any(key.startswith(_DEEP) for key in keys)


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


def _found(kept: Path, count: int) -> list[str] | None:
    facts = recall(kept)
    found = None if facts is None else facts.get("keys")
    return found if isinstance(found, list) and len(found) == count else None


def _read_and_kept(sources: Sequence[ImageSource], decoder: Decoder, kept: Path) -> list[str]:
    """Digests, left for whoever waits; what an earlier process left goes first."""
    kept.unlink(missing_ok=True)
    for old in kept.parent.iterdir():
        with suppress(FileNotFoundError):  # another process was faster
            if _KEYS.fullmatch(old.name) and time.time() - old.stat().st_mtime > _OLD:
                old.unlink()
    found = list(_read(sources, decoder))
    keep(kept, {"keys": found})
    return found


def _read(sources: Sequence[ImageSource], decoder: Decoder) -> Iterator[str]:
    return in_threads(partial(_content, decoder), sources)


def _content(decoder: Decoder, source: ImageSource) -> str:
    if not isinstance(source, Path | PackedImage):
        return source.key
    request = request_for(source, decoder.spec)
    try:
        data = read_bytes(source)
        own = decoder.readers.key(data, request.name)
    except DataError:
        return ""
    own = f"{own}-{source.index}" if isinstance(source, FileFrame) else own
    return f"{_DEEP}{own}" if may_be_deep(data, request.name, decoder.readers) else own
