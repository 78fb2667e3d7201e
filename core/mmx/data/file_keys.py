"""Digests of image files, by which equal ones are known; one process of several reads them."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from mmx.data.frames import Decoder, FileFrame, request_for
from mmx.data.images import may_be_deep, read_bytes
from mmx.data.one_reader import read_by_one
from mmx.data.threads import in_threads
from mmx.errors import DataError
from mmx.interfaces import ImageSource, PackedImage

Report = Callable[[int, int], None]
"""Told how many of how many files are read."""

_DEEP = "16 bit "  # begins the digest of a file with more than 8 bits, and of no other


def file_keys(
    sources: Sequence[ImageSource], decoder: Decoder, folder: Path, report: Report
) -> list[str]:
    """A digest of each source's content, in order; empty for a file that cannot be read.

    The code that decodes a file is part of it where a reader does. Of several processes that want
    the same files at one time, one reads them, and the others wait and take what it found.

    Args:
        sources: the files.
        decoder: says how they are read.
        folder: of decoded images, where processes meet.
        report: is told how many of how many files are read.

    Raises:
        DataError: the folder cannot be written.
    """
    about = decoder.readers.code, decoder.spec.of_readers
    return read_by_one(sources, about, folder, partial(_read, sources, decoder, report))


def any_deep(keys: Sequence[str]) -> bool:
    """Whether any of these files may hold more than 8 bits of grey or of a colour."""
    return any(key.startswith(_DEEP) for key in keys)


def _read(sources: Sequence[ImageSource], decoder: Decoder, report: Report) -> list[str]:
    found = list[str]()
    for key in in_threads(partial(_content, decoder), sources):
        found.append(key)
        report(len(found), len(sources))
    return found


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
