"""Versions of the libraries under some code: installed distributions, found by their metadata."""

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions

from mmx.plugins.code import CORE, Code, code_from
from mmx.plugins.discovery import normalised
from mmx.plugins.source import find_module

# no number passes through them: they read settings, find methods and take locks
_NO_NUMBERS = {"filelock", "pluggy", "pydantic", "pydantic-core", "pyyaml", "rich", "typer", CORE}


def imported_libraries(names: Collection[str]) -> dict[str, str]:
    """Distribution to version of the libraries with these names in Python."""
    homes = {name: [name] for name in names if version_of(name) is not None}
    if homes.keys() < set(names):
        homes = _core_homes() | homes
    if not homes.keys() >= set(names):
        homes = {**packages_distributions(), **homes}  # a third of a second
    return _versions({home for name in names for home in homes.get(name, [])})


def required_libraries(package: str) -> dict[str, str]:
    """Distribution to version of what a distribution requires, extras left out."""
    return _versions(list(_requirements(package)))


def core_code(starts: Iterable[str], without: str = "") -> Code:
    """These modules of core, all modules of core that they import, and their libraries.

    Args:
        starts: dotted names.
        without: package of core whose modules, and all that import from them, are left out.
    """
    code = code_from(starts, without)
    return code.on(imported_libraries(code.imported))


def _versions(names: Collection[str]) -> dict[str, str]:
    """Of those that are installed; without the local part, which names a build of the same code."""
    found = {normalised(name): version_of(name) for name in names}
    return {
        name: number.partition("+")[0]
        for name, number in sorted(found.items())
        if number is not None and name not in _NO_NUMBERS
    }


def version_of(name: str) -> str | None:
    """Version of an installed distribution; None where it is not installed."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return None
    # its line alone: to parse all of METADATA takes five times as long
    stated = re.search(r"^Version: *(\S+)", found.read_text("METADATA") or "", re.MULTILINE)
    return stated[1] if stated else found.version


def _requirements(package: str) -> Iterator[str]:
    try:
        stated = distribution(package).requires or []
    except PackageNotFoundError:
        return
    for line in stated:
        name = re.match(r"[\w.-]+", line)
        if name and not re.search(r";.*\bextra\b", line):
            yield name[0]


@cache
def _core_homes() -> dict[str, list[str]]:
    """Import name to distribution of what core requires."""
    found = dict[str, list[str]]()
    for package in _requirements(CORE):
        if version_of(package) is not None:
            found |= {key: [package] for key in _tops(package)}
    return found


def _tops(package: str) -> set[str]:
    """Names under which an installed distribution is imported."""
    stated = (distribution(package).read_text("top_level.txt") or "").split()
    plain = package.replace("-", "_")
    if stated or find_module(plain, None) is not None:
        return {*stated} or {plain}
    return {file.parts[0] for file in distribution(package).files or ()}
