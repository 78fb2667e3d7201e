"""How much a folder of cached features may still hold."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mmx.errors import DataError

GIB = 1 << 30


class CacheBudget:
    """What the budget of a folder leaves.

    Attributes:
        folder: of the features.
        budget_gb: GiB that it may hold in all.
        room: bytes that were free when this was made.
    """

    def __init__(self, folder: Path, budget_gb: float) -> None:
        self.folder = folder
        self.budget_gb = budget_gb
        self.room = self.left()

    def left(self) -> int:
        """Bytes that are free now."""
        return int(self.budget_gb * GIB) - sum(sizes_below(self.folder))

    def check(self, needed: int) -> None:
        """Refuse as soon as what is written so far says that all will not fit.

        Raises:
            DataError: ``needed`` bytes are more than the room there was; says what to do.
        """
        if needed <= self.room:
            return
        used = self.budget_gb * GIB - self.room
        raise DataError(
            f"caching these features needs {needed / GIB:.2f} GiB, and {used / GIB:.2f} GiB of the "
            f"budget of {self.budget_gb:g} GiB are in use. Set data.cache.budget_gb to at least "
            f"{(needed + used) / GIB:.2f}, delete old entries of {self.folder}, or "
            "choose a smaller image or a fusion that reads pooled features only"
        )


def sizes_below(folder: Path) -> Iterator[int]:
    """Bytes of each file below a folder, but for those that others take away meanwhile."""
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                yield os.stat(os.path.join(root, name)).st_size
