"""Life-cycle functions of a module, as plugins for API 1 have them, through one adapter."""

from collections.abc import Callable
from pathlib import Path

import pytest

import mmx
from mmx import commands

MOMENTS = {
    "mmx_run_started": "run_path, spec",
    "mmx_epoch_ended": "run_path, epoch, values",
    "mmx_report_sections": "run_path, metrics",
    "mmx_run_finished": "run_path, metrics",
}
FUSION = """
from typing import Literal

from mmx_plugins.fusion.concat import ConcatParams


class BesidesParams(ConcatParams):
    type: Literal["besides"] = "besides"


@mmx.hookimpl
def mmx_components():
    return [BesidesParams]
"""


def module(home: Path, name: str, body: str, more: str = "") -> Path:
    """A plugin file whose life-cycle functions do the same."""
    hooks = [f"@mmx.hookimpl\ndef {one}({given}):\n    {body}\n" for one, given in MOMENTS.items()]
    file = home / f"{name}.py"
    file.write_text(f'"""A tracker."""\nfrom pathlib import Path\n\nimport mmx\n\n{more}\n')
    file.write_text(file.read_text() + "\n\n".join(hooks))
    return file


@pytest.fixture
def watched(home: Path, tiny_spec: Path, tiny_plugin: Path) -> Callable[..., mmx.Spec]:
    """Load the tiny spec with plugin files, and changes."""

    def load(*files: Path, words: str) -> mmx.Spec:
        overrides = ["train.epochs=2", words]
        return mmx.load_spec(tiny_spec, overrides=overrides, plugins=[tiny_plugin, *files])

    return load


class Heard:
    """Keeps the words of a run."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def progress(self, progress: commands.Progress) -> None:
        """Nothing."""

    def message(self, text: str) -> None:
        """Keep them."""
        self.messages.append(text)


def test_they_are_called_once_each_with_the_names_that_they_ask_for(
    home: Path, watched: Callable[..., mmx.Spec]
) -> None:
    body = f"with Path({str(home / 'seen')!r}).open('a') as f: f.write(run_path.name + '\\n')"
    run = mmx.run(watched(module(home, "old", body), words="hooks=[old]"))
    assert (home / "seen").read_text().splitlines() == [run.path.name] * 5
    assert "type: old\n" in (run.path / "resolved.yaml").read_text()


def test_their_failures_name_the_line_of_the_module(
    home: Path, watched: Callable[..., mmx.Spec]
) -> None:
    file, heard = module(home, "down", "raise ConnectionError('no server')"), Heard()
    spec = watched(file, words="hooks=[down]")
    assert (mmx.run(spec, observer=heard).path / "finished.json").is_file()
    lines = file.read_text().splitlines()
    place = next(row for row, text in enumerate(lines, 1) if "mmx_epoch_ended" in text) + 1
    words = f"down: its method epoch_ended failed: {file}:{place}: ConnectionError: no server"
    assert any(words in line for line in heard.messages), heard.messages
    with pytest.raises(mmx.PluginError, match="down, which the spec requires, failed"):
        mmx.run(watched(file, words="hooks=[{type: down, required: true}]"))


def test_those_of_a_method_take_part_where_the_spec_names_the_method(
    home: Path, watched: Callable[..., mmx.Spec]
) -> None:
    body = f"with Path({str(home / 'seen')!r}).open('a') as f: f.write('x')"
    file = module(home, "besides", body, FUSION)
    mmx.run(watched(file, words="seed=0"))
    assert not (home / "seen").exists()
    mmx.run(watched(file, words="model.fusion=besides"))
    assert (home / "seen").read_text() == "xxxxx"


def test_the_same_class_comes_back_and_is_described(home: Path) -> None:
    plugins = mmx.Plugins(path=[], files=[module(home, "old", "pass")])
    params = plugins.find("hook", "old")
    assert plugins.find("hook", "old") is params
    assert plugins.source_of(params).package == "local"
    assert commands.describe("hook.old", plugins=plugins).text == "A tracker."
    other = mmx.Plugins(path=[], files=[home / "old.py"])
    assert other.find("hook", "old") is not params
