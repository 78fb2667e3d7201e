"""`mmx init --record`: the record as a modality, by its facts, dates and codes for missing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas
import pytest
import yaml

from mmx import DataError
from mmx.commands import Columns, guess_columns, with_record, write_template

ROWS = 40
PLAIN: Mapping[str, Any] = {
    "image": lambda row: f"{row}.jpg",
    "dx": lambda row: "ab"[row % 2],
    "age": lambda row: str(20 + row * 7 % 60),
    "sex": lambda row: "fm"[row // 2 % 2],
}


def found(folder: Path, **more: Any) -> tuple[Columns, dict[str, Any]]:
    cells = {name: [cell(row) for row in range(ROWS)] for name, cell in {**PLAIN, **more}.items()}
    table = pandas.DataFrame(cells)
    columns = with_record(guess_columns(table, folder), table)
    write_template(folder / "spec.yaml", table=folder / "cases.csv", columns=columns, force=True)
    return columns, yaml.safe_load((folder / "spec.yaml").read_text())


def test_facts_are_read_by_themselves_and_no_sentence_tells_them(tmp_path: Path) -> None:
    columns, spec = found(tmp_path)
    assert spec["model"]["record"] == {"type": "tabular"}
    assert spec["data"]["dataset"]["record"] == ["age", "sex"]
    assert "text" not in spec["model"]
    assert "narrative" not in spec["data"]
    assert spec["model"]["fusion"] == "concat"
    assert "encoder: tabular (each fact is read by itself, by --record)" in columns.told()


def test_sentences_stay_a_text_beside_it(tmp_path: Path) -> None:
    _, spec = found(tmp_path, history=lambda row: f"a spot that has grown for {row} weeks")
    assert spec["data"]["narrative"] == {"type": "column", "column": "history"}
    assert {"image", "text", "record"} <= {*spec["model"]}


@pytest.mark.parametrize(
    ("exam", "onset", "since"),
    [
        ("2023-04-{:02d}", "2022-01-{:02d}", True),
        ("{:02d}.04.2023", "{:02d}.12.2022", True),
        ("2021-04-{:02d}", "2022-01-{:02d}", False),  # before the onset
        ("04/{:02d}/2023", "01/{:02d}/2022", False),  # nobody knows which is the month
    ],
)
def test_an_event_before_the_examination_becomes_days(
    tmp_path: Path, exam: str, onset: str, since: bool
) -> None:
    dates = {
        "visit date": lambda row: exam.format(row % 27 + 1),
        "onset": lambda row: onset.format(row * 5 % 27 + 1),
        "birth date": lambda row: f"19{row % 60 + 30}-01-02",
    }
    columns, spec = found(tmp_path, **dates)
    asked = {"type": "tabular", "since": {"visit date": "onset"}} if since else {"type": "tabular"}
    assert spec["model"]["record"] == asked
    assert columns.record == ("age", "sex", *(("visit date", "onset") if since else ()))
    assert columns.left_out["birth date"] == "it names a person"


def test_a_code_for_missing_is_missing(tmp_path: Path) -> None:
    columns, spec = found(tmp_path, scale=lambda row: ("1", "3", "-1", "4")[row * 3 % 7 % 4])
    assert spec["model"]["record"]["missing_codes"] == {"scale": [-1]}
    assert not columns.questions


def test_a_table_without_facts_has_no_such_modality(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no facts of the patient"):
        found(tmp_path, age=lambda _: "", sex=lambda _: "")
