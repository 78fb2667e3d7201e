"""Importing one plugin, registering it with pluggy, and asking what it provides."""

import sys
import threading
import traceback
from collections.abc import Iterator
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from itertools import chain
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, get_args

import pluggy

from mmx.errors import PluginError, PluginLoadError
from mmx.plugins import hookspecs
from mmx.plugins.nearest import nearest

if TYPE_CHECKING:
    from mmx.interfaces import Params

COMPONENTS = "mmx_components"
EXAMPLE = """write at its end

    @hookimpl
    def mmx_components():
        return [YourParams]
"""


def new_manager() -> pluggy.PluginManager:
    """A pluggy manager that knows the hooks of mmx and no plugin."""
    manager = pluggy.PluginManager("mmx")
    manager.add_hookspecs(hookspecs)
    return manager


def import_plugin(key: str, package: str, module: str, file: str) -> ModuleType:
    """Import a module; what it raises becomes a PluginLoadError with the line in ``file``."""
    try:
        return import_module(module)
    except (Exception, SystemExit) as error:  # a module that exits must not end the session
        raise PluginLoadError(key, package, error, location_of(error, file)) from error


class _SourceLoader(SourceFileLoader):
    """Compiles a file each time: bytecode kept beside it is known by second and size alone."""

    def get_code(self, fullname: str) -> CodeType:
        """The code of the file as it stands now, which is what its digest is of."""
        return self.source_to_code(self.get_data(self.path), self.path)


_IMPORTING = threading.RLock()  # as Python holds one for each module that it imports


def import_once(file: Path, name: str) -> ModuleType:
    """``import_file``, unless it is imported; no thread gets half a module of another one."""
    with _IMPORTING:
        return sys.modules.get(name) or import_file(file, name)


def import_file(file: Path, name: str) -> ModuleType:
    """Import a file that no distribution owns, under a name of its own."""
    spec = spec_from_file_location(name, file, loader=_SourceLoader(name, str(file)))
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} is not a Python file; a local plugin is a file such as film.py")
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise PluginLoadError(file.name, "local", error, location_of(error, str(file))) from error
    return module


def location_of(error: BaseException, file: str) -> str:
    """``file:line`` of the last line in a file that led to an error; the file if none did."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    return f"{file}:{lines[-1]}" if lines else file


def register(manager: pluggy.PluginManager, plugin: object, name: str) -> None:
    """Register a plugin; a misspelt hook is an error, and then the plugin is not registered."""
    try:
        manager.register(plugin, name)
        callers = manager.get_hookcallers(plugin) or []
        _refuse_unknown(manager, [caller.name for caller in callers if not caller.has_spec()])
    except (PluginError, pluggy.PluginValidationError):
        if manager.has_plugin(name):
            manager.unregister(name=name)
        raise


def _refuse_unknown(manager: pluggy.PluginManager, names: list[str]) -> None:
    """Raise for hooks without a specification, unless they are declared optional."""
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        known = [name for name in vars(hookspecs) if name.startswith("mmx_")]
        meant = nearest(names[0], known)
        hint = f"nearest: {meant}" if meant else f"hooks: {', '.join(known)}"
        raise PluginError(f"there is no hook {names[0]!r}; {hint}") from error


def life_cycle(manager: pluggy.PluginManager, plugin: object) -> set[str]:
    """Names of the life-cycle functions of API 1 that a registered plugin has."""
    callers = manager.get_hookcallers(plugin) or []
    return {caller.name for caller in callers} - {COMPONENTS}


def components(manager: pluggy.PluginManager, plugin: object) -> "list[type[Params]]":
    """The Params classes that one registered plugin provides; raises when it provides none."""
    others = [other for other in manager.get_plugins() if other is not plugin]
    answers = manager.subset_hook_caller(COMPONENTS, others)()
    if not all(isinstance(answer, list | tuple) for answer in answers):
        raise PluginError("mmx_components() must return a list of Params classes")
    classes = list(chain.from_iterable(answers))
    if not classes:
        raise PluginError(_why_nothing(manager, plugin))
    for fault in chain.from_iterable(map(_faults, classes)):
        raise PluginError(fault)
    return classes


def _why_nothing(manager: pluggy.PluginManager, plugin: object) -> str:
    """Words for a module that provides no method."""
    implemented = {caller.name for caller in manager.get_hookcallers(plugin) or []}
    if COMPONENTS in implemented:
        return "mmx_components() gives nothing; return a list of Params classes"
    if hasattr(plugin, COMPONENTS):
        return "mmx_components() is not marked as a hook; write @hookimpl above it"
    return f"it has no mmx_components(); {EXAMPLE}"


def _faults(component: object) -> Iterator[str]:
    """What keeps an object from being a Params class of some method."""
    if not (isinstance(component, type) and hasattr(component, "model_fields")):
        yield f"mmx_components() must return Params classes, not {component!r}"
        return
    if not isinstance(getattr(component, "kind", None), str):
        yield f"{component.__name__} has no kind; derive it from FusionParams, HeadParams, ..."
    field = component.model_fields.get("type")
    if field is None or not isinstance(field.default, str):
        yield f'{component.__name__} has no type; write type: Literal["name"] = "name" in it'
    elif get_args(field.annotation) != (field.default,):
        plain = isinstance(field.annotation, type)
        stated = field.annotation.__name__ if plain else field.annotation
        yield (
            f"type of {component.__name__} is {stated}, which is not exactly its name; write "
            f'type: Literal["{field.default}"] = "{field.default}"'
        )
