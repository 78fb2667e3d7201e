"""Runs whose columns came from several tables, and cases whose columns do."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from asked_table import shares, table
from typer.testing import CliRunner

import mmx
from mmx.inference import CaseTable, grouped, require
from mmx.interfaces import Layout
from mmx_cli.main import app


@pytest.fixture(scope="session")
def tables(place: Path) -> dict[str, Path]:
    """The columns of cases.csv in several files."""
    rows, found = table(place), dict[str, Path]()
    parts = {"truth": ["dx", "derm"], "notes": ["notes"], "who": ["patient"]}
    for name, columns in parts.items():
        found[name] = place / f"{name}.csv"
        rows[["case", *columns]].to_csv(found[name], index=False)
    return found


@pytest.fixture(scope="session")
def run(run_of: Callable[[str], mmx.Run], tables: dict[str, Path]) -> Path:
    assert tables
    return run_of("joined").path


def test_cases_of_several_tables_are_answered_like_those_of_one(
    run: Path, place: Path, tables: dict[str, Path], tiny_plugin: Path
) -> None:
    whole = mmx.predict(run, place / "cases.csv", plugins=[tiny_plugin])
    parts = mmx.ask(run, tables["truth"], join=[tables["notes"]], plugins=[tiny_plugin])
    pd.testing.assert_frame_equal(parts.table, whole)
    assert "notes.csv is joined by case, and adds notes" in parts.notes
    some = pd.read_csv(tables["truth"], dtype=str)[3:6][::-1]
    found = mmx.predict(run, some, join=[tables["notes"]], root=place, plugins=[tiny_plugin])
    pd.testing.assert_frame_equal(shares(found), shares(whole.loc[[5, 4, 3]]))


def test_what_is_lacking_is_told_with_the_table_that_the_run_had_it_from(
    run: Path, tables: dict[str, Path], tiny_plugin: Path
) -> None:
    def told(command: str, *words: object) -> tuple[int, str]:
        given = [command, run, "--plugin", tiny_plugin, *words]
        done = CliRunner().invoke(app, [*map(str, given)])
        return done.exit_code, " ".join(done.output.split())

    code, words = told("predict", "--table", tables["truth"])
    assert code == 2
    assert "no column 'notes', which this run reads" in words
    assert f"it has 'notes' from {tables['notes']}. Join the table" in words
    code, words = told("evaluate", "--data", tables["truth"])
    assert code == 2
    assert f"'notes' from {tables['notes']}, and 'patient' from {tables['who']}." in words
    join = ("--join", tables["notes"], "--join", tables["who"])
    code, words = told("evaluate", "--data", tables["truth"], *join)
    assert code == 0, words
    assert "these are the rows of the run: its test part is scored" in words
    assert "who.csv is joined by case, and adds patient" in words
    code, words = told("predict", "--text", "a spot", "--join", tables["who"])
    assert code == 2
    assert "cannot be joined to a single case" in words


@pytest.mark.parametrize("column", ["age", "photo", "dx"])
def test_columns_of_a_table_that_is_gone_may_have_been_its(tmp_path: Path, column: str) -> None:
    own, gone = tmp_path / "own.csv", tmp_path / "gone.csv"
    own.write_text("image\na\n", encoding="utf-8")
    layout = Layout(record=("age",), label="dx", images={"image": ("photo",)}, tables=(own, gone))
    cases = CaseTable(pd.DataFrame({"who": ["x"]}), tmp_path, "new.csv")
    with pytest.raises(mmx.DataError, match=f"it has '{column}' from .*gone.csv, no longer there"):
        require(cases, ["image", column], layout)
    with pytest.raises(mmx.DataError) as refused:  # a column of the table itself
        require(cases, ["image"], Layout(tables=(own,)))
    assert "joins" not in str(refused.value)


def test_cases_that_tell_no_group_are_answered(tmp_path: Path) -> None:
    cells = pd.DataFrame({"path": ["p1/a", "other", None]})
    layout = Layout(group="path", group_pattern=r"p\d+", images={"image": ("path",)})
    found, own = grouped(CaseTable(cells, tmp_path, "new.csv"), layout)
    assert found.cells[str(own.group)].tolist() == ["p1", "row 3", "row 4"]
    assert found.cells["path"].tolist() == cells["path"].tolist()
