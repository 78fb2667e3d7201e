"""Names of a module that are imported from their homes on first use (PEP 562)."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import NoReturn

PUBLIC = (
    "mmx",
    "mmx.commands",
    "mmx.interfaces",
    "mmx.blocks",
    "mmx.evaluation",
    "mmx.errors",
    "mmx.testing",
)
"""What is public, in the order in which a name that a module lacks is looked for."""

Get = Callable[[str], object]
List = Callable[[], list[str]]


def lazy(module: str, homes: Mapping[str, Sequence[str]]) -> tuple[Get, List]:
    """The functions ``__getattr__`` and ``__dir__`` of a module.

    Args:
        module: its name.
        homes: module -> the names that it gives.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def get(name: str) -> object:
        if name not in home_of:
            refuse(module, name)
        value = getattr(import_module(home_of[name]), name)
        setattr(sys.modules[module], name, value)
        return value

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[module]), *home_of})

    return get, listed


def refuse(module: str, name: str) -> NoReturn:
    """Say that a module has no such name, and where it stands if another public module has it.

    Raises:
        AttributeError: in ``module.name``.
        ImportError: in ``from module import name``, where Python would replace the words of an
            AttributeError with its own.
    """
    words = f"module {module!r} has no attribute {name!r}"
    home = home_of(module, name)
    if home is None:
        raise AttributeError(words)
    words += f"; it stands in {home}: from {home} import {name}"
    if sys._getframe(2).f_code.co_name == "_handle_fromlist":
        raise ImportError(words)
    raise AttributeError(words)


def home_of(module: str, name: str) -> str | None:
    """The public module with this name; None without one, and for a sub-module of the module.

    Nothing is imported for a sub-module and for hidden names, which Python and tools ask for.
    """
    inner = iter_modules(vars(sys.modules[module]).get("__path__", []))
    if name.startswith("_") or name in {one.name for one in inner}:
        return None
    return next((home for home in PUBLIC if name in import_module(home).__all__), None)
