"""Further tables beside a table, joined by the columns that both have."""

from pathlib import Path

import pytest

import mmx
from mmx.commands import tables_beside
from mmx.errors import SettingsError


def write(folder: Path, name: str, *lines: str) -> Path:
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return write(tmp_path, "truth.csv", "image,study,dx", "a,1,x", "b,1,y", "c,2,x", "d,,y")


def test_rows_stay_in_their_order_and_what_is_lacking_is_missing_and_told(own: Path) -> None:
    ages = write(own.parent, "ages.csv", "age,image", "30,c", "40,a", "50,z")
    found = mmx.open_table(own, join=[ages])
    assert found.cells["image"].tolist() == ["a", "b", "c", "d"]
    assert found.cells["age"].tolist() == ["40", None, "30", None]
    assert "ages.csv is joined by image, and adds age; it has nothing of 2 of 4 rows" in found.notes


def test_all_columns_that_both_have_are_the_key_and_a_blank_one_is_no_key(own: Path) -> None:
    both = write(own.parent, "both.csv", "study,image,sex", "1,a,f", "1,c,m", ",d,f")
    found = mmx.open_table(own, join=[both])
    assert found.cells["sex"].tolist() == ["f", None, None, None]


def test_numbers_are_the_same_key_however_they_are_written(own: Path) -> None:
    lines = write(own.parent, "lines.jsonl", '{"study": 1.0, "site": "arm"}', '{"study": 2}')
    assert mmx.open_table(own, join=[lines]).cells["site"].tolist() == ["arm", "arm", None, None]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("image,age", "a,1", "a,2"), "has two rows of image a (rows 2 and 3)"),
        (("file,age", "a,1"), "has no column in common"),
        (("image,dx", "a,1"), "has no column that is new"),
        (("image,image", "a,1"), "image"),
        (("image,age", "a.png,1"), "has nothing of any row: tables are joined by"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_at_its_place(
    own: Path, lines: tuple[str, ...], words: str
) -> None:
    other = write(own.parent, "other.csv", *lines)
    with pytest.raises(SettingsError) as refused:
        mmx.open_table(own, join=[write(own.parent, "fine.csv", "image,q", "a,1"), other])
    assert refused.value.faults[0][0] == ("join", 1)
    assert words in str(refused.value)


def test_a_table_beside_is_asked_about_where_it_names_the_same_rows(own: Path) -> None:
    write(own.parent, "more.csv", "image,age", "a,1", "b,2", "c,3", "d,4")
    write(own.parent, "few.csv", "image,sex", "a,1")
    write(own.parent, "twice.csv", "image,sex", *(f"{name},1" for name in "abcda"))
    write(own.parent, "broken.csv", "image,image", "a,1")
    (asked,) = tables_beside(own, mmx.read_table(own))
    assert asked.startswith("does more.csv belong to this table? Its image names the same rows")
    assert asked.endswith("it adds age; to use it: --join more.csv")
    found = mmx.open_table(own, join=[own.parent / "more.csv"])
    assert tables_beside(own, found.cells, [own.parent / "more.csv"]) == []


def test_a_key_with_a_blank_cell_is_that_of_no_row(own: Path) -> None:
    write(own.parent, "more.csv", "study,age", "1,30", "2,40", ",50", ",60")
    write(own.parent, "blank.csv", "study,sex", ",m")
    write(
        own.parent, "truth.csv", "image,study,dx", *(f"{row},{row % 2 + 1},x" for row in range(9))
    )
    (asked,) = tables_beside(own, mmx.read_table(own))
    assert asked.startswith("does more.csv belong to this table? Its study names the same rows")
    write(own.parent, "truth.csv", "image,study,dx", *(f"{row},,x" for row in range(9)))
    assert tables_beside(own, mmx.read_table(own)) == []


def test_tables_that_are_not_looked_into_are_named(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        write(own.parent, f"t{number:02}.csv", "other", "a")
    (own.parent / "large.csv").write_text("image,age\n" + "a,1\n" * 1000)
    monkeypatch.setattr("mmx.data.beside_tables._LARGEST", 2000)
    (asked,) = tables_beside(own, mmx.read_table(own))
    assert asked.startswith("does one of large.csv, t20.csv, t21.csv, ")
    assert ", t29.csv belong to this table?" in asked


def test_files_named_like_parts_are_asked_about_as_a_split(own: Path) -> None:
    write(own.parent, "train_val_list.txt", "a")
    assert tables_beside(own, mmx.read_table(own)) == []  # of one part alone
    write(own.parent, "test_list.txt", "b")
    (asked,) = tables_beside(own, mmx.read_table(own))
    assert asked.startswith("are test_list.txt, train_val_list.txt a published split?")
    assert "data.split: {files: {test: test_list.txt, train: train_val_list.txt}}" in asked
