"""mmx reproduce: exit status 0, 1 and 2."""

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner

import mmx
from mmx.runs import RunFolder
from mmx_cli.main import app


def test_identical_different_and_impossible(
    load: Callable[..., mmx.Spec], home: Path, tiny_plugin: Path
) -> None:
    run = mmx.run(load("train.epochs=1")).path
    words = ["reproduce", str(run), "--plugin", str(tiny_plugin)]
    again = CliRunner().invoke(app, [*words, "--out", str(home / "again")])
    assert again.exit_code == 0, again.stderr
    assert again.stdout.count(" identical\n") == 4
    assert f"made again in {home / 'again' / run.name}" in again.stdout
    altered = CliRunner().invoke(app, [*words, "--set", "train.epochs=2"])
    assert altered.exit_code == 1
    assert "DIFFERENT: something that decides the numbers has changed" in altered.stdout
    environment = json.loads((run / "environment.json").read_text())
    (run / "environment.json").write_text(json.dumps({**environment, "plugins": ["gone.py"]}))
    RunFolder(run).finish()
    impossible = CliRunner().invoke(app, words)
    assert impossible.exit_code == 2
    assert "name it yourself: --plugin 'gone.py'" in impossible.stderr
