"""From the metadata of installed distributions to the one module that a spec names."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import pluggy

from mmx.errors import PluginError, PluginLoadError
from mmx.plugins import loading, local, names
from mmx.plugins.code import CORE, Code, module_code
from mmx.plugins.discovery import HOOK, Claim, Installed, Status, read_claims, same_package
from mmx.plugins.imported import code_of_import, note_import
from mmx.plugins.libraries import imported_libraries, required_libraries
from mmx.plugins.source import Outline, outline_module

if TYPE_CHECKING:
    from types import ModuleType

    from mmx.interfaces import Params


@dataclass(frozen=True, slots=True)
class Source:
    """Where a method came from, for the record of a run.

    Attributes:
        key: ``kind.type``.
        package: the distribution; ``local`` for a file given by hand.
        version: of the distribution.
        code: its files and libraries.
    """

    key: str
    package: str
    version: str
    code: Code

    @property
    def digest(self) -> str:
        """SHA-256 of all code that decides what it computes."""
        return self.code.digest


class Registry:
    """Methods that are there, and a way to the Params class of each.

    Metadata is read once, when it is first asked for; a module is imported only by `find` and
    `use_hook`. The environment variable MMX_BLOCK_PLUGINS lists what must not be used, by key,
    type, distribution or distribution/type, separated by commas.

    Args:
        path: folders whose distributions count; None for sys.path. Importing always follows
            sys.path, so a folder that is not on it can be listed but not loaded from.
        files: local plugin files.
    """

    def __init__(
        self, path: Sequence[str] | None = None, *, files: Iterable[str | Path] = ()
    ) -> None:
        self._path = None if path is None else list(path)
        self._manager = loading.new_manager()
        self._claims: list[Claim] | None = None
        self._files: dict[Path, local.LocalFile] = {}
        self._outlines: dict[str, Outline | None] = {}
        blocked = os.environ.get("MMX_BLOCK_PLUGINS", "").split(",")
        self._blocked = [name.strip() for name in blocked if name.strip()]
        self._outdone: dict[str, str] = {}
        self._required = set[str]()
        for file in files:
            self.add_file(file)

    @property
    def hook(self) -> pluggy.HookRelay:
        """Calls the life-cycle hooks of all plugins that were loaded, one failure ending all."""
        return self._manager.hook

    @property
    def notes(self) -> tuple[str, ...]:
        """Names that were used and that another distribution claims as well, in sentences."""
        return tuple(self._outdone.values())

    def watchers(self, moment: str) -> "dict[str, Callable[..., list[object]]]":
        """Each loaded plugin that implements a hook, by name, and how it alone is called.

        Args:
            moment: name of the hook, such as ``mmx_run_started``.
        """
        found = {}
        for impl in getattr(self._manager.hook, moment).get_hookimpls():
            alone = loading.new_manager()
            alone.register(impl.plugin, impl.plugin_name)
            found[impl.plugin_name] = getattr(alone.hook, moment)
        return found

    def installed(self, kind: str | None = None) -> list[Installed]:
        """All methods, usable or not, sorted by kind and type; nothing is imported.

        Args:
            kind: only methods of this kind.

        Raises:
            PluginError: there is no such kind.
        """
        if kind is not None:
            names.check_kind(kind)
        claims = self._all_claims()
        return [self._describe(claim) for claim in claims if kind in (None, claim.kind)]

    def choose(self, kind: str, type: str) -> Installed:
        """The one usable method that a name means; imports nothing.

        Raises:
            PluginError: as for `find`.
        """
        claims = names.matching(self._all_claims(), kind, type)
        usable = [claim for claim in claims if not self._blocker(claim)] or claims
        ours = [claim for claim in usable if same_package(claim.package, CORE)]
        if ours and len(usable) > 1:
            self._outdone[ours[0].key] = names.outdone(usable, ours[0])
            usable = ours[:1]
        if len(usable) > 1:
            raise PluginError(names.clash(usable))
        method = self._describe(usable[0])
        if method.status == "found" or (method.status == "clash" and "/" in type):
            return method
        raise PluginError(f"{method.key} of {method.package} cannot be used: {method.reason}")

    def find(self, kind: str, type: str) -> "type[Params]":
        """Params class of one method; imports only its module.

        Args:
            kind: such as ``fusion``.
            type: such as ``film``, or with its distribution, ``mmx-film/film``.

        Raises:
            PluginError: it is not installed, blocked, made for other interfaces, or two
                distributions claim it.
            PluginLoadError: its module cannot be imported, or does not provide what it declares.
        """
        method = self.choose(kind, type)
        module = self._load(method)
        try:
            classes = loading.components(self._manager, module)
            found = names.pick(classes, method)
        except Exception as error:
            raise self._load_error(method, error) from error
        _PROVIDED[found] = self, method
        return found

    def use_hook(self, name: str, *, required: bool = False) -> None:
        """Load the hook-only plugin with the entry point ``hook.NAME``.

        Args:
            name: of the hook.
            required: whether its failure ends a run.

        Raises:
            PluginError: as for `find`.
        """
        method = self.choose(HOOK, name)
        self._load(method)
        if required:
            self._required.add(method.module)

    def is_required(self, name: str) -> bool:
        """Whether a failure of the plugin of this name ends a run."""
        return name in self._required

    def register(self, plugin: object, name: str, *, required: bool = False) -> None:
        """Register an object or module with life-cycle hooks; a second time changes nothing.

        Args:
            plugin: the object.
            name: to find it again.
            required: whether its failure ends a run.

        Raises:
            PluginError: it implements a hook that does not exist.
        """
        if not self._manager.has_plugin(name):
            loading.register(self._manager, plugin, name)
        if required:
            self._required.add(name)

    def unregister(self, name: str) -> None:
        """Forget what ``register`` took under this name; nothing when it is not there."""
        if self._manager.has_plugin(name):
            self._manager.unregister(name=name)

    def add_file(self, path: str | Path) -> Installed:
        """Import a local plugin file and list what it provides under the package ``local``.

        Returns:
            Its first method; a file with life-cycle hooks alone is listed as ``hook.NAME``.

        Raises:
            PluginError: it is not a Python file, cannot be imported, or provides nothing.
        """
        path = local.plugin_file(path)
        known = self._files.get(path)
        read = local.read(path)
        code = local.code_of(path)
        if known is None or known.code.digest != code.digest:
            if known is not None:  # edited since: the new version replaces the old one
                self._manager.unregister(name=known.name)
                del self._files[path]
            added = self._files[path] = local.load(self._manager, path, read, code)
            self._outlines[added.name] = added.outline
        return self._describe(self._files[path].claims[0])

    def source(self, kind: str, type: str) -> Source:
        """Distribution, version and digest of one method; imports nothing.

        Raises:
            PluginError: as for `find`.
        """
        method = self.choose(kind, type)
        return self.source_of(method)

    def source_of(self, method: Installed) -> Source:
        """Where a method that was chosen came from.

        Raises:
            PluginError: its code was edited after it was imported.
        """
        return Source(method.key, method.package, method.version, self._code(method))

    def _all_claims(self) -> list[Claim]:
        """Claims of distributions, then those of local files."""
        if self._claims is None:
            self._claims = read_claims(self._path)
        return [*self._claims, *(claim for file in self._files.values() for claim in file.claims)]

    def _describe(self, claim: Claim) -> Installed:
        """A claim with its status."""
        outline = None if claim.fault else self._outline_or_none(claim.module, claim.type)
        status, reason = self._judge(claim, outline)
        rivals = self._rivals(claim)
        ours = [rival for rival in rivals if same_package(rival.package, CORE)]
        if status == "found" and len(rivals) > 1 and claim not in ours:
            words = names.outdone(rivals, ours[0]) if ours else names.clash(rivals)
            status, reason = "clash", words
        summary = outline.summary if outline else ""
        return Installed(
            claim.kind, claim.type, claim.key, claim.package, claim.version, claim.module,
            status, reason, summary,
        )  # fmt: skip

    def _judge(self, claim: Claim, outline: Outline | None) -> tuple[Status, str]:
        """Status of a claim apart from its rivals."""
        if claim.fault:
            return "incompatible", claim.fault
        if blocker := self._blocker(claim):
            return "blocked", f"blocked by MMX_BLOCK_PLUGINS={blocker}"
        if outline is None:
            return "missing module", f"there is no module {claim.module}; reinstall {claim.package}"
        fault = outline.fault or names.other_api(claim.package, outline.api)
        return ("incompatible", fault) if fault else ("found", "")

    def _blocker(self, claim: Claim) -> str:
        """The name in MMX_BLOCK_PLUGINS that means a claim; empty when none does."""
        return next((name for name in self._blocked if claim.is_called(name)), "")

    def _rivals(self, claim: Claim) -> list[Claim]:
        """All claims of the same key that are not blocked, the claim itself included."""
        same = [other for other in self._all_claims() if other.key == claim.key]
        return [other for other in same if not self._blocker(other)]

    def _outline_or_none(self, module: str, type: str) -> Outline | None:
        """Outline of a module, read once."""
        if module not in self._outlines:
            self._outlines[module] = outline_module(module, self._path, type)
        return self._outlines[module]

    def _outline(self, module: str, type: str) -> Outline:
        """Outline of a module that is known to be there."""
        outline = self._outline_or_none(module, type)
        if outline is None:
            raise PluginError(f"there is no module {module}")
        return outline

    def _code(self, method: Installed) -> Code:
        """The code of a method as it stands; of a local file as it was imported."""
        known = code_of_import(method.module)
        if known is not None:
            return known
        alone = same_package(method.package, CORE)  # our methods never import each other
        code = module_code(method.module, self._path, alone=alone)
        libraries = {} if alone else required_libraries(method.package)
        return code.on(libraries | imported_libraries(code.imported))

    def _load(self, method: Installed) -> "ModuleType | object":
        """Import and register the module of a method, once."""
        known: object = self._manager.get_plugin(method.module)
        if known is not None:
            return known
        file = self._outline(method.module, method.type).file
        first, code = method.module not in sys.modules, self._code(method)
        module = loading.import_plugin(method.key, method.package, method.module, file)
        note_import(method.module, code, first=first)
        try:
            loading.register(self._manager, module, method.module)
        except Exception as error:
            raise self._load_error(method, error) from error
        return module

    def _load_error(self, method: Installed, error: Exception) -> PluginLoadError:
        """A PluginLoadError that names the file of a method."""
        file = self._outline(method.module, method.type).file
        return PluginLoadError(method.key, method.package, error, loading.place_of(error, file))


# class of settings -> who provided it: classes outlive specs, as the modules do that hold them
_PROVIDED: "WeakKeyDictionary[type[Params], tuple[Registry, Installed]]" = WeakKeyDictionary()


def source_of(params: "type[Params]") -> Source:
    """Where a class of settings came from, which its name alone does not tell.

    Raises:
        PluginError: its code was edited after it was imported.
    """
    if params in _PROVIDED:
        plugins, method = _PROVIDED[params]
        return plugins.source_of(method)
    return registry().source(params.kind, str(params.model_fields["type"].default))


@cache
def registry() -> Registry:
    """What is installed, without any local file; for settings that no spec file was read for."""
    return Registry()


def file_digest(path: str | Path) -> str:
    """Digest of the code of a local plugin file, which is not imported.

    Raises:
        PluginError: it is not a Python file.
    """
    return local.code_of(local.plugin_file(path)).digest


def installed(kind: str | None = None) -> list[Installed]:
    """All methods that this process can see; nothing is imported."""
    return registry().installed(kind)


def find(kind: str, type: str) -> "type[Params]":
    """Params class of one method; imports only its module."""
    return registry().find(kind, type)
