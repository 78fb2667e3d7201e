"""Plugins that are a file and no distribution: ``--plugin ./my_fusion.py``."""

from dataclasses import dataclass
from pathlib import Path

import pluggy

from mmx.errors import PluginError, PluginLoadError
from mmx.files import named_path, read_regular
from mmx.plugins import loading
from mmx.plugins.code import Code, file_code
from mmx.plugins.discovery import HOOK, Claim
from mmx.plugins.imported import LOCAL, note_import, refuse_edited
from mmx.plugins.libraries import imported_libraries
from mmx.plugins.names import other_api
from mmx.plugins.source import Outline, outline

PACKAGE = "local"
_LIMIT = 16 << 20  # bytes of a plugin file


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A local plugin that was imported.

    Attributes:
        name: module name, unique for what the file computes.
        outline: its summary.
        code: what its digest covers, as it was imported.
        claims: what it provides; one at least.
    """

    name: str
    outline: Outline
    code: Code
    claims: tuple[Claim, ...]


def plugin_file(path: str | Path) -> Path:
    """The whole path of a local plugin file; raises PluginError when no file can have it."""
    try:
        return named_path(path).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a circle
        raise PluginError(f"a plugin file cannot be read: {error}") from error


def read(path: Path) -> Outline:
    """Outline of a local plugin file; raises PluginError when it is not a Python file."""
    if path.suffix != ".py" or not path.is_file():
        what = "is not a Python file" if path.exists() else "does not exist"
        raise PluginError(f"{path} {what}; a local plugin is a file such as my_fusion.py")
    try:
        return outline(str(path), read_regular(path, limit=_LIMIT))
    except OSError as error:
        raise PluginError(f"{path} cannot be read: {error}") from error


def code_of(path: Path) -> Code:
    """What the digest of a local plugin file covers; raises PluginError as ``read``."""
    read(path)
    code = file_code(path)
    return code.on(imported_libraries(code.imported))


def load(manager: pluggy.PluginManager, path: Path, read: Outline, code: Code) -> LocalFile:
    """Import and register a local plugin file; one that does the same is not imported twice."""
    if fault := read.fault or other_api(path.name, read.api):
        raise PluginError(f"{path.name} of {PACKAGE} cannot be used: {fault}")
    refuse_edited(code)
    name = f"{LOCAL}{path.stem}_{code.digest[:12]}"
    module = loading.import_once(path, name)
    note_import(name, code, first=False)
    try:
        loading.register(manager, module, name)
        keys = _keys(manager, module, path)
    except Exception as error:
        if manager.has_plugin(name):
            manager.unregister(name=name)
        location = loading.location_of(error, str(path))
        raise PluginLoadError(path.name, PACKAGE, error, location) from error
    version = f"sha256:{code.digest[:12]}"
    claims = (Claim(kind, type, PACKAGE, version, name) for kind, type in keys)
    return LocalFile(name, read, code, tuple(claims))


def _keys(manager: pluggy.PluginManager, module: object, path: Path) -> list[tuple[str, str]]:
    """Kind and type of all that a module provides."""
    if loading.life_cycle(manager, module) and not hasattr(module, loading.COMPONENTS):
        return [(HOOK, path.stem)]
    classes = loading.components(manager, module)
    return [(params.kind, params.model_fields["type"].default) for params in classes]
