"""Which code makes the numbers of a method or of core: its files, its libraries, one digest."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmx.plugins.parsed_file import Import, parse_file
from mmx.plugins.source import Module, find_module, find_submodule

CORE = __name__.partition(".")[0]
_CORE_FOLDER = Path(__file__).parents[2]
_LIBRARY_FOLDERS = {"site-packages", "dist-packages"}


@dataclass(frozen=True, slots=True)
class Code:
    """What a digest covers.

    Attributes:
        files: name, such as ``mmx_film/film.py``, to the digest of what the file computes.
        places: name to where the file lies.
        imported: top-level names of the libraries that the files import.
        libraries: distribution to version.
    """

    files: Mapping[str, str]
    locations: Mapping[str, str]
    imported: frozenset[str]
    libraries: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 over the files and the versions of the libraries."""
        from hashlib import sha256  # loads OpenSSL, which listing methods needs not

        told = json.dumps([self.files, self.libraries], sort_keys=True)
        return sha256(told.encode()).hexdigest()

    def again(self) -> "Code":
        """The same files as they stand now."""
        now = {name: _digest_of(location) for name, location in self.locations.items()}
        return Code(now, self.locations, self.imported, self.libraries)

    def on(self, libraries: Mapping[str, str]) -> "Code":
        """The same code with the versions of its libraries."""
        return Code(self.files, self.locations, self.imported, dict(sorted(libraries.items())))


def _digest_of(location: str) -> str:
    try:
        return parse_file(location).digest
    except OSError:
        return "gone"


def code_from(starts: Iterable[str], without: str = "") -> Code:
    """These modules of core, and every module of core that they import.

    Args:
        starts: dotted names.
        without: package of core whose modules, and all that import from them, are left out: what
            shows numbers makes none.
    """
    walk = _Walk([CORE], [str(_CORE_FOLDER)])
    walk.without = without
    return walk.code(starts)


def modules_below(package: str) -> list[str]:
    """Every module of a package of core, for what is imported by name when it is needed."""
    folder = _CORE_FOLDER.joinpath(*package.split("."))
    return [_dotted(file.relative_to(_CORE_FOLDER)) for file in sorted(folder.rglob("*.py"))]


class ImportGraph:
    """Modules that were found in the same folders, and what they import.

    Most of what a method imports is core, which is the same for all: walks from several methods
    share one graph, and each module is looked at once.
    """

    def __init__(self) -> None:
        self.found = dict[str, Module | None]()
        self.next = dict[str, list[str]]()


def module_code(
    module: str, path: Sequence[str] | None, *, alone: bool, graph: ImportGraph | None = None
) -> Code:
    """Code of a method that a distribution provides, and what of core it imports.

    Args:
        module: of its entry point.
        path: folders to search; None for what ``import`` would search.
        alone: only what the module itself imports, for a package whose methods do not know each
            other; else all files of its top-level package.
        graph: of earlier calls with this path.
    """
    walk = _Walk([CORE, module.partition(".")[0]], path, graph)
    files = {} if alone else dict(_files_around(module, walk))
    inside = [_dotted(Path(name)) for name in files if name.endswith(".py")]
    return walk.code([module, *inside], files)


def file_code(file: Path) -> Code:
    """Code of a local plugin file, of what it imports from beside it, and what of core it imports.

    Raises:
        OSError: it cannot be read.
    """
    walk = _Walk([CORE], [str(file.parent), *sys.path])
    starts = walk.imported(parse_file(str(file)).imports, "")
    return walk.code(starts, {file.name: str(file)})


class _Walk:
    """From modules to all that they import, without importing anything."""

    def __init__(
        self, own: Sequence[str], folders: Sequence[str] | None, graph: ImportGraph | None = None
    ) -> None:
        self._own, self._folders = own, folders
        self._graph = graph or ImportGraph()
        self.without = ""

    def code(self, starts: Iterable[str], files: Mapping[str, str] | None = None) -> Code:
        """The files that are given, and those of all modules that the starts reach."""
        locations, seen = dict(files or {}), set[str]()
        libraries, todo = set[str](), list(starts)
        while todo:
            name = todo.pop()
            if name in seen or name == CORE:  # its face computes nothing: it imports on first use
                continue
            seen.add(name)
            module = self._find(name)
            if module is None or not self._is_own(name, module):
                libraries.add(name.partition(".")[0])
                continue
            if name not in self._graph.next:
                self._graph.next[name] = list(self._next(name, module))
            found = self._graph.next[name]
            if self.without and any(one.startswith(self.without) for one in (name, *found)):
                continue
            if module.file is not None:
                locations.setdefault(_named(name, module), module.file)
            todo += found
        told = {name: parse_file(location).digest for name, location in sorted(locations.items())}
        return Code(told, locations, frozenset(libraries - sys.stdlib_module_names), {})

    def imported(self, imports: Iterable[Import], package: str) -> list[str]:
        """The modules that hold what a file in this package imports."""
        found = []
        for one in imports:
            if not one.for_types:
                parts = package.split(".") if one.level else []
                above = parts[: len(parts) - one.level + 1]
                found.append(self._home(".".join([*above, one.module]).strip("."), one.name))
        return found

    def _next(self, name: str, module: Module) -> Iterator[str]:
        """What Python executes besides a module: what it imports, and the packages above it."""
        package = name if module.folders else name.rpartition(".")[0]
        if module.file is not None and module.file.endswith(".py"):
            yield from self.imported(parse_file(module.file).imports, package)
        if "." in name and name.partition(".")[0] != CORE:
            yield name.rpartition(".")[0]

    def _home(self, module: str, name: str) -> str:
        """The module that holds a name; of core the one behind the faces, which only pass it on."""
        if not name or name == "*":
            return module
        face = self._find(module) if module.partition(".")[0] == CORE else None
        if face is not None and face.file is not None and face.folders:
            passed = [one for one in parse_file(face.file).imports if one.name == name]
            if passed and passed[0].module != module:
                return self._home(passed[0].module, name)
        inner = f"{module}.{name}"  # a module, unless the face has something of that name
        return module if self._find(inner) is None else inner

    def _find(self, name: str) -> Module | None:
        """The module of this name; None when there is none, or it comes with Python."""
        if name not in self._graph.found:
            self._graph.found[name] = self._search(name)
        return self._graph.found[name]

    def _search(self, name: str) -> Module | None:
        top, package = name.partition(".")[0], name.rpartition(".")[0]
        if not name or top in sys.stdlib_module_names:
            return None
        if package:
            above = self._find(package)
            return find_submodule(name, above) if above else None
        return find_module(name, [str(_CORE_FOLDER)] if top == CORE else self._folders)

    def _is_own(self, name: str, module: Module) -> bool:
        """Whether a module is code to look at; libraries are known by their version."""
        if name.partition(".")[0] in self._own:
            return True
        locations = [Path(location) for location in (module.file, *module.folders) if location]
        return not any(_LIBRARY_FOLDERS & {*location.parts} for location in locations)


def _files_around(module: str, walk: _Walk) -> Iterator[tuple[str, str]]:
    """Name and place of every file of the top-level package of a module, data included."""
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        name = ".".join(parts[:depth])
        found = walk._find(name)
        if found is not None and found.folders and found.file is not None:
            yield from _files_below(Path(found.folders[0]), name.replace(".", "/"))
            return


def _files_below(folder: Path, above: str) -> Iterator[tuple[str, str]]:
    for location, folders, files in os.walk(folder):
        folders[:] = [one for one in folders if not one.startswith((".", "__pycache__"))]
        inner = Path(location).relative_to(folder)
        for file in files:
            if not file.startswith("."):
                yield (Path(above) / inner / file).as_posix(), os.path.join(location, file)


def _named(name: str, module: Module) -> str:
    """Name of a module's file, the same wherever it is installed."""
    end = "/__init__" if module.folders else ""
    return f"{name.replace('.', '/')}{end}{Path(module.file or '').suffix}"


def _dotted(file: Path) -> str:
    """Dotted name of the module in a file, relative to the folder that is on the path."""
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
