"""Plain data in a cache: sealed, and made anew when it is not as it was written."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmx.files.atomic import write_whole
from mmx.files.regular import read_regular
from mmx.files.sealed import seal, unseal

LOG = logging.getLogger("mmx.files")
LIMIT = 4 << 30  # bytes


def keep(file: Path, body: Mapping[str, object]) -> None:
    """Write plain data with its checksum; OSError when there is no room."""
    write_whole(file, seal(body))


def recall(file: Path) -> dict[str, Any] | None:
    """What was kept; None when there is nothing, or something else, which is told in the log."""
    try:
        return unseal(read_regular(file, limit=LIMIT, links=False))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        LOG.warning("%s is damaged (%s); it is made again", file, error)
        return None
