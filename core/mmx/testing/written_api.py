"""The version of the interfaces that the author of a method wrote it for."""

import sys
from functools import cache
from importlib.metadata import distribution

from mmx.interfaces import Params


def api_of(own: type[Params]) -> int:
    """What its module states; 1 where it states nothing, unless it is one of mmx's own."""
    if own.__module__.partition(".")[0] in _packages_of_mmx():
        return 2
    stated: int = getattr(sys.modules.get(own.__module__), "MMX_API", 1)
    return stated


@cache
def _packages_of_mmx() -> frozenset[str]:
    """Packages of mmx's own methods, which state no version: they are always of this one."""
    entries = distribution("mmx").entry_points.select(group="mmx")
    return frozenset(entry.module.partition(".")[0] for entry in entries)
