"""Whether what Python has imported is still what the files say: a record beside sys.modules."""

import sys
from collections.abc import Iterator

from mmx.errors import PluginError
from mmx.plugins.code import Code

LOCAL = "mmx_local_"  # begins the names of local files, each of which is imported as it stands

_AS_IMPORTED: dict[str, str] = {}  # place of a file -> digest when Python ran it
_CODE: dict[str, Code] = {}  # module of a method -> its code when Python ran it


def code_of_import(module: str) -> Code | None:
    """Code of a module as it was imported; None when it has not been, or has been forgotten.

    Raises:
        PluginError: a file of it was edited since.
    """
    if module not in sys.modules or module not in _CODE:
        return None
    code = _CODE[module]
    refuse_edited(code.again())
    return code


def note_import(module: str, code: Code, *, first: bool) -> None:
    """Remember what some code was when Python ran it; ``first``: it had not been imported yet."""
    _CODE[module] = code
    for name, location in code.locations.items():
        if first or location not in _AS_IMPORTED:
            _AS_IMPORTED[location] = code.files[name]


def refuse_edited(code: Code) -> None:
    """Stop where the code that would run is not the code whose digest would be written down.

    Raises:
        PluginError: a file was edited after this process had imported it.
    """
    locations = code.locations.items()
    before = {name: _AS_IMPORTED.get(location, code.files[name]) for name, location in locations}
    edited = [name for name, digest in code.files.items() if before[name] != digest]
    running = set(_imported_files()) if edited else set()
    for name in edited:
        if code.locations[name] in running:
            raise PluginError(
                f"{name} was edited after this process had imported it; begin a new one (restart "
                "the notebook's kernel), so that the new code runs"
            )


def _imported_files() -> Iterator[str]:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and not name.startswith(LOCAL):
            yield file
