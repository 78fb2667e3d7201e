"""No group is in two parts, wherever a split comes from."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas

from mmx.data.manifest import Manifest
from mmx.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNUSED = "unused"
"""The part of rows without a usable label, and of those that a published split leaves out."""


def check_groups(manifest: Manifest, parts: "NDArray[np.str_]", name: str) -> None:
    """DataError when a group is in two parts; rows in no part do not count."""
    used = parts != UNUSED
    pairs = pandas.DataFrame(
        {"group": manifest.groups[used], "part": parts[used]}
    ).drop_duplicates()
    twice = pairs["group"][pairs["group"].duplicated()].unique()
    refuse(name, "puts a group in two parts, which makes the test part too easy:", twice)


def refuse(
    name: str | Path,
    what: str,
    bad: "Sequence[str] | set[str] | pandas.Index | NDArray[np.object_]",
) -> None:
    """DataError with the first of ``bad``, when there are any."""
    if not len(bad):
        return
    shown = ", ".join(map(str, sorted(bad)[:5])) + (
        f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    )
    raise DataError(f"the split {name} {what} {shown}; write a new split, or mend the file")
