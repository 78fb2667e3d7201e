"""What the cells of a column of views say: from where a picture was taken."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

_FAMILIES: tuple[Mapping[str, tuple[str, ...]], ...] = (
    {
        "frontal": ("pa", "ap", "frontal", "posteroanterior", "anteroposterior", "apaxial",
                    "apsupine", "aperect", "paerect", "aphorizontal", "正位", "后前位", "前后位"),
        "lateral": ("lateral", "ll", "l", "lat", "rl", "leftlateral", "rightlateral", "seitlich",
                    "侧位"),
    },
    {
        "cc": ("cc", "craniocaudal", "xccl", "xccm"),
        "mlo": ("mlo", "mediolateraloblique"),
        "ml": ("ml", "lm", "mediolateral", "lateromedial"),
    },
)  # fmt: skip
"""Kinds of views of one part of the body, by the words for each, without signs and blanks."""

_KNOWN = 0.8  # share of the rows whose view must be one of them
_SIDE = re.compile(r"^(left|right|links|rechts|l|r|左|右)[\W_]+", re.IGNORECASE)


def kinds_of_views(cells: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Kind of view -> the cells that mean it, where nearly all cells are views of one family.

    A side before the view, as in ``L CC``, does not count.

    Returns:
        Empty where they are no such views, or all of one kind.
    """
    counts = Counter(cell for cell in cells if cell)
    for family in _FAMILIES:
        found = {
            kind: tuple(sorted(cell for cell in counts if _plain(cell) in words))
            for kind, words in family.items()
        }
        named = {kind: views for kind, views in found.items() if views}
        rows = sum(counts[view] for views in named.values() for view in views)
        if len(named) > 1 and rows >= _KNOWN * len(cells):
            return named
    return {}


def are_of_sides(kinds: Mapping[str, object]) -> bool:
    """Whether such views are taken of the left and of the right side, each by itself."""
    return "cc" in kinds


def _plain(cell: str) -> str:
    return re.sub(r"[\W_]+", "", _SIDE.sub("", cell).casefold())
