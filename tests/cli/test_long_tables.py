"""A table with a row for each image, from the command line: run, predict, evaluate, audit."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas
import pytest
from typer.testing import CliRunner, Result

from mmx_cli.main import app

SPEC = """
name: long
data:
  dataset:
    type: table
    path: {path}
    case: study_id
    images: [dicom_id]
    view: ViewPosition
    views: {{frontal: [PA, AP], lateral: [LL]}}
    order: number
    group: dicom_id
    group_pattern: 'p[0-9]+'
    label: finding
    record: []
    suffix: .png
  split: {{column: split}}
  image: {{height: 16, width: 16}}
model:
  encoders: {{frontal: {{type: sequence, backbone: tiny_image}}, lateral: tiny_image}}
  fusion: concat
  projection: 4
train: {{epochs: 1, batch_size: 8, precision: fp32}}
evaluation: {{explain: false}}
audit: {{waive: {{file_traces: drawn data}}}}
"""
COLUMNS = [
    "dicom_id",
    "study_id",
    "subject_id",
    "ViewPosition",
    "number",
    "finding",
    "age",
    "split",
]


def here(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def rows(write_image: Callable[..., Path]) -> list[dict[str, str]]:
    """24 studies of 12 patients: two frontal images, and a lateral one of two studies in three."""
    found = []
    for study in range(24):
        views = [("PA", "1"), ("AP", "2"), *([("LL", "1")] if study % 3 != 1 else [])]
        for place, (view, number) in enumerate(views):
            name = f"p{study // 2}_{study}_{place}"  # paths often tell the patient
            write_image(f"{name}.png", width=16, height=16, seed=10 * study + place)
            part = ("train", "train", "validate", "test")[study // 2 % 4]
            values = (name, f"s{study}", f"p{study // 2}", view, number,
                      ("edema", "well")[study // 8 % 2], str(20 + study), part)  # fmt: skip
            found.append(dict(zip(COLUMNS, values, strict=True)))
    return found


def write(path: Path, table: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        out = csv.DictWriter(file, COLUMNS)
        out.writeheader()
        out.writerows(table)
    return path


def probabilities(path: Path) -> Mapping[str, float]:
    table = pandas.read_csv(path)
    return {str(name): float(p) for name, p in zip(table["id"], table["p_edema"], strict=True)}


def ran(home: Path, plugin: Path, table: Path) -> Path:
    """The folder of a run on a long table."""
    spec = home / "spec.yaml"
    spec.write_text(SPEC.format(path=table))
    done = here("run", spec, "--plugin", plugin)
    assert done.exit_code == 0, done.output
    (run,) = (home / "runs").iterdir()
    return run


def test_a_long_table_is_run_audited_and_scored_by_case(
    home: Path, tiny_plugin: Path, write_image: Callable[..., Path]
) -> None:
    path = write(write_image("any.png").parent / "long.csv", rows(write_image))
    run = ran(home, tiny_plugin, path)
    assert "64 rows are 24 cases (case: study_id)" in (run / "report.html").read_text("utf-8")
    scored = here("evaluate", run, "--data", path, "--plugin", tiny_plugin)
    assert scored.exit_code == 0, scored.output
    assert "these are the rows of the run" in scored.output
    assert "6 samples of 3 groups" in scored.output
    audited = here("audit", home / "spec.yaml", "--out", home / "audit", "--plugin", tiny_plugin)
    assert audited.exit_code == 0, audited.output
    assert "0 errors" in audited.output


def test_a_case_is_answered_alike_from_a_long_table_and_by_its_images(
    home: Path, tiny_plugin: Path, write_image: Callable[..., Path]
) -> None:
    table, folder = rows(write_image), write_image("any.png").parent
    plugin = ("--plugin", tiny_plugin)
    run = ran(home, tiny_plugin, write(folder / "long.csv", table))
    # in another order, and s0 without its first frontal image
    new = write(folder / "new.csv", [*table[5:11][::-1], *table[1:3]])
    out = home / "out.csv"
    told = here("predict", run, "--table", new, "--out", out, *plugin)
    assert told.exit_code == 0, told.output
    of_table = probabilities(out)
    assert [*of_table] == ["s3", "s2", "s0"]
    images = [("frontal", "p1_3_0"), ("frontal", "p1_3_1"), ("lateral", "p1_3_2")]
    named = [f"{kind}={folder / name}.png" for kind, name in images]
    one = here("predict", run, *(word for name in named for word in ("--image", name)), *plugin)
    assert one.exit_code == 0, one.output
    assert f"{of_table['s3']:6.1%}" in one.stdout


def test_a_fact_that_differs_within_a_case_is_refused(
    home: Path, tiny_plugin: Path, write_image: Callable[..., Path]
) -> None:
    table = rows(write_image)
    table[1]["finding"] = "well"
    spec = home / "spec.yaml"
    spec.write_text(SPEC.format(path=write(write_image("any.png").parent / "long.csv", table)))
    refused = here("run", spec, "--plugin", tiny_plugin)
    assert refused.exit_code == 2
    assert (
        "case s0: column 'finding' differs between its rows: 'edema' in row 2, 'well' in row 3"
        in refused.output
    )


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("case: study_id", "case: study"), "case: "),
        (("order: number", "order: slice"), "order: "),
        (("view: ViewPosition", "view: View"), "view: "),
        (("lateral: [LL]", "lateral: [LAT]"), "views.lateral: no row shows 'LAT'"),
        (("    case: study_id\n", ""), "name its column: case: COLUMN"),
    ],
)
def test_settings_that_the_table_contradicts_are_told_at_their_line(
    change: tuple[str, str], place: str, home: Path, tiny_plugin: Path,
    write_image: Callable[..., Path],
) -> None:  # fmt: skip
    path = write(write_image("any.png").parent / "long.csv", rows(write_image)[:6])
    spec = home / "spec.yaml"
    spec.write_text(SPEC.format(path=path).replace(*change))
    refused = here("run", spec, "--plugin", tiny_plugin)
    assert refused.exit_code == 2, refused.output
    assert f"{spec.name}:" in refused.output
    assert place in refused.output
