"""What is said where the cache of images cannot be written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmx.errors import DataError


@contextmanager
def image_cache(folder: Path) -> Iterator[None]:
    """Whatever the system says of a folder, in plain words and with what to do.

    Raises:
        DataError: the folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise DataError(
            f"decoded images cannot be kept in {folder}: {error}; if the disk is full, make room; "
            "or name another folder with data.cache.folder or MMX_CACHE"
        ) from error
