"""mmx narratives prints what a model will read."""

from pathlib import Path

from typer.testing import CliRunner

from mmx_cli.main import app


def told(*words: str) -> str:
    result = CliRunner().invoke(app, ["narratives", *words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_it_prints_as_many_as_asked_for_from_every_class(
    tiny_spec: Path, tiny_plugin: Path
) -> None:
    output = told(str(tiny_spec), "--n", "6", "--plugin", str(tiny_plugin))
    heads = [line for line in output.splitlines() if line and not line.startswith(" ")]
    assert len(heads) == 6
    assert len({line.split()[1] for line in heads}) == 3


def test_it_warns_of_texts_that_know_the_label(tiny_spec: Path, tiny_plugin: Path) -> None:
    leaky = ["--set", "data.narrative={type: rangm, level: oracle}",
             "--set", 'audit.waive={text_tells_label: "to show it"}']  # fmt: skip
    assert "LEAKY" in told(str(tiny_spec), "--plugin", str(tiny_plugin), *leaky)


def test_each_of_several_texts_stands_under_the_name_of_its_modality(
    tiny_spec: Path, tiny_plugin: Path
) -> None:
    two = "data.narratives={text: {type: column, column: text}, facts: template}"
    output = told(str(tiny_spec), "--n", "3", "--plugin", str(tiny_plugin), "--set", two)
    named = [line.split(":")[0] for line in output.splitlines() if line.startswith("  ")]
    assert named == ["  text", "  facts"] * 3
