"""Opening files that are plain files and no larger than what is read of them.

A named pipe makes its reader wait for ever and ``/dev/zero`` never ends, so what is not a regular
file is refused before a byte is read, and nothing is read without a limit.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

MIB = 1 << 20
_KINDS = (
    (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"), (stat.S_ISLNK, "a link"),
)  # fmt: skip


class UnfitFileError(OSError):
    """A file of a kind or a size that is not read; its words name neither the path nor a number."""

    def __init__(self, words: str) -> None:
        super().__init__(errno.EINVAL, words)

    def __str__(self) -> str:
        """The words alone."""
        return str(self.strerror)


def need_regular(
    path: str | Path, *, limit: int | None = None, links: bool = True
) -> os.stat_result:
    """Refuse what is no regular file before anything opens it.

    Args:
        path: of the file.
        limit: bytes that it may have at most; None when the reader takes care of it.
        links: whether a symbolic link to a regular file will do.

    Raises:
        UnfitFileError: it is a folder, pipe, socket, device, a link that is not wanted, or too
            large.
        OSError: it is not there, or may not be looked at.
    """
    try:
        found = os.stat(path) if links else os.lstat(path)
    except ValueError as error:  # a zero byte
        raise UnfitFileError(f"its name is none: {error}") from error
    return _fit(found, limit)


def _fit(found: os.stat_result, limit: int | None) -> os.stat_result:
    for test, words in _KINDS:
        if test(found.st_mode):
            raise UnfitFileError(f"it is {words}, not a regular file")
    if limit is not None and found.st_size > limit:
        raise UnfitFileError(f"it has {found.st_size} bytes, more than the {limit} that are read")
    return found


def open_regular(
    path: str | Path, *, limit: int | None = None, links: bool = True
) -> BufferedReader:
    """Open a regular file for reading; arguments and errors are those of ``need_regular``.

    What is looked at is the file that was opened, so that nothing can be exchanged in between.
    """
    need_regular(path, limit=limit, links=links)  # opening a device can have effects
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_CLOEXEC", 0) | (0 if links else getattr(os, "O_NOFOLLOW", 0))
    handle = os.open(path, flags)
    try:
        _fit(os.fstat(handle), limit)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_regular(path: str | Path, *, limit: int, links: bool = True) -> bytes:
    """All bytes of a regular file of at most ``limit`` bytes; errors as of ``need_regular``."""
    with open_regular(path, limit=limit, links=links) as file:
        content = file.read(os.fstat(file.fileno()).st_size + 1)
        while len(content) <= limit and (more := file.read(MIB)):
            content += more  # it grew meanwhile, or lies in /proc, where files tell no sizes
    if len(content) > limit:
        raise UnfitFileError(f"it has more than the {limit} bytes that are read")
    return content
