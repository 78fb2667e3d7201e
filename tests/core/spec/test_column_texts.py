"""Columns of sentences, and of names of text files: which are read, left out and asked about."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas
import pytest
import yaml

from mmx.commands import Columns, guess_columns, write_template

ROWS = 60
PLAIN: Mapping[str, Callable[[int], str]] = {
    "image": lambda row: f"f{row}.png",
    "dx": lambda row: "abcbacc"[row % 7],
    "age": lambda row: str(20 + row * 7 % 60),
}


def guessed(folder: Path, columns: Mapping[str, Callable[[int], str]], **given: str) -> Columns:
    table = {name: [cell(row) for row in range(ROWS)] for name, cell in columns.items()}
    return guess_columns(pandas.DataFrame(table), folder, given=given)


def test_several_columns_of_sentences_are_all_texts(tmp_path: Path) -> None:
    told = {
        "history": lambda row: f"itching for {row} weeks now and growing",
        "complaint": lambda row: f"a spot that bleeds since day {row}",
        "remark": lambda row: ("seen by two doctors before", "none of these at all")[row % 2],
    }
    found = guessed(tmp_path, {**PLAIN, **told})
    assert (found.text, found.texts) == ("history", ("complaint",))
    assert "the further ones hold sentences too" in found.reasons["text"]
    assert any(line.startswith("text: history, complaint (") for line in found.told())


def test_a_report_is_not_read_unless_somebody_says_so(tmp_path: Path) -> None:
    report = {"report": lambda row: f"there is a shadow of {row} mm in the lung"}
    found = guessed(tmp_path, {**PLAIN, **report})
    assert (found.text, "report" in found.left_out) == (None, True)
    assert "was 'report' written before the diagnosis?" in found.questions[0]
    assert guessed(tmp_path, {**PLAIN, **report}, text="report").text == "report"


def test_files_of_texts_are_a_question_with_the_key_that_reads_them(tmp_path: Path) -> None:
    files = {"letter": lambda row: f"letters/{row}.txt"}
    found = guessed(tmp_path, {**PLAIN, **files})
    assert found.left_out["letter"] == "its values are names of text files"
    assert "data.dataset.text_files: [letter]" in found.questions[0]


def test_files_of_texts_are_read_where_their_name_says_so_and_all_are_there(tmp_path: Path) -> None:
    files = {"history": lambda row: f"{row}.txt"}
    absent = guessed(tmp_path, {**PLAIN, **files})
    assert absent.text is None
    assert "data.dataset.text_files: [history]" in absent.questions[0]
    (tmp_path / "letters").mkdir()
    for row in range(ROWS):
        (tmp_path / f"letters/{row}.txt").write_text("itches", encoding="utf-8")
    found = guessed(tmp_path, {**PLAIN, **files})
    assert (found.text, found.text_files) == ("history", True)
    assert "letters" in (found.root, *found.roots)
    out = tmp_path / "spec.yaml"
    write_template(out, table=tmp_path / "t.csv", columns=found)
    written = yaml.safe_load(out.read_text("utf-8"))["data"]
    assert written["dataset"]["text_files"] == ["history"]
    assert "text" not in written["dataset"]
    assert written["narrative"] == {"type": "joined", "column": "history"}


@pytest.mark.parametrize("there", [True, False])
def test_files_of_texts_are_read_where_the_user_names_their_column(
    tmp_path: Path, there: bool
) -> None:
    if there:
        (tmp_path / "letters").mkdir()
        for row in range(ROWS):
            (tmp_path / f"letters/{row}.txt").write_text("itches", encoding="utf-8")
    found = guessed(tmp_path, {**PLAIN, "report": lambda row: f"{row}.txt"}, text="report")
    assert (found.text, found.text_files) == ("report", True)
    told = "60 of 60 files are in letters" if there else "mend data.dataset.root"
    assert told in found.reasons["text"]
    assert ("letters" in (found.root, *found.roots)) == there
    assert ("files of texts are there" in found.reasons.values()) == there
    out = tmp_path / "spec.yaml"
    write_template(out, table=tmp_path / "t.csv", columns=found)
    dataset = yaml.safe_load(out.read_text("utf-8"))["data"]["dataset"]
    assert dataset["text_files"] == ["report"]
    assert "text" not in dataset
