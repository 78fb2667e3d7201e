"""A new package is written whole, or not at all, and its names are free."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from mmx import PluginError, commands
from mmx.plugins import KINDS, Plugins
from mmx.scaffold import new_plugin
from mmx.scaffold.package import BESIDE, WHERE
from mmx.testing import check


def test_each_kind_has_a_template() -> None:
    assert {*WHERE} == {*KINDS}


@pytest.mark.parametrize("kind", WHERE)
def test_a_package_has_all_that_pip_and_git_ask_for(kind: str, tmp_path: Path) -> None:
    root = new_plugin(kind, "cross-talk", tmp_path)
    assert root == tmp_path / "mmx-cross-talk"
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert files == {
        ".gitignore", "LICENSE", "README.md", "pyproject.toml", "src/mmx_cross_talk/__init__.py",
        "src/mmx_cross_talk/cross_talk.py", "src/mmx_cross_talk/py.typed",
        "tests/test_cross_talk.py",
    }  # fmt: skip
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["name"] == "mmx-cross-talk"
    assert project["dependencies"] == ["mmx>=0.1,<1"]
    points = project["entry-points"]["mmx"]
    kinds = (kind, *BESIDE.get(kind, ()))
    assert points == {f"{one}.cross_talk": "mmx_cross_talk.cross_talk" for one in kinds}


@pytest.mark.parametrize("kind", WHERE)
def test_the_method_keeps_the_laws_as_it_is_written(kind: str, tmp_path: Path) -> None:
    root = new_plugin(kind, "cross_talk", tmp_path)
    plugins = Plugins(path=[])
    added = plugins.add_file(root / "src/mmx_cross_talk/cross_talk.py")
    assert (added.key, added.status) == (f"{kind}.cross_talk", "found")
    assert added.summary.startswith("CrossTalk: ")
    params = plugins.find(kind, "cross_talk")
    assert params.source
    assert params.__name__ == "CrossTalkParams"
    declared = set(params.expected_failures)
    method = params.model_validate({"folder": _folder(tmp_path)}) if kind == "dataset" else params
    left = [law for law in check(method) if law.status != "passed" and law.name not in declared]
    assert left == []


def _folder(above: Path) -> Path:
    """Two classes with two images each."""
    for name in ("a/p1_1.png", "a/p2_1.png", "b/p3_1.png", "b/p4_1.png"):
        file = above / "images" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(file)
    return above / "images"


def test_the_encoder_of_a_new_input_kind_keeps_its_laws_too(tmp_path: Path) -> None:
    file = new_plugin("input", "cross_talk", tmp_path) / "src/mmx_cross_talk/cross_talk.py"
    params = Plugins(path=[], files=[file]).find("encoder", "cross_talk")
    assert [law for law in check(params) if law.status not in ("passed", "not run")] == []


@pytest.mark.parametrize("kind", WHERE)
def test_what_is_written_is_clean_for_formatter_linter_and_type_checker(
    kind: str, tmp_path: Path
) -> None:
    root = new_plugin(kind, "cross_talk", tmp_path)
    checks = ["check", "--select", "E,F,I,UP,B"], ["check", "--select", "D101,D102,D103", "src"]
    for words in (["format", "--check"], *checks):
        command = [sys.executable, "-m", "ruff", *words]
        done = subprocess.run(command, capture_output=True, text=True, cwd=root)
        assert done.returncode == 0, done.stdout + done.stderr
    for file in root.rglob("*.py"):
        tree = ast.parse(file.read_text())
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        assert all(function.returns for function in functions)


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("fusion", "gated", "fusion.gated is installed already, by mmx 0.1.0; choose another name"),
        ("fusion", "mmx-gated", "fusion.gated is installed already"),
        ("fusion", "plugins", "the module mmx_plugins is installed already"),
        ("fusion", "Cross", "'Cross' cannot be a name; write lower-case letters"),
        ("fusion", "3d", "a letter first, such as cross_talk"),
        ("fusion", "a b", "cannot be a name"),
        ("fusion", "../a", "cannot be a name"),
        ("fusion", "a__b", "cannot be a name"),
        ("fusion", "ends_", "cannot be a name"),
        ("fusion", "", "cannot be a name"),
        ("fusion", "lambda", "'lambda' means something else already"),
        ("head", "head", "'head' means something else already"),
        ("task", "focal", "loss.focal is installed already, by mmx 0.1.0; choose another name"),
        ("fuson", "odd", "there is no kind 'fuson'; nearest: fusion"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_and_nothing_is_written(
    kind: str, name: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(PluginError) as caught:
        new_plugin(kind, name, tmp_path)
    assert words in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_another_kind_is_free(tmp_path: Path) -> None:
    assert new_plugin("loss", "gated", tmp_path).is_dir()


def test_what_another_distribution_provides_is_taken(
    install: Callable[..., Path], film: str, tmp_path: Path
) -> None:
    folder = install("mmx-film", {"fusion.wide_film": "film_a"}, {"film_a.py": film})
    with pytest.raises(PluginError, match=r"installed already, by mmx-film 1\.0"):
        new_plugin("fusion", "wide-film", tmp_path, plugins=Plugins(path=[str(folder)]))


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    root = new_plugin("fusion", "cross_talk", tmp_path / "made" / "here")
    (root / "README.md").write_text("mine")
    with pytest.raises(PluginError, match="is there already, and nothing is overwritten"):
        new_plugin("fusion", "cross_talk", tmp_path / "made" / "here")
    assert (root / "README.md").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_told_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PluginError, match="cannot be written: Not a directory"):
        commands.new_plugin("fusion", "cross_talk", tmp_path / "file")
