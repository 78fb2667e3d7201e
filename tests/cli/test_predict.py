"""mmx predict and mmx evaluate: what is asked is answered, and what is not is said."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import mmx
from mmx_cli.main import app

SPEC = """
name: cases
data:
  dataset: {type: table, path: cases/cases.csv, images: [photo], text: notes, label: finding,
    group: person, record: [age, sex]}
  narrative: {type: column, column: notes}
  image: {height: 32, width: 32}
  split: {train: 0.5, validation: 0.25, test: 0.25}
model:
  image: tiny_image
  text: tiny_text
  fusion: concat
  head: {type: mlp, hidden: 8}
  projection: 8
train: {epochs: 1, batch_size: 8}
evaluation: {explain: false}
"""


@pytest.fixture
def table(write_cases: Callable[..., Path]) -> pd.DataFrame:
    return pd.read_csv(write_cases(24), dtype=str)


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
    write_cases_into: Callable[..., Path],
    tiny_plugin: Path,
) -> Path:
    """A run on such a table, trained once."""
    folder = tmp_path_factory.mktemp("trained")
    write_cases_into(folder / "cases", 24)
    (folder / "cases.yaml").write_text(SPEC, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMX_RUNS", str(folder / "runs"))
        patch.setenv("MMX_CACHE", str(folder / "cache"))
        return mmx.run(mmx.load_spec(folder / "cases.yaml", plugins=[tiny_plugin])).path


@pytest.fixture
def run(home: Path, table: pd.DataFrame, trained: Path) -> Path:
    """A copy of it beside the table."""
    assert len(table)
    return Path(shutil.copytree(trained, home / "runs" / trained.name))


@pytest.fixture
def told(run: Path, tiny_plugin: Path) -> Callable[..., Any]:
    """Run a command on the run: what it says, and its exit status."""

    def tell(command: str, *words: object) -> Any:
        plugin = ["--plugin", str(tiny_plugin)]
        return CliRunner().invoke(app, [command, str(run), *plugin, *map(str, words)])

    return tell


def test_one_case_and_many(told: Callable[..., Any], home: Path) -> None:
    photo = home / "cases/images/003.png"
    one = told("predict", "--image", photo, "--text", "note 3")
    assert one.exit_code == 0, one.output
    assert "malignant" in one.output
    many = told("predict", "--table", home / "cases/cases.csv", "--out", home / "out.csv")
    assert many.exit_code == 0, many.output
    row = pd.read_csv(home / "out.csv").iloc[3]
    assert f"{row['p_malignant']:.1%}" in one.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--text", "note 3"], "no column 'photo', which this run reads"),
        (["--image", "PHOTO"], "no column 'notes', which this run reads"),
        (["--image", "PHOTO", "--image", "PHOTO", "--text", "a"], "2 images are given"),
        (["--image", "PHOTO", "--text", "a", "--record", "weight=3"], "no column 'weight'"),
        (["--image", "PHOTO", "--text", "a", "--record", "age"], "must have the form"),
        (["--image", "PHOTO", "--text", "a", "--table", "x.csv"], "for one case, or --table"),
        ([], "for one case, or --table"),
        (["--image", "PHOTO", "--without", "words"], "'words' cannot be left out"),
        (["--table", "TABLE", "--column", "foto=photo"], "has no column 'foto'"),
        (["--table", "TABLE", "--column", "photo=foto"], "this run has no column 'foto'"),
        (["--table", "TABLE", "--column", "age=photo", "--column", "age=notes"], "'age' twice"),
        (["--table", "TABLE", "--image-column", "photo,nosuch"], "2 columns of images"),
        (["--table", "TABLE", "--text-column", "nosuch"], "has no column 'nosuch'"),
        (["--table", "TABLE", "--root", "nowhere"], "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_plain_words(
    told: Callable[..., Any], home: Path, words: list[str], said: str
) -> None:
    known = {"PHOTO": home / "cases/images/003.png", "TABLE": home / "cases/cases.csv"}
    result = told("predict", *(known.get(word, word) for word in words))
    assert result.exit_code == 2, result.output
    assert said in result.output


def test_an_absent_side_is_stated(told: Callable[..., Any], home: Path) -> None:
    photo = home / "cases/images/003.png"
    stated = told("predict", "--image", photo, "--without", "text")
    empty = told("predict", "--image", photo, "--text", "")
    assert stated.exit_code == empty.exit_code == 0, stated.output
    assert stated.output == empty.output


def test_rows_that_are_not_answered_are_told_with_a_status_of_their_own(
    told: Callable[..., Any], home: Path, table: pd.DataFrame
) -> None:
    table.loc[2, "photo"] = "images/nosuch.png"
    table.to_csv(home / "cases/new.csv", index=False)
    result = told("predict", "--table", home / "cases/new.csv", "--out", home / "out.csv")
    assert result.exit_code == 3
    assert "1 of 24 cases could not be read and are not answered:" in result.output
    written = pd.read_csv(home / "out.csv")
    assert len(written) == 24
    assert "nosuch.png" in written["reason"][2]
    assert written["predicted"].isna().tolist() == [row == 2 for row in range(24)]


def test_another_file_is_scored_by_mapping_its_columns_and_classes(
    told: Callable[..., Any], home: Path, table: pd.DataFrame
) -> None:
    other = table.rename(columns={"finding": "Befund", "photo": "Foto"}).iloc[::-1]
    other["Befund"] = other["Befund"].map({"benign": "gutartig", "malignant": "malignant"})
    other.iloc[:3, list(other).index("Befund")] = ["", "nur Haut", "nur Haut"]
    file = home / "cases/other.csv"
    other.to_csv(file, index=False)
    columns = ["--column", "Befund=finding", "--column", "Foto=photo"]
    plain = told("evaluate", "--data", file, *columns)
    assert plain.exit_code == 2
    assert "nur Haut (2) too" in plain.output
    assert "--class NEW=OLD" in plain.output
    scored = told(
        "evaluate", "--data", file, *columns, "--class", "gutartig=benign", "--drop-unknown"
    )
    assert scored.exit_code == 0, scored.output
    assert "21 samples of 21 groups" in scored.output
    assert "the run does not know are left out: nur Haut (2)" in scored.output
    assert "1 of 24 rows have no label" in scored.output
    assert "have the id of a sample" not in scored.output  # the rows have no ids
    for false, said in (("nosuch=benign", "no row has the label"), ("gutartig=x", "no class 'x'")):
        result = told("evaluate", "--data", file, *columns, "--class", false, "--drop-unknown")
        assert result.exit_code == 2
        assert said in result.output


@pytest.mark.parametrize("lacking", ["photo", "notes", "finding", "person"])
def test_a_table_without_a_column_is_not_scored(
    told: Callable[..., Any], home: Path, table: pd.DataFrame, lacking: str
) -> None:
    table.drop(columns=lacking).to_csv(home / "cases/new.csv", index=False)
    result = told("evaluate", "--data", home / "cases/new.csv")
    assert result.exit_code == 2
    assert f"has no column '{lacking}'" in result.output


def test_rows_that_cannot_be_read_are_in_no_score(
    told: Callable[..., Any], home: Path, table: pd.DataFrame
) -> None:
    table.loc[2, "photo"] = "images/nosuch.png"
    table.loc[3, ["photo", "notes", "age", "sex"]] = ""
    table.to_csv(home / "cases/new.csv", index=False)
    result = told("evaluate", "--data", home / "cases/new.csv")
    assert result.exit_code == 3
    assert "22 samples of 22 groups" in result.output
    assert "2 rows could not be read and are in no score:" in result.output


def test_the_run_s_own_table_gives_the_figures_of_its_test_part(
    told: Callable[..., Any], run: Path, home: Path
) -> None:
    result = told("evaluate", "--data", home / "cases/cases.csv")
    assert result.exit_code == 0, result.output
    assert "its test part is scored" in result.output
    value = mmx.Run(run).metrics["test"]["metrics"]["nll"]["value"]
    assert f"{value:.3f}" in result.output
