"""Published lists of rows: by names without a header, or by indices; faults at file:line:column."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas
import pytest

from mmx import DataError
from mmx.commands import guess_columns, with_lists
from mmx.data import Manifest, make_split, read_manifest
from mmx.errors import SettingsError
from mmx.spec import SplitSpec
from mmx_plugins.datasets.table import TableParams
from mmx_plugins.tasks.single_label import SingleLabelParams

ROWS = 20
PARTS = ["train"] * 12 + ["test"] * 8


def table(folder: Path) -> Path:
    """Pictures of ten patients, two each."""
    rows = [f"f/{row:03d}.png,{'xy'[row // 2 % 2]},p{row // 2}" for row in range(ROWS)]
    file = folder / "cases.csv"
    file.write_text("\n".join(["image,dx,patient", *rows]))
    return file


def manifest(folder: Path, **more: Any) -> Manifest:
    keys: dict[str, Any] = {"images": {"image": ("image",)}, "label": "dx", "group": "patient"}
    params = TableParams.model_validate({"path": table(folder), **keys, **more})
    return read_manifest(params.build(), 0.5, SingleLabelParams())


def lists(folder: Path, form: str, parts: Sequence[str] = PARTS) -> dict[str, Path]:
    """A file for each part, which names its rows in one of several ways."""
    header, ending, name = {
        "names": ([], "txt", "f/{:03d}.png"),
        "bare": ([], "txt", "{:03d}"),
        "indices": (["indexes"], "csv", "{}"),
        "column": (["image"], "csv", "f/{:03d}.png"),
    }[form]
    files = {part: folder / f"{part}_list.{ending}" for part in dict.fromkeys(parts)}
    for part, file in files.items():
        rows = [name.format(row) for row, own in enumerate(parts) if own == part]
        file.write_text("\n".join([*header, *rows]) + "\n")
    return files


def spec(files: Mapping[str, Path], form: str) -> SplitSpec:
    keys = {"index": "indexes"} if form == "indices" else {}
    return SplitSpec.model_validate({"files": files, **keys}, context={"folder": Path()})


@pytest.mark.parametrize("form", ["names", "bare", "indices", "column"])
def test_a_list_gives_each_row_its_part(tmp_path: Path, form: str) -> None:
    """The parts are those of the lists, and validation comes of whole groups that train."""
    rows = manifest(tmp_path)
    parts = make_split(rows, spec(lists(tmp_path, form), form)).parts
    assert (parts[12:] == "test").all()
    assert {*parts[:12]} == {"train", "validation"}
    assert (parts[::2] == parts[1::2]).all()


@pytest.mark.parametrize(
    ("form", "line", "words"),
    [
        ("names", "f/999.png", r"test_list.txt:9:1: no row of the data set is named 'f/999.png'"),
        ("names", "f/003.png", r"test_list.txt:9:1: 'f/003.png' is in train_list.txt too"),
        ("indices", "20", r"test_list.csv:10:1: .*'indexes': no row of the data set is named '20'"),
        ("indices", "3", r"test_list.csv:10:1: '3' is in train_list.csv too"),
        ("column", "f/999.png", r"test_list.csv:10:1: column 'image': no row"),
    ],
)
def test_faults_of_a_list_stand_at_their_line(
    tmp_path: Path, form: str, line: str, words: str
) -> None:
    files = lists(tmp_path, form)
    files["test"].write_text(f"{files['test'].read_text()}{line}\n")
    with pytest.raises(DataError, match=words):
        make_split(manifest(tmp_path), spec(files, form))


@pytest.mark.parametrize("form", ["names", "indices"])
def test_a_row_in_no_list_is_a_fault_of_the_spec(tmp_path: Path, form: str) -> None:
    files = lists(tmp_path, form)
    files["test"].write_text("\n".join(files["test"].read_text().splitlines()[:-1]))
    with pytest.raises(SettingsError, match="no file names 21: .* unused: FILE") as error:
        make_split(manifest(tmp_path), spec(files, form))
    assert [place for place, _ in error.value.faults] == [("files",)]


@pytest.mark.parametrize("ending", ["xlsx", "parquet"])
def test_numbers_with_a_gap_are_indices_as_well(tmp_path: Path, ending: str) -> None:
    """A blank cell makes floating point of whole numbers, and names no row."""
    for part, indices in (("train", range(12)), ("test", range(12, 20))):
        cells = pandas.DataFrame({"indexes": [None, *indices]})
        write: Any = cells.to_excel if ending == "xlsx" else cells.to_parquet
        write(tmp_path / f"{part}.{ending}", index=False)
    files = {part: tmp_path / f"{part}.{ending}" for part in ("train", "test")}
    parts = make_split(manifest(tmp_path), spec(files, "indices")).parts
    assert (parts[12:] == "test").all()
    pandas.DataFrame({"indexes": [12.0, None, 99.0]}).to_excel(tmp_path / "test.xlsx", index=False)
    files["test"] = tmp_path / "test.xlsx"
    with pytest.raises(DataError, match=r"row 4: column 'indexes': no row .* named '99'"):
        make_split(manifest(tmp_path), spec(files, "indices"))


def test_a_group_in_two_lists_is_refused(tmp_path: Path) -> None:
    files = lists(tmp_path, "names", ["train", "test", *PARTS[2:]])
    with pytest.raises(DataError, match=r"puts a group in two parts.*p0"):
        make_split(manifest(tmp_path), spec(files, "names"))


def test_indices_count_from_0(tmp_path: Path) -> None:
    files = lists(tmp_path, "indices")
    for file in files.values():
        own = [str(int(line) + 1) for line in file.read_text().split()[1:]]
        file.write_text("\n".join(["indexes", *own]))
    with pytest.raises(SettingsError, match="20 of 20 and no row 0: indices are counted from 0"):
        make_split(manifest(tmp_path), spec(files, "indices"))


def test_indices_are_those_of_the_table_whatever_rows_are_bad(tmp_path: Path) -> None:
    """A row without a group is no sample, and those behind it keep their indices."""
    file = table(tmp_path)
    file.write_text(file.read_text().replace("y,p1", "y,", 1))
    params = TableParams(path=file, images={"image": ("image",)}, label="dx", group="patient")
    rows = read_manifest(params.build(), 0.5, SingleLabelParams())
    parts = make_split(rows, spec(lists(tmp_path, "indices"), "indices")).parts
    assert (len(rows), (parts == "test").sum()) == (19, 8)
    assert (parts[11:] == "test").all()


def test_a_list_that_names_a_row_that_cannot_be_used_is_told_why(tmp_path: Path) -> None:
    file = table(tmp_path)
    file.write_text(file.read_text().replace("y,p1", "y,", 1))
    params = TableParams(path=file, images={"image": ("image",)}, label="dx", group="patient")
    rows = read_manifest(params.build(), 0.5, SingleLabelParams())
    with pytest.raises(DataError, match=r"train_list.txt:3:1: no row .*'f/002.png'") as error:
        make_split(rows, spec(lists(tmp_path, "names"), "names"))
    assert "cannot be used: 1 (row 4: column 'patient' is empty)" in str(error.value)


def test_indices_of_gathered_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="name them: leave index out"):
        make_split(
            manifest(tmp_path, case="patient", group=None),
            spec(lists(tmp_path, "indices"), "indices"),
        )


@pytest.mark.parametrize("form", ["names", "bare", "indices", "column"])
def test_init_writes_lists_that_fit(tmp_path: Path, form: str) -> None:
    files, cells = lists(tmp_path, form), pandas.read_csv(table(tmp_path), dtype=str)
    columns = guess_columns(cells, tmp_path)
    found = with_lists(columns, tmp_path / "cases.csv", cells)
    assert found.split == {"files": files, **({"index": "indexes"} if form == "indices" else {})}
    assert any("train in train_list" in line for line in found.told())


def test_lists_that_no_installed_library_reads_are_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = pandas.read_csv(table(tmp_path), dtype=str)
    for part in ("train", "test"):
        (tmp_path / f"{part}.xlsx").write_bytes(b"PK\x03\x04")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    columns = guess_columns(cells, tmp_path)
    assert with_lists(columns, tmp_path / "cases.csv", cells) == columns


@pytest.mark.parametrize("form", ["names", "bare", "column"])
def test_lists_beside_a_table_without_images_name_none_of_its_rows(
    tmp_path: Path, form: str
) -> None:
    lists(tmp_path, form)
    notes = [f"The lesion was seen {row} times. It is flat." for row in range(ROWS)]
    cells = pandas.DataFrame({"note": notes, "dx": ["x", "y"] * (ROWS // 2)})
    columns = guess_columns(cells, tmp_path, given={"text": "note"})
    assert columns.images == ()
    assert with_lists(columns, tmp_path / "cases.csv", cells) == columns


@pytest.mark.parametrize("parts", [["train", "test", *PARTS[2:]], [*PARTS[1:], "other"]])
def test_init_asks_about_lists_that_do_not_fit(tmp_path: Path, parts: Sequence[str]) -> None:
    """One tears a group, in the other one a row is in none."""
    files, cells = lists(tmp_path, "names", parts), pandas.read_csv(table(tmp_path), dtype=str)
    for name in {*files} - {"train", "test"}:
        files[name].unlink()
    columns = guess_columns(cells, tmp_path)
    assert with_lists(columns, tmp_path / "cases.csv", cells) == columns
