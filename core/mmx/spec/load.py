"""From a file to a Spec, or to all its faults at once."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from mmx.errors import Fault, SpecError
from mmx.files import named_path
from mmx.plugins import Plugins
from mmx.spec.choice import PLUGINS
from mmx.spec.explain import explain
from mmx.spec.merge import override
from mmx.spec.second_look import faults_of_the_rest
from mmx.spec.short import long_path, written_out
from mmx.spec.spec_file import read_file, read_text, unset
from mmx.spec.tree import Node, from_here
from mmx.spec.walk import file_names
from mmx.spec.whole import Spec


def load_spec(
    path: str | Path, *, overrides: Sequence[str] = (), plugins: Sequence[str | Path] = ()
) -> Spec:
    """Read a spec.

    Args:
        path: a YAML file; paths in it are relative to it, and ``base: FILE`` starts from another.
        overrides: single values, such as ``model.fusion=gated``.
        plugins: local plugin files to use besides what is installed.

    Raises:
        SpecError: all faults at once, each with file, line and column.
        PluginError: a local plugin file cannot be used.
    """
    path = Path(path).absolute()
    methods = Plugins(files=plugins)
    faults: list[Fault] = []
    root = read_file(path, Spec, faults)
    if root is None:
        raise SpecError(_in_order(faults, path, overrides))
    root = _set(root, overrides, faults)
    spec = _validated(root, _rebased(root, path, faults, methods), path, faults, methods)
    if spec is None or faults:
        raise SpecError(_in_order(faults, path, overrides))
    spec._root, spec._file = root, path
    spec._plugin_files = tuple(Path(plugin).absolute() for plugin in plugins)
    spec._text = read_text(path) + "".join(f"\n# --set {text}" for text in overrides)
    return spec


def _long(path: list[str]) -> list[str]:
    return long_path(path, Spec)


def _set(root: Node, overrides: Sequence[str], faults: list[Fault]) -> Node:
    for text in overrides:
        try:
            root = written_out(override(root, text, spell=_long), Spec, faults)
        except SpecError as error:
            faults += error.faults
    return root


def _rebased(root: Node, path: Path, faults: list[Fault], methods: Plugins) -> dict[int, str]:
    """Absolute names of the files that a base names, for they are relative to that base."""
    absolute = {}
    for key, node in file_names(Spec, root, methods):
        named, file = str(node.content), node.location.file
        if missing := unset(named):
            faults.append(node.location.fault(missing, key))
        elif file not in (None, path):
            with suppress(ValueError):  # no name of a file: the field says so, at its place
                absolute[id(node)] = os.path.normpath(file.parent / named_path(named))
    return absolute


def _validated(
    root: Node, instead: dict[int, str], path: Path, faults: list[Fault], methods: Plugins
) -> Spec | None:
    """The spec; None when pydantic refuses it, and then the faults are noted."""
    plain, context = root.plain(instead), {"folder": path.parent, PLUGINS: methods}
    try:
        return Spec.model_validate(plain, context=context)
    except ValidationError as error:
        found = [*error.errors(), *faults_of_the_rest(error, Spec, plain, context)]
        read = {(fault.file, fault.line, fault.column) for fault in faults}
        # what cannot be read is no valid value either: one fault is enough
        faults += [
            fault
            for fault in explain(found, Spec, root, methods)
            if not fault.line or (fault.file, fault.line, fault.column) not in read
        ]
        return None


def _in_order(faults: list[Fault], path: Path, overrides: Sequence[str]) -> list[Fault]:
    """By place: the spec itself, its bases, the command line; files as seen from here."""

    given = [f"--set {text}" for text in overrides]

    def location(fault: Fault) -> tuple[bool, bool, str, int, int]:
        if fault.file is None:
            return True, True, "", given.index(fault.source), fault.column
        return False, fault.file != path, str(fault.file), fault.line, fault.column

    return [from_here(fault) for fault in sorted(faults, key=location)]
