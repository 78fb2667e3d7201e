"""From the metadata of installed distributions to the one module that a spec names."""

import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmx.errors import PluginError, PluginLoadError
from mmx.plugins import loading, local, names
from mmx.plugins.api import API
from mmx.plugins.code import CORE, Code, ImportGraph, module_code
from mmx.plugins.discovery import HOOK, Claim, InstalledMethod, Status, read_claims, same_package
from mmx.plugins.imported import code_of_import, note_import
from mmx.plugins.libraries import imported_libraries, required_libraries
from mmx.plugins.source import Outline, outline_module

if TYPE_CHECKING:
    from types import ModuleType

    from mmx.interfaces import HookParams, Params


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


class Plugins:
    """Methods that are there, and a way to the Params class of each; a spec carries its own.

    Metadata is read once, when it is first asked for; a module is imported only by `find`. The
    environment variable MMX_BLOCK_PLUGINS lists what must not be used, by key, type, distribution
    or distribution/type, separated by commas.

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
        self._graph = ImportGraph()
        blocked = os.environ.get("MMX_BLOCK_PLUGINS", "").split(",")
        self._blocked = [name.strip() for name in blocked if name.strip()]
        self._outdone: dict[str, str] = {}
        self._provided: dict[type[Params], InstalledMethod] = {}
        self._hooks: dict[InstalledMethod, type[HookParams]] = {}
        self._adapted: dict[InstalledMethod, type[Params]] = {}
        for file in files:
            self.add_file(file)

    @property
    def notes(self) -> tuple[str, ...]:
        """Names that were used and that another distribution claims as well, in sentences."""
        return tuple(self._outdone.values())

    def installed(self, kind: str | None = None) -> list[InstalledMethod]:
        """All methods, usable or not, sorted by kind and type; nothing is imported.

        Args:
            kind: only methods of this kind.

        Raises:
            PluginError: there is no such kind.
        """
        if kind is not None:
            names.check_kind(kind)
        same = defaultdict[str, list[Claim]](list)
        for claim in self._all_claims():
            same[claim.key].append(claim)
        wanted = (claim for claim in self._all_claims() if kind in (None, claim.kind))
        return [self._describe(claim, same[claim.key]) for claim in wanted]

    def choose(self, kind: str, type: str) -> InstalledMethod:
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
        method = self._describe(usable[0], self._same(usable[0]))
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
            found = self._pick(method, module)
        except Exception as error:
            raise self._load_error(method, error) from error
        self._provided[found] = method
        return found

    def api_of(self, params: "type[Params]") -> int:
        """The version of the interfaces that a class is written for; this one if it is unknown."""
        method = self._provided.get(params)
        return API if method is None else method.api

    def life_cycle_of(self, params: "type[Params]") -> "type[HookParams] | None":
        """The hook that the module of a method of API 1 is besides; None when it is none.

        Args:
            params: what `find` gave.
        """
        method = self._provided.get(params)
        module = None if method is None else self._manager.get_plugin(method.module)
        if method is None or module is None or method.kind == HOOK:
            return None
        return self._hook(method, module) if loading.life_cycle(self._manager, module) else None

    def add_file(self, path: str | Path) -> InstalledMethod:
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
        claim = self._files[path].claims[0]
        return self._describe(claim, self._same(claim))

    def source(self, kind: str, type: str) -> Source:
        """Distribution, version and digest of one method; imports nothing.

        Raises:
            PluginError: as for `find`.
        """
        return self._source(self.choose(kind, type))

    def source_of(self, params: "type[Params]") -> Source:
        """Where a class of settings came from, which its name alone does not tell.

        Raises:
            PluginError: its code was edited after it was imported.
        """
        if params in self._provided:
            return self._source(self._provided[params])
        return self.source(params.kind, str(params.model_fields["type"].default))

    def _source(self, method: InstalledMethod) -> Source:
        return Source(method.key, method.package, method.version, self._code(method))

    def _pick(self, method: InstalledMethod, module: "ModuleType") -> "type[Params]":
        """The class in a module that a method's entry point promises."""
        functions = loading.life_cycle(self._manager, module)
        if functions and method.api > 1:
            raise PluginError(
                f"{sorted(functions)[0]}() is a function of plugin API 1, and the module states "
                f"MMX_API = {method.api}; make it a method of a class that derives from mmx.Hook"
            )
        if method.kind == HOOK and functions:
            return self._hook(method, module)
        found = names.pick(loading.components(self._manager, module), method)
        return found if method.api > 1 else self._translated(method, found)

    def _translated(self, method: InstalledMethod, params: "type[Params]") -> "type[Params]":
        """A method of API 1 in the shape of this version, always the same class."""
        if method not in self._adapted:
            self._adapted[method] = of_this_api(params)
        return self._adapted[method]

    def _hook(self, method: InstalledMethod, module: "ModuleType") -> "type[HookParams]":
        """The hook that a module of API 1 is, always the same class."""
        if method not in self._hooks:
            from mmx.plugins.api1 import hook_of_module  # torch comes with it

            self._hooks[method] = hook_of_module(module, method.type)
        return self._hooks[method]

    def _all_claims(self) -> list[Claim]:
        """Claims of distributions, then those of local files."""
        if self._claims is None:
            self._claims = read_claims(self._path)
        return [*self._claims, *(claim for file in self._files.values() for claim in file.claims)]

    def _describe(self, claim: Claim, same: Sequence[Claim]) -> InstalledMethod:
        """A claim with its status among all claims of its key."""
        outline = None if claim.fault else self._outline_or_none(claim.module, claim.type)
        status, reason = self._judge(claim, outline)
        rivals = [other for other in same if not self._blocker(other)]
        ours = [rival for rival in rivals if same_package(rival.package, CORE)]
        if status == "found" and len(rivals) > 1 and claim not in ours:
            words = names.outdone(rivals, ours[0]) if ours else names.clash(rivals)
            status, reason = "clash", words
        summary = outline.summary if outline else ""
        return InstalledMethod(
            claim.kind, claim.type, claim.key, claim.package, claim.version, claim.module,
            status, reason, summary, self._api(claim, outline),
        )  # fmt: skip

    def _api(self, claim: Claim, outline: Outline | None) -> int:
        """What a method is written for; those of mmx itself are always of this version."""
        if same_package(claim.package, CORE):
            return API
        return (outline.api if outline else None) or 1

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

    def _same(self, claim: Claim) -> list[Claim]:
        """All claims of the same key, the claim itself included."""
        return [other for other in self._all_claims() if other.key == claim.key]

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

    def _code(self, method: InstalledMethod) -> Code:
        """The code of a method as it stands; of a local file as it was imported."""
        known = code_of_import(method.module)
        if known is not None:
            return known
        alone = same_package(method.package, CORE)  # our methods never import each other
        code = module_code(method.module, self._path, alone=alone, graph=self._graph)
        libraries = {} if alone else required_libraries(method.package)
        return code.on(libraries | imported_libraries(code.imported))

    def _load(self, method: InstalledMethod) -> "ModuleType":
        """Import and register the module of a method, once."""
        known: ModuleType | None = self._manager.get_plugin(method.module)
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

    def _load_error(self, method: InstalledMethod, error: Exception) -> PluginLoadError:
        """A PluginLoadError that names the file of a method."""
        file = self._outline(method.module, method.type).file
        return PluginLoadError(method.key, method.package, error, loading.location_of(error, file))


def of_this_api(params: "type[Params]") -> "type[Params]":
    """A class of API 1 in the shape of this version; itself where the interface is the same.

    Raises:
        PluginError: it reads what is there no longer.
    """
    from mmx.plugins.api1 import adapted  # torch comes with it

    return adapted(params)


def file_digest(path: str | Path) -> str:
    """Digest of the code of a local plugin file, which is not imported.

    Raises:
        PluginError: it is not a Python file.
    """
    return local.code_of(local.plugin_file(path)).digest


def installed(kind: str | None = None) -> list[InstalledMethod]:
    """All methods that this process can see; nothing is imported."""
    return Plugins().installed(kind)


def find(kind: str, type: str) -> "type[Params]":
    """Params class of one method; imports only its module."""
    return Plugins().find(kind, type)
