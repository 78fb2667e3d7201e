"""A published split is used as it is, or refused in words that say what to name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmx import DataError
from mmx.data import Manifest, make_split, read_manifest
from mmx.spec import SplitSpec, part_named
from mmx_plugins.datasets.table import TableParams
from mmx_plugins.tasks.single_label import SingleLabelParams


def manifest(
    folder: Path, values: list[str], groups: list[int] | None = None, **more: Any
) -> Manifest:
    """A table of as many rows as there are values, two classes in turn."""
    groups = groups or list(range(len(values)))
    lines = [
        f"a text,{'xy'[row % 2]},p{group},{value},{row}.png,n{row}"
        for row, (value, group) in enumerate(zip(values, groups, strict=True))
    ]
    file = folder / "cases.csv"
    file.write_text("\n".join(["text,dx,patient,part,image,name", *lines]), encoding="utf-8")
    params = TableParams(
        path=file, text="text", images={"image": ("image",)}, label="dx", group="patient", **more
    )
    return read_manifest(params.build(), 0.0, SingleLabelParams())


@pytest.mark.parametrize(
    ("words", "part"),
    [("Train", "train"), ("VAL", "validation"), ("valid", "validation"), ("dev", "validation"),
     ("Test", "test"), ("hold-out", "test"), ("calib", "calibration"), ("Excluded", "unused")],
)  # fmt: skip
def test_usual_names_are_known(words: str, part: str) -> None:
    assert part_named(words) == part


def test_a_column_is_the_split(tmp_path: Path) -> None:
    values = ["train", "Train", "val", "test", "training", "dev"]
    split = make_split(manifest(tmp_path, values), SplitSpec(column="part"))
    assert split.parts.tolist() == ["train", "train", "validation", "test", "train", "validation"]


def test_other_values_are_named(tmp_path: Path) -> None:
    rows = manifest(tmp_path, ["1", "2", "3", "4", "1", "9"])
    spec = SplitSpec(column="part", train=[1, 2], validation=["3"], test=[4], unused=[9])
    parts = make_split(rows, spec).parts.tolist()
    assert parts == ["train", "train", "validation", "test", "train", "unused"]


def test_validation_that_is_not_published_is_dealt_from_training_groups(tmp_path: Path) -> None:
    values, groups = ["train"] * 40 + ["test"] * 10, [row // 2 for row in range(50)]
    rows = manifest(tmp_path, values, groups)
    parts = make_split(rows, SplitSpec(column="part", validation=0.25)).parts
    assert (parts[40:] == "test").all()
    assert set(parts[:40]) == {"train", "validation"}
    assert abs((parts == "validation").sum() - 10) <= 2
    assert (parts[::2] == parts[1::2]).all()


@pytest.mark.parametrize(
    ("values", "spec", "words"),
    [
        (["train", "tset", "val", "test"], {}, "no part is known for tset"),
        (["train", "", "val", "test"], {}, r"no part is known for \(empty\)"),
        (["0", "1", "2", "3"], {}, "column: part, folds: 4, fold: 0"),
        (["train", "val", "test", "test"], {"test": ["tset"]}, "no row has tset|no part is known"),
        (["0", "1", "2", "3"], {"folds": 3}, "holds 4 values .* and data.split.folds says 3"),
    ],
)
def test_what_is_not_known_is_listed(
    tmp_path: Path, values: list[str], spec: dict[str, Any], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        make_split(manifest(tmp_path, values), SplitSpec(column="part", **spec))


def test_a_torn_group_is_refused(tmp_path: Path) -> None:
    for values, folds in ((["train", "test", "val", "train"], 1), (["0", "1", "0", "1"], 2)):
        rows = manifest(tmp_path, values, [0, 0, 1, 2])
        with pytest.raises(DataError, match="puts a group in two parts.*p0"):
            make_split(rows, SplitSpec(column="part", folds=folds))


def test_folds_of_a_column_test_every_row_once(tmp_path: Path) -> None:
    rows = manifest(tmp_path, [str(row % 10 + 1) for row in range(60)])
    tested = np.stack([
        make_split(rows, SplitSpec(column="part", folds=10, fold=fold)).parts == "test"
        for fold in range(10)
    ])  # fmt: skip
    assert (tested.sum(axis=0) == 1).all()
    assert tested[9, 9]  # 10 comes after 9, as numbers do


def test_the_split_column_is_no_fact_of_the_patient(tmp_path: Path) -> None:
    rows = manifest(tmp_path, ["train", "val", "test", "train"], record=("part",))
    with pytest.raises(DataError, match="take it out of the record"):
        make_split(rows, SplitSpec(column="part"))


@pytest.mark.parametrize("column", ["image", "name", "sample_id"])
def test_one_file_for_each_part(tmp_path: Path, column: str) -> None:
    rows = manifest(tmp_path, [""] * 6, id="name")
    told = {"image": "{}.png", "name": "n{}", "sample_id": "n{}"}[column]
    files: Any = {}
    for part, places in (("train", (0, 1, 4)), ("validation", (2,)), ("test", (3, 5))):
        files[part] = tmp_path / f"{part}.csv"
        files[part].write_text("\n".join([f"{column},x", *(f"{told.format(p)},1" for p in places)]))
    parts = make_split(rows, SplitSpec(files=files)).parts.tolist()
    assert parts == ["train", "train", "validation", "test", "train", "test"]
    files["test"].write_text(f"{column},x\n{told.format(3)},1\n")
    with pytest.raises(DataError, match="no file names n5"):
        make_split(rows, SplitSpec(files=files))
    files["test"].write_text(f"{column},x\n{told.format(0)},1\n{told.format(3)},1\n")
    with pytest.raises(DataError, match=r"test.csv:2:1: .* is in train.csv too"):
        make_split(rows, SplitSpec(files=files))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"file": "a.csv", "folds": 2}, "file fixes which rows are the test part"),
        ({"files": {"test": "a.csv"}, "folds": 2}, "files fixes which rows are the test part"),
        ({"file": "a.csv", "column": "part"}, "file and column each name a split"),
        ({"file": "a.csv", "files": {"test": "b.csv"}}, "file and files each name a split"),
        ({"file": "a.csv", "seed": 3}, "file decides the parts, so seed: 3 has no effect"),
        ({"file": "a.csv", "train": 0.6, "test": 0.25}, "so train: 0.6 has no effect"),
        ({"column": "part", "test": 0.2}, "so test: 0.2 has no effect"),
        ({"index": "indexes"}, "index: indexes is a column of files, and none are named"),
        ({"train": ["a"]}, "train names values of a column"),
        ({"unused": ["a"]}, "unused names values of a column"),
        ({"column": "part", "test": ["a"], "folds": 3}, "takes each value of the column"),
        ({"column": "part", "test": ["a"], "train": ["a"]}, "'a' is in train and in test"),
    ],
)
def test_settings_that_cannot_both_hold_are_refused(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SplitSpec.model_validate(keys, context={"folder": Path()})


def test_rows_without_a_label_need_no_part(tmp_path: Path) -> None:
    rows = manifest(tmp_path, ["train", "train", "val", "test"])
    file = tmp_path / "cases.csv"
    file.write_text(file.read_text() + "\na text,,p9,,9.png,n9\n", encoding="utf-8")
    params = TableParams(
        path=file,
        text="text",
        images={"image": ("image",)},
        label="dx",
        group="patient",
        classes=("x", "y"),
    )
    more = read_manifest(params.build(), 0.5, SingleLabelParams())
    parts = make_split(more, SplitSpec(column="part")).parts.tolist()
    assert parts == [*make_split(rows, SplitSpec(column="part")).parts.tolist(), "unused"]
