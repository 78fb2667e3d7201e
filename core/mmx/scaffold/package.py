"""Writing a whole pip package around one new method."""

import keyword
import re
from importlib.util import find_spec
from pathlib import Path
from string import Template
from time import localtime

from mmx.errors import PluginError
from mmx.plugins import KINDS, Plugins, check_kind

TEMPLATES = Path(__file__).parent / "templates"
WHERE = {  # how a spec names a method of each kind
    "reader": "data:\n  dataset: {type: table, path: cases.$type, reader: $type, ...}",
    "dataset": "data:\n  dataset: {type: $type, folder: FOLDER}",
    "narrative": "data:\n  narrative: $type",
    "input": "data:\n  dataset: {type: table, inputs: {$type: COLUMN}, ...}\n"
    "model:\n  encoders: {$type: $type, ...}",
    "encoder": "model:\n  image: $type",
    "fusion": "model:\n  fusion: $type",
    "head": "model:\n  head: $type",
    "loss": "loss: $type",
    "sampler": "train:\n  sampler: $type",
    "inference": "inference: [$type]",
    "hook": "hooks: [$type]",
    "baseline": "study: NAME\nbase: base.yaml\nbaselines: [$type]\n...",
    "task": "task: $type\ndata:\n  dataset: {type: table, labels: [COLUMN]}",
}
BESIDE = {
    "task": ("loss",),
    "input": ("encoder",),
}  # kinds that the module of a template gives besides its own
FILES = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "LICENSE": "LICENSE.txt",
    ".gitignore": "gitignore.txt",
    "src/$module/__init__.py": "init.py.txt",
    "src/$module/py.typed": "",
    "src/$module/$type.py": "$kind.py.txt",
    "tests/test_$type.py": "test.py.txt",
}


def new_plugin(
    kind: str, name: str, folder: str | Path = ".", *, plugins: Plugins | None = None
) -> Path:
    """Write a pip package with one small working method, its test, readme and licence.

    Args:
        kind: of the method; a task comes with its loss, an input kind with an encoder of it.
        name: of the method, such as ``cross_talk``; the package is then ``mmx-cross-talk``.
        folder: where the folder of the package goes; made if it is not there.
        plugins: the names that are taken; None for what is installed.

    Returns:
        The new folder.

    Raises:
        PluginError: there is no such kind, the name cannot be used or is taken, or the folder is
            there already or cannot be written.
    """
    words = _words(kind, name)
    _refuse_taken(words, plugins or Plugins())
    root = Path(folder) / words["package"]
    if root.exists():
        raise PluginError(
            f"{root} is there already, and nothing is overwritten; choose another name, or another "
            "folder with --dir"
        )
    try:
        for target, template in FILES.items():
            _write(root / _filled(target, words), _of_kind(_filled(template, words), kind), words)
    except OSError as error:
        raise PluginError(f"{root} cannot be written: {error.strerror}") from None
    return root


def _words(kind: str, name: str) -> dict[str, str]:
    """What is filled into the templates."""
    check_kind(kind)
    type = name.replace("-", "_").removeprefix("mmx_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", type):
        raise PluginError(
            f"{name!r} cannot be a name; write lower-case letters, digits and single underscores, "
            "a letter first, such as cross_talk"
        )
    if keyword.iskeyword(type) or type in KINDS:  # FusionParams is a class of mmx
        raise PluginError(f"{name!r} means something else already; choose another name")
    words = {
        "kind": kind,
        "type": type,
        "name": "".join(word.capitalize() for word in type.split("_")),
        "package": f"mmx-{type.replace('_', '-')}",
        "module": f"mmx_{type}",
        "year": str(localtime().tm_year),
    }
    points = "".join(f'"{one}.{type}" = "{words["module"]}.{type}"\n' for one in _kinds(kind))
    return {**words, "where": _filled(WHERE[kind], words), "points": points}


def _kinds(kind: str) -> tuple[str, ...]:
    """All kinds that a template gives."""
    return (kind, *BESIDE.get(kind, ()))


def _refuse_taken(words: dict[str, str], plugins: Plugins) -> None:
    """Raise where the method or its module would hide, or clash with, what is installed."""
    methods = [one for kind in _kinds(words["kind"]) for one in plugins.installed(kind)]
    for method in methods:
        if method.type == words["type"]:
            raise PluginError(
                f"{method.key} is installed already, by {method.package} {method.version}; "
                "choose another name"
            )
    if find_spec(words["module"]) is not None:
        raise PluginError(
            f"the module {words['module']} is installed already; choose another name than "
            f"{words['type']!r}"
        )


def _of_kind(template: str, kind: str) -> str:
    """The template that a kind has instead of a common one, where it has one."""
    own = f"{kind}.{template}"
    return own if template and (TEMPLATES / own).exists() else template


def _filled(text: str, words: dict[str, str]) -> str:
    return Template(text).substitute(words)


def _write(file: Path, template: str, words: dict[str, str]) -> None:
    """Fill in one template; without one, the file is empty."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = (TEMPLATES / template).read_text(encoding="utf-8") if template else ""
    file.write_text(_filled(text, words), encoding="utf-8")
