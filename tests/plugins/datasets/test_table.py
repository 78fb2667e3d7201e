"""Anybody's table becomes samples, and its faults are named by row."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pytest
from pydantic import ValidationError

from mmx import DataError
from mmx_plugins.datasets.table import TableParams

Write = Callable[..., Path]
FULL: dict[str, Any] = {
    "images": ("photo",),
    "text": "notes",
    "label": "finding",
    "group": "person",
}


def _write(folder: Path, text: str) -> Path:
    path = folder / "cases.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_become_samples(write_cases: Write) -> None:
    path = write_cases(6)
    dataset = TableParams(path=path, record=("age", "sex"), **FULL).build()
    samples = dataset.samples()
    assert dataset.classes == ("benign", "malignant")
    assert (len(samples), list(dataset.rejected())) == (6, [])
    third = samples[2]
    assert (third.id, third.group, third.label) == (
        "4",
        "person-2",
        "benign",
    )  # the header is row 1
    assert third.images == {"image": (path.parent / "images/002.png",)}
    assert third.record == {"age": 32.0, "sex": "female", "notes": "note 2"}


def test_parquet_gives_the_same_samples(write_cases: Write) -> None:
    path = write_cases(6)
    pandas.read_csv(path).to_parquet(path.with_suffix(".parquet"))
    settings: dict[str, Any] = {**FULL, "record": ("age", "sex")}
    one, two = (
        list(TableParams(path=file, **settings).build().samples())
        for file in (path, path.with_suffix(".parquet"))
    )
    assert one == two


def test_grouping_must_be_chosen(write_cases: Write) -> None:
    path = write_cases(6)
    without: dict[str, Any] = {key: value for key, value in FULL.items() if key != "group"}
    with pytest.raises(ValidationError, match="which rows belong together.*group: null"):
        TableParams(path=path, **without)
    alone = TableParams(path=path, group=None, **without).build().samples()
    assert len({sample.group for sample in alone}) == 6


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"group": "person", "group_pattern": "p("}, "is no regular expression"),
        ({"group": "person", "group_pattern": "p*"}, "all rows would be one group"),
        ({"group": None, "group_pattern": "p"}, "searched for in the cells of group"),
    ],
)
def test_a_pattern_that_cannot_group_is_refused(
    write_cases: Write, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=re.escape(words)):
        TableParams(path=write_cases(6), **{**FULL, **settings})


def test_columns_of_a_further_table_are_read_like_its_own(write_cases: Write) -> None:
    path = write_cases(6)
    cells = pandas.read_csv(path)
    cells[["photo", "age"]].to_csv(path.parent / "ages.csv", index=False)
    cells.drop(columns="age").to_csv(path, index=False)
    params = TableParams(path=path, join=(path.parent / "ages.csv",), record=("age",), **FULL)
    samples = params.build().samples()
    assert [one.record["age"] for one in samples] == [float(age) for age in cells["age"]]


def test_whole_numbers_keep_their_digits_as_groups_and_ids(tmp_path: Path) -> None:
    path = tmp_path / "cases.parquet"
    pandas.DataFrame({"person": [7.0, None, 12.0], "notes": ["a", "b", "c"]}).to_parquet(path)
    dataset = TableParams(path=path, text="notes", group="person", classes=("a",)).build()
    assert [sample.group for sample in dataset.samples()] == ["7", "12"]


def test_cells_that_are_not_all_numbers_stay_words(tmp_path: Path) -> None:
    path = _write(tmp_path, "t,g,label,size\nx,1,a,3\ny,2,b,\nz,3,a,about 4\n")
    rows = (
        TableParams(path=path, text="t", group="g", label="label", record=("size",))
        .build()
        .samples()
    )
    assert [row.record["size"] for row in rows] == ["3", None, "about 4"]


def test_unusable_rows_are_named_with_their_reason(tmp_path: Path) -> None:
    lines = [
        "photo,notes,finding,person",
        "a.png,x,b,1",
        "a.png,x,b,",
        "../secret.png,x,b,2",
        ",,b,3",
    ]
    path = _write(tmp_path, "\n".join(lines) + "\n")
    dataset = TableParams(path=path, **FULL).build()
    assert len(dataset.samples()) == 1
    told = {one.row: one.reason for one in dataset.rejected()}
    assert list(told) == ["row 3", "row 4", "row 5"]
    assert told["row 3"] == "column 'person' is empty"
    assert "'photo': the path '../secret.png' leaves the folder" in told["row 4"]
    assert told["row 5"] == "has neither an image nor a text"


def test_a_link_out_of_the_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "secret.png").write_bytes(b"x")
    (tmp_path / "root/a.png").symlink_to(tmp_path / "secret.png")
    path = _write(tmp_path, "photo,person,finding\na.png,1,b\nb.png,2,b\n")
    dataset = TableParams(
        path=path,
        root=tmp_path / "root",
        images={"image": ("photo",)},
        group="person",
        label="finding",
    ).build()
    assert [one.row for one in dataset.rejected()] == ["row 2"]
    assert dataset.samples()[0].images == {"image": (tmp_path / "root/b.png",)}


def test_several_columns_of_images_are_views_in_order(tmp_path: Path) -> None:
    path = _write(tmp_path, "far,near,g,label\n1.png,2.png,1,a\n,3.png,2,a\n")
    rows = (
        TableParams(path=path, images={"image": ("far", "near")}, group="g", label="label")
        .build()
        .samples()
    )
    names = [[image and Path(str(image)).name for image in row.images["image"]] for row in rows]
    assert names == [["1.png", "2.png"], [None, "3.png"]]  # an empty cell keeps its place


def test_a_missing_column_names_those_there(write_cases: Write) -> None:
    with pytest.raises(DataError, match="no column 'fund'; its columns are photo, notes, finding"):
        TableParams(path=write_cases(4), **{**FULL, "label": "fund"}).build()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"record": ("finding",)}, "must not be in the record"),
        ({"label": None}, "state the classes"),
    ],
)
def test_a_label_that_leaks_or_lacks_is_refused(
    write_cases: Write, changed: dict[str, object], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        TableParams(path=write_cases(4), **{**FULL, **changed}).build()


def test_something_must_be_seen(write_cases: Write) -> None:
    with pytest.raises(ValidationError, match="columns of images, or a text column"):
        TableParams(path=write_cases(4), group="person", label="finding")


def test_one_list_of_words_means_missing_in_every_role(tmp_path: Path) -> None:
    lines = ["pic,t,g,label,age", "a.png,x,1,a,NaN", "n/a,y,2,b,Unbekannt", "b.png,None,3,未知,4",
             "c.png,z,null,a,5", "d.png,w,5,Not Known,6"]  # fmt: skip
    path = _write(tmp_path, "\n".join(lines) + "\n")
    settings: dict[str, Any] = {
        "images": ("pic",), "text": "t", "group": "g", "label": "label", "record": ("age",),
    }  # fmt: skip
    dataset = TableParams(path=path, **settings).build()
    rows = dataset.samples()
    assert (dataset.classes, [row.label for row in rows]) == (("a", "b"), ["a", "b", None, None])
    assert [row.record["t"] for row in rows] == ["x", "y", None, "w"]
    assert [row.record["age"] for row in rows] == [None, None, 4.0, 6.0]
    assert rows[1].images == {}
    assert [one.reason for one in dataset.rejected()] == ["column 'g' is empty"]
    assert dataset.facts.missing == {
        "pic": {"n/a": 1}, "g": {"null": 1}, "label": {"Not Known": 1, "未知": 1},
        "age": {"NaN": 1, "Unbekannt": 1}, "t": {"None": 1},
    }  # fmt: skip
    assert any("'NaN' (1 x)" in note for note in dataset.facts.notes)


def test_names_of_files_are_no_texts(tmp_path: Path) -> None:
    path = _write(tmp_path, "t,g,label\nr/1.txt,1,a\nr/2.txt,2,b\n")
    with pytest.raises(DataError, match="holds names of files, such as 'r/1.txt'"):
        TableParams(path=path, text="t", group="g", label="label").build()


@pytest.mark.parametrize("role", ["text", "label", "group", "record", "id"])
@pytest.mark.parametrize(
    ("cell", "what"),
    [({"bytes": b"x", "path": "p"}, "a struct {bytes, path}"), (["a", "b"], "a list of 2"),
     (b"\x89PNG", "4 bytes")],
)  # fmt: skip
def test_cells_that_hold_more_than_a_word_are_refused_by_row(
    tmp_path: Path, role: str, cell: object, what: str
) -> None:
    path = tmp_path / "cases.parquet"
    pandas.DataFrame({"t": ["x", "y"], "odd": [None, cell]}).to_parquet(path)
    named: object = ("odd",) if role == "record" else "odd"
    settings: dict[str, Any] = {"text": "t", "group": None, role: named}
    with pytest.raises(DataError, match=f"column 'odd' holds {re.escape(what)} in row 3"):
        TableParams(path=path, **settings).build()


def test_roles_name_fields_of_the_record(tmp_path: Path) -> None:
    path = _write(tmp_path, "t,g,label,Alter\nx,1,a,40\ny,2,b,50\n")
    settings: dict[str, Any] = {"text": "t", "group": "g", "label": "label"}
    row = (
        TableParams.model_validate({"path": path, **settings, "roles": {"age": "Alter"}})
        .build()
        .samples()[0]
    )
    assert row.record == {"Alter": 40.0, "t": "x"}
    assert row.roles == {"age": "Alter", "text": "t"}
    with pytest.raises(ValidationError):
        TableParams.model_validate({"path": path, **settings, "roles": {"alter": "Alter"}})


def test_names_without_an_ending_get_the_one_that_is_stated(tmp_path: Path) -> None:
    path = _write(tmp_path, "pic,g,label\na,1,x\nb.PNG,2,y\n,3,x\n")
    settings: dict[str, Any] = {"images": ("pic",), "group": "g", "label": "label"}
    rows = TableParams(path=path, **settings, suffix=".jpg").build().samples()
    names = [Path(str(row.images["image"][0])).name for row in rows]
    assert names == ["a.jpg", "b.PNG"]


def test_a_file_is_looked_for_in_each_root(tmp_path: Path) -> None:
    for place, name in (("one", "a.png"), ("two", "b.png")):
        (tmp_path / place).mkdir()
        (tmp_path / place / name).touch()
    path = _write(tmp_path, "pic,g,label\na.png,1,x\nb.png,2,y\nc.png,3,y\n../d.png,4,y\n")
    settings: dict[str, Any] = {"images": ("pic",), "group": "g", "label": "label"}
    roots: dict[str, Any] = {"root": tmp_path / "one", "roots": (tmp_path / "two",)}
    dataset = TableParams(path=path, **settings, **roots).build()
    assert [row.images["image"][0] for row in dataset.samples()] == [
        tmp_path / "one/a.png", tmp_path / "two/b.png", tmp_path / "one/c.png",
    ]  # fmt: skip
    assert [one.row for one in dataset.rejected()] == ["row 5"]


def test_links_are_refused_with_the_key_that_allows_them(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "store/a.png").touch()
    (tmp_path / "root/a.png").symlink_to(tmp_path / "store/a.png")
    (tmp_path / "root/folder").symlink_to(tmp_path / "store")
    lines = "pic,g,label\na.png,1,x\nfolder/a.png,2,y\n../store/a.png,3,y\n/etc/hostname,4,y\n"
    path = _write(tmp_path, lines)
    settings: dict[str, Any] = {
        "images": ("pic",), "group": "g", "label": "label", "root": tmp_path / "root",
    }  # fmt: skip
    refused = {one.row: one.reason for one in TableParams(path=path, **settings).build().rejected()}
    assert len(refused) == 4
    assert all("follow_links: true" in refused[row] for row in ("row 2", "row 3"))
    assert not any("follow_links" in refused[row] for row in ("row 4", "row 5"))
    followed = TableParams(path=path, **settings, follow_links=True).build()
    assert [one.row for one in followed.rejected()] == ["row 4", "row 5"]


def test_no_word_means_missing_where_the_spec_says_so(tmp_path: Path) -> None:
    path = _write(tmp_path, "t,g,label\nx,1,NA\ny,2,b\nunknown,3,b\n")
    settings: dict[str, Any] = {"path": path, "text": "t", "group": "g", "label": "label"}
    everything = TableParams(**settings, missing=()).build().samples()
    assert [row.record["t"] for row in everything] == ["x", "y", "unknown"]
