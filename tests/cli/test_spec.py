"""`mmx spec`: what it prints, and how it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mmx_cli.main import app

SPEC = """\
name: small
data:
  dataset: {type: synthetic, n: 40}
model: {image: timm, text: transformers, fusion: concat}
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A valid spec in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    Path("spec.yaml").write_text(SPEC)
    return "spec.yaml"


def test_a_valid_spec_is_called_valid(spec: str) -> None:
    result = CliRunner().invoke(app, ["spec", "check", spec])
    assert (result.exit_code, result.stdout) == (0, "spec.yaml is valid\n")


def test_all_faults_go_to_stderr_with_status_2(spec: str) -> None:
    Path(spec).write_text(SPEC.replace("concat", "concta").replace("n: 40", "m: 40"))
    result = CliRunner().invoke(app, ["spec", "check", spec, "--set", "train.epochs=x"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "spec.yaml:3:30: data.dataset.m: unknown key 'm'" in result.stderr
    assert "spec.yaml:4:50: model.fusion: no fusion 'concta' is installed; nearest: concat" in (
        result.stderr
    )
    assert "\n    --set train.epochs=x\n" in result.stderr
    assert result.stderr.endswith("3 faults\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "nowhere.yaml"],
        ["show", "nowhere.yaml"],
        ["diff", "nowhere.yaml", "nowhere.yaml"],
        ["check", "spec.yaml", "--plugin", "nowhere.py"],
        ["schema", "--out", "nowhere/schema.json"],
    ],
)
def test_a_mistake_ends_with_plain_words(spec: str, arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["spec", *arguments])
    assert result.exit_code == 2
    assert "nowhere" in result.stderr
    assert "Traceback" not in result.stderr


def test_show_fills_in_every_default_and_loads_back(spec: str) -> None:
    shown = CliRunner().invoke(app, ["spec", "show", spec, "--set", "model.fusion=image_only"])
    assert shown.exit_code == 0
    assert "batch_size: 32" in shown.stdout
    Path("again.yaml").write_text(shown.stdout)
    again = CliRunner().invoke(app, ["spec", "show", "again.yaml"])
    assert again.stdout == shown.stdout


def test_diff_names_what_differs(spec: str) -> None:
    Path("other.yaml").write_text("base: spec.yaml\nmodel: {head: {hidden: 8}}\nseed: 3\n")
    result = CliRunner().invoke(app, ["spec", "diff", spec, "other.yaml"])
    assert result.stdout.splitlines() == ["seed: 0 -> 3", "model.head.hidden: 256 -> 8"]
    same = CliRunner().invoke(app, ["spec", "diff", spec, spec])
    assert same.stdout == "no difference\n"


def test_the_schema_is_printed_or_written(spec: str) -> None:
    printed = CliRunner().invoke(app, ["spec", "schema"])
    written = CliRunner().invoke(app, ["spec", "schema", "--out", "schema.json"])
    assert (printed.exit_code, written.exit_code) == (0, 0)
    assert json.loads(printed.stdout) == json.loads(Path("schema.json").read_text())
