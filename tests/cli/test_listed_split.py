"""A published split as lists of names, from the command line."""

from pathlib import Path

from typer.testing import CliRunner

from mmx_cli.main import app

SPEC = """name: lists
data:
  dataset: {type: table, path: cases.csv, text: note, label: dx, group: patient, id: name}
  narrative: {type: column, column: note}
  split:
    files: {train: train.txt, test: test.txt}
model: {text: tiny_text, fusion: text_only}
train: {epochs: 1}
evaluation: {explain: false}
"""


def test_faults_of_lists_stand_at_their_line(home: Path, tiny_plugin: Path) -> None:
    rows = [f"n{row},a spot of {row} mm,{'xy'[row % 2]},p{row}" for row in range(20)]
    (home / "cases.csv").write_text("\n".join(["name,note,dx,patient", *rows]))
    (home / "spec.yaml").write_text(SPEC)
    (home / "train.txt").write_text("\n".join(f"n{row}" for row in range(14)))
    words = ["run", str(home / "spec.yaml"), "--plugin", str(tiny_plugin)]
    for last, told in (
        ("n19\nn20", "test.txt:7:1: no row of the data set is named 'n20'"),
        ("", "spec.yaml:6:12: data.split.files: no file names n19"),
    ):
        held = [f"n{row}" for row in range(14, 19)]
        (home / "test.txt").write_text("\n".join([*held, last]))
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 2
        assert told in done.output, done.output
