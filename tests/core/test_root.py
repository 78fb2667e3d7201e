"""The root of mmx: a lazy list of names that checkers and users see alike."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import mmx
from mmx import commands

CORE = Path(mmx.__file__).parent

HEAVY = [
    "torch",
    "transformers",
    "timm",
    "numpy",
    "pandas",
    "sklearn",
    "matplotlib",
    "pydantic",
    "yaml",
]


LAZY = [mmx, commands]
MOVED = {
    "guess_columns": "mmx.commands",
    "WrappingEncoder": "mmx.interfaces",
    "inside": "mmx.blocks",
    "share_of_rows": "mmx.evaluation",
    "Fault": "mmx.errors",
}


def names_for_checkers(module: ModuleType) -> dict[str, str]:
    """Public name -> home, as the TYPE_CHECKING block of a lazy module imports them."""
    tree = ast.parse(Path(str(module.__file__)).read_text())
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return {
        alias.asname or alias.name: str(line.module)
        for line in block.body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }


@pytest.mark.parametrize("module", LAZY)
def test_checkers_and_users_see_the_same_names(module: ModuleType) -> None:
    named = names_for_checkers(module)
    homes = {name: home for home, names in vars(module)["_HOMES"].items() for name in names}
    assert named == homes
    assert sorted(named) == list(module.__all__)
    assert set(module.__all__) <= set(dir(module))


@pytest.mark.parametrize("module", LAZY)
def test_every_name_loads_from_its_home(module: ModuleType) -> None:
    for name, home in names_for_checkers(module).items():
        assert getattr(module, name) is getattr(importlib.import_module(home), name), name


def test_mmx_is_small_and_the_commands_repeat_nothing_of_it() -> None:
    assert len(mmx.__all__) <= 66
    assert set(mmx.__all__).isdisjoint(commands.__all__)


def test_no_name_equals_a_sub_package_which_would_hide_it() -> None:
    rooms = {module.name for module in pkgutil.iter_modules(mmx.__path__)}
    assert rooms.isdisjoint(mmx.__all__)


def test_a_misspelt_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="^module 'mmx' has no attribute 'sepc'$"):
        mmx.sepc  # type: ignore[attr-defined]  # noqa: B018 - it is looked up # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(AttributeError, match="^module 'mmx.commands' has no attribute 'sepc'$"):
        commands.sepc  # type: ignore[attr-defined]  # noqa: B018 - it is looked up # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(("name", "home"), MOVED.items())
def test_a_name_that_moved_says_where_it_stands(name: str, home: str) -> None:
    words = f"^module 'mmx' has no attribute '{name}'; it stands in {home}: from {home} import"
    with pytest.raises(AttributeError, match=words):
        getattr(mmx, name)
    with pytest.raises(ImportError, match=words):
        exec(f"from mmx import {name}", {})  # as a package of somebody else does
    assert hasattr(importlib.import_module(home), name)
    assert not hasattr(mmx, name)


def test_looking_for_a_sub_module_or_a_hidden_name_imports_nothing() -> None:
    code = "import sys, mmx; from mmx import commands; hasattr(mmx, '__wrapped__')\n"
    code += "print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize(
    "code", ["import mmx", "import mmx; mmx.Plugins().installed()", "import mmx_cli.main"]
)
def test_starting_leaves_heavy_libraries_out(code: str) -> None:
    heavy = [name for name in HEAVY if "cli" not in code or name != "pydantic"]  # typer brings it
    code = f"{code}\nimport sys\n"
    code += f"print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def beside_the_face(file: Path) -> list[str]:
    """Imports in a file that go into a package of core past what its face offers."""
    inside = file.relative_to(CORE).parts[0] if file.is_relative_to(CORE) else ""
    found = list[str]()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mmx."):
            package, _, inner = str(node.module).removeprefix("mmx.").partition(".")
            if package != inside and (CORE / package).is_dir():
                face = importlib.import_module(f"mmx.{package}")
                hidden = [one.name for one in node.names if one.name not in face.__all__]
                found += [f"{file.name}:{node.lineno}: {node.module}"] if inner or hidden else []
        if isinstance(node, ast.Import):
            deep = [one.name for one in node.names if one.name.startswith("mmx.")]
            found += [f"{file.name}:{node.lineno}: {name}" for name in deep if name.count(".") > 1]
    return found


def test_a_package_is_entered_by_its_face() -> None:
    homes = (CORE, CORE.parents[1] / "plugins", CORE.parents[1] / "cli")
    files = [file for home in homes for file in home.rglob("*.py")]
    assert len(files) > 300
    assert [fault for file in files for fault in beside_the_face(file)] == []


def test_an_import_past_a_face_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "method.py"
    lines = [
        "from mmx.blocks.cut import Cut",
        "from mmx.data import images",
        "import mmx.data.split",
    ]
    file.write_text("\n".join(lines))
    assert beside_the_face(file) == [
        "method.py:1: mmx.blocks.cut", "method.py:2: mmx.data", "method.py:3: mmx.data.split",
    ]  # fmt: skip
