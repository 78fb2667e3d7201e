"""Texts in files: found below the roots alone, read once; a wrong one is a row with a reason."""

import re
from pathlib import Path
from typing import Any

import pandas
import pytest

from mmx import DataError, TableRows, load_spec
from mmx.blocks import read_plain_text
from mmx.data import WrittenText, text_files
from mmx.interfaces import Layout
from mmx.pipeline.open_dataset import open_dataset
from mmx.runs import Progress, SilentObserver

SPEC = """
name: reports
data:
  dataset: {type: table, path: table.csv, label: finding, group: null, text_files: report}
  narrative: {type: column, column: report}
model: {text: transformers, fusion: only}
"""


def rows(folder: Path, cells: list[Any], **layout: Any) -> TableRows:
    table = pandas.DataFrame(
        {"report": pandas.Series(cells, dtype=object), "age": range(len(cells))}
    )
    found = {"text_files": ("report",), "record": ("age",), **layout}
    return TableRows(Layout(**found), table, folder)


def texts(found: TableRows) -> list[object]:
    return [sample.record["report"] for sample in found]


def test_a_cell_names_a_file_below_its_root(tmp_path: Path) -> None:
    (tmp_path / "p10").mkdir()
    (tmp_path / "p10" / "s5.txt").write_text(" HISTORY: cough \n")
    (tmp_path / "empty.txt").write_text(" \n")
    found = rows(tmp_path, ["p10/s5.txt", "empty.txt", None, "p10/s5.txt"])
    assert texts(found) == ["HISTORY: cough", None, None, "HISTORY: cough"]
    assert found[0].roles["text"] == "report"
    assert found[0].texts == ("report",)
    (told,) = found.notes
    assert told.startswith("1 of 2 files of column 'report' are empty, such as empty.txt;")


def test_further_roots_are_looked_in(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").write_text(name)
    found = rows(tmp_path, ["two.txt", "one.txt"], root=tmp_path / "one", roots=(tmp_path / "two",))
    assert texts(found) == ["two", "one"]


def test_a_file_that_several_rows_name_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("a")
    read: list[Path] = []

    def noted(path: Path, encoding: str | None) -> Any:
        read.append(path)
        return read_plain_text(path, encoding)

    monkeypatch.setattr(text_files, "read_plain_text", noted)
    assert texts(rows(tmp_path, ["a.txt"] * 5)) == ["a"] * 5
    assert len(read) == 1


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("gone.txt", "column 'report': 'gone.txt': there is no such file"),
        ("../out.txt", "leaves the folder"),
        ("/etc/hostname", "leaves the folder"),
        ("link.txt", "leaves the folder"),
        ("a\0b.txt", "null byte"),
        ("sub", "a folder"),
        ("https://a.org/b.txt", "is an address"),
        ("scan.txt", "a PDF"),
        ("sub/..", "folder"),
        ("x" * 300 + ".txt", "cannot be read|no such file"),
    ],
)
def test_a_wrong_file_is_a_row_with_its_reason(tmp_path: Path, cell: str, reason: str) -> None:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "out.txt").write_text("a secret")
    (root / "link.txt").symlink_to(tmp_path / "out.txt")
    (root / "scan.txt").write_bytes(b"%PDF-1.4")
    (root / "good.txt").write_text("good")
    found = rows(root, ["good.txt", cell])
    assert texts(found) == ["good"]
    (fault,) = found.rejected
    assert fault.row == "row 3"
    assert re.search(reason, fault.reason)


def test_guessed_encodings_are_told_with_an_example(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("kein Erguss, Größe unverändert".encode("cp1252"))
    (tmp_path / "b.txt").write_text("Größe")
    found = rows(tmp_path, ["a.txt", "b.txt"])
    assert texts(found) == ["kein Erguss, Größe unverändert", "Größe"]
    assert "1 of 2 files of column 'report' are not UTF-8" in found.notes[0]
    assert "'Größe' in a.txt" in found.notes[0]


def test_programs_give_texts_and_paths_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("of a file")
    given = [WrittenText("as it is"), tmp_path / "a.txt", ""]
    assert texts(rows(tmp_path / "elsewhere", given)) == ["as it is", "of a file", None]


def test_names_of_files_are_never_read_as_texts(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="to read the files: text_files: report"):
        rows(tmp_path, ["a.txt", "b.txt"], text_files=(), text="report")
    told = rows(tmp_path, ["a.txt", "b.txt"], text_files=(), record=("report",)).notes
    assert "column 'report' holds names of files, such as 'a.txt'" in told[0]


def test_progress_is_told_from_the_first_moment_on(tmp_path: Path) -> None:
    for number in range(70):
        (tmp_path / f"{number}.txt").write_text(f"text {number}")
    cells = [*(f"{number}.txt" for number in range(70)), "3.txt", "gone.txt"]
    table = pandas.DataFrame({"report": pandas.Series(cells, dtype=object)})
    told: list[tuple[int, int]] = []
    layout = Layout(text_files=("report",))
    found = TableRows(layout, table, tmp_path, told=lambda done, total: told.append((done, total)))
    assert told[0] == (0, 72)  # cells, before a file is looked at
    assert told[1:] == [(done, 71) for done in range(1, 72)]  # files
    assert texts(found) == [*(f"text {number}" for number in range(70)), "text 3"]


def test_a_run_tells_how_many_text_files_are_read(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text("text")
    (tmp_path / "table.csv").write_text("report,finding\n0.txt,a\n1.txt,b\n2.txt,a\n")
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC)
    seen: list[Progress] = []

    class Listener(SilentObserver):
        def progress(self, progress: Progress) -> None:
            seen.append(progress)

    open_dataset(load_spec(spec), Listener())
    assert {one.stage for one in seen} == {"reading"}
    assert [*dict.fromkeys(one.unit for one in seen)] == ["table.csv", "text files"]
    assert (seen[0].done, seen[-1].done, seen[-1].total) == (0, 3, 3)
