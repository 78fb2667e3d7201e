"""Long tables: rows of a case become one sample, and what they contradict is a fault."""

import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from pydantic import ValidationError

from mmx import DataError
from mmx.data import Gathering
from mmx.errors import SettingsError
from mmx.interfaces import Layout, LongTable, Sample, TableContents
from mmx_plugins.datasets.table import TableParams

CHEST = """dicom_id,study_id,subject_id,ViewPosition,finding,age
a,s1,p1,PA,edema,61
b,s1,p1,LATERAL,edema,61
c,s2,p1,AP,none,62
d,s3,p2,LL,edema,
e,s3,p2,PA,edema,40
f,s3,p2,swimmers,edema,40
"""
SETTINGS: dict[str, Any] = {
    "images": ["dicom_id"],
    "suffix": ".jpg",
    "case": "study_id",
    "group": "subject_id",
    "label": "finding",
    "record": ["age"],
    "missing": [],
}
KINDS = {"frontal": ["PA", "AP"], "lateral": ["LATERAL", "LL"]}


def _table(folder: Path, text: str, **settings: Any) -> Any:
    path = folder / "long.csv"
    path.write_text(text, encoding="utf-8")
    return TableParams.model_validate({"path": path, **SETTINGS, **settings}).build()


def _names(sample: Sample) -> dict[str, list[str | None]]:
    return {
        kind: [one.name if isinstance(one, Path) else None for one in images]
        for kind, images in sample.images.items()
    }


def test_views_are_kinds_of_images_and_facts_come_from_any_row(tmp_path: Path) -> None:
    dataset = _table(tmp_path, CHEST, view="ViewPosition", views=KINDS)
    one, two, three = dataset.samples()
    assert [(row.id, row.group, row.label, row.record["age"]) for row in (one, two, three)] == [
        ("s1", "p1", "edema", 61.0),
        ("s2", "p1", "none", 62.0),
        ("s3", "p2", "edema", 40.0),
    ]
    assert _names(one) == {"frontal": ["a.jpg"], "lateral": ["b.jpg"]}
    assert _names(two) == {"frontal": ["c.jpg"]}  # a missing view is a missing image
    assert _names(three) == {"frontal": ["e.jpg"], "lateral": ["d.jpg"]}
    told = "\n".join(dataset.facts.notes)
    assert "6 rows are 3 cases (case: study_id)" in told
    assert "'age' is blank in 1 rows of cases of which other rows state it" in told
    assert "images of rows whose view is 'swimmers' (1 x) are not read" in told


BREASTS = """study,laterality,view_position,image_id,birads
s1,L,CC,1,1
s1,R,MLO,2,1
s1,L,MLO,3,1
s2,R,CC,4,2
"""


def test_views_in_a_list_are_places_and_a_lacking_one_stays_empty(tmp_path: Path) -> None:
    settings = {"case": "study", "group": None, "label": "birads", "record": [],
                "images": ["image_id"], "view": ["laterality", "view_position"],
                "views": ["L CC", "L MLO", "R CC", "R MLO"]}  # fmt: skip
    one, two = _table(tmp_path, BREASTS, **settings).samples()
    assert _names(one) == {"image": ["1.jpg", "3.jpg", None, "2.jpg"]}
    assert _names(two) == {"image": [None, None, "4.jpg", None]}
    both = _table(tmp_path, BREASTS + "s2,R,CC,5,2\n", **settings)
    (bad,) = both.rejected()
    assert bad.row == "case s2"
    assert "rows 5 and 6 both show 'R CC', which is one place" in bad.reason


def test_several_columns_name_a_case(tmp_path: Path) -> None:
    settings = {"case": ["study", "laterality"], "group": "study", "label": "birads",
                "record": [], "images": ["image_id"]}  # fmt: skip
    samples = _table(tmp_path, BREASTS, **settings).samples()
    assert [sample.id for sample in samples] == ["s1 L", "s1 R", "s2 R"]
    assert _names(samples[0]) == {"image": ["1.jpg", "3.jpg"]}


def test_numbers_of_slices_sort_as_numbers_whatever_the_order_of_rows(tmp_path: Path) -> None:
    rows = [f"s1,p,{place},x,{place}" for place in (10, 9, 2.5, 1)]
    header = "study_id,subject_id,dicom_id,finding,slice\n"
    settings = {"order": "slice", "record": []}
    for some in (rows, rows[::-1]):
        (sample,) = _table(tmp_path, header + "\n".join(some), **settings).samples()
        assert _names(sample) == {"image": ["1.jpg", "2.5.jpg", "9.jpg", "10.jpg"]}
    unclear = _table(tmp_path, header + "\n".join([*rows, "s1,p,7,x,9"]), **settings)
    assert "rows 3 and 6 have the same place '9' in order" in unclear.rejected()[0].reason
    blank = _table(tmp_path, header + "\n".join([*rows, "s1,p,7,x,", "s1,p,8,x,"]), **settings)
    assert "rows 6 and 7 have no place in order" in blank.rejected()[0].reason


def test_facts_that_differ_are_a_fault_of_the_case_that_names_rows_and_values(
    tmp_path: Path,
) -> None:
    for column, new in (("finding", "none"), ("subject_id", "p9"), ("age", "99")):
        table = pandas.read_csv(io.StringIO(CHEST), dtype=str).fillna("")
        was = str(table.loc[0, column])
        table.loc[1, column] = new
        dataset = _table(tmp_path, table.to_csv(index=False))
        (bad,) = dataset.rejected()
        assert bad.row == "case s1"
        told = f"column '{column}' differs between its rows: '{was}' in row 2, '{new}' in row 3"
        assert told in bad.reason
        assert [sample.id for sample in dataset.samples()] == ["s2", "s3"]


@pytest.mark.parametrize("column", ["path", "place"])
def test_paths_of_a_case_agree_where_their_groups_do(tmp_path: Path, column: str) -> None:
    text = (
        "path,place,study_id,finding\np1/a,p1/x,s1,edema\np1/b,p1/y,s1,edema\n"
        "p2/c,p2/x,s2,none\np3/d,p3/x,s2,none\nother,other,s3,none\np4/e,p4/x,s3,none\n"
    )
    settings = {"images": ["path"], "group": column, "group_pattern": r"p\d+", "record": []}
    dataset = _table(tmp_path, text, **settings)
    (one,) = dataset.samples()
    assert (one.id, one.group, _names(one)) == ("s1", "p1", {"image": ["a.jpg", "b.jpg"]})
    torn, without = dataset.rejected()
    assert (torn.row, torn.reason) == (
        "case s2",
        f"the group in column '{column}' differs between its rows: 'p2' in row 4, 'p3' in row 5; "
        "a fact must be the same in all rows of a case",
    )
    assert (without.row, without.reason) == (
        "case s3",
        f"row 6: column '{column}': group_pattern finds no group in 'other'",
    )


def test_a_row_that_names_no_case_is_told_by_its_number(tmp_path: Path) -> None:
    dataset = _table(tmp_path, CHEST + "g,,p3,PA,edema,1\n")
    (bad,) = dataset.rejected()
    assert (bad.row, bad.reason) == (
        "case row 8",
        "the case is not named: 'study_id' must be filled",
    )


def test_a_split_column_holds_one_part_for_each_case(tmp_path: Path) -> None:
    header, *rows = CHEST.strip().split("\n")
    parts = ["train", "train", "test", "train", "train", "train"]
    text = "\n".join([f"{header},split", *map(",".join, zip(rows, parts, strict=True))])
    dataset = _table(tmp_path, text)
    assert list(dataset.column("split")) == ["train", "test", "train"]
    assert "split" in dataset.spare()
    torn = _table(tmp_path, text[: -len("train")] + "test")
    with pytest.raises(DataError, match="case s3: column 'split' differs .* 'test' in row 7"):
        torn.column("split")
    assert "split" not in torn.spare()


def test_views_that_no_row_has_are_refused_with_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no row shows 'pa'; .*'PA' \(2 x\)") as found:
        _table(tmp_path, CHEST, view="ViewPosition", views={"frontal": ["pa", "AP"]})
    assert found.value.faults[0][0] == ("views", "frontal")
    with pytest.raises(SettingsError, match="no column 'series'") as found:
        _table(tmp_path, CHEST, order="series")
    assert found.value.faults[0][0] == ("order",)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"case": None, "order": "slice"}, "name its column: case: COLUMN"),
        ({"view": "ViewPosition"}, "name both"),
        ({"views": ["PA"]}, "name both"),
        ({"view": "v", "views": {"a": "PA", "b": ["PA"]}}, "'PA' stands here twice"),
        ({"view": "v", "views": KINDS, "images": ["a", "b"]}, "sort the images of one column"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        TableParams.model_validate({"path": "x.csv", **SETTINGS, **settings})


def test_each_row_alone_gives_what_the_table_would_without_cases(tmp_path: Path) -> None:
    alone = _table(tmp_path, CHEST, case="dicom_id", record=[])
    plain = _table(tmp_path, CHEST, case=None, id="dicom_id", record=[])
    assert list(alone.samples()) == list(plain.samples())


def test_a_hundred_thousand_rows_are_gathered_in_seconds() -> None:
    rows = 100_000
    number = np.random.default_rng(0).permutation(rows)
    table = pandas.DataFrame({
        "study": [f"s{one // 2}" for one in number.tolist()],
        "image": [f"{one}.jpg" for one in number.tolist()],
        "view": ["PA" if one % 2 else "LATERAL" for one in number.tolist()],
        "label": [str(one // 2 % 3) for one in number.tolist()],
    })  # fmt: skip
    long = LongTable(
        ("study",), {"image": ("image",)}, ("view",), {"f": ("PA",), "l": ("LATERAL",)}
    )
    layout = Layout(images=long.gathered, id="study", label="label", long_table=long)
    begin = time.process_time()
    found = Gathering(TableContents(table), layout).contents
    assert time.process_time() - begin < 5
    assert len(found.cells) == rows // 2
    assert not found.faults
    first = found.cells.iloc[0]
    assert {first["image: f"], first["image: l"]} == {
        f"{2 * int(first['study'][1:]) + one}.jpg" for one in (0, 1)
    }


def test_a_case_may_be_a_part_of_a_path(tmp_path: Path) -> None:
    text = "\n".join([
        "path,view,finding", "p1/study1/a,PA,edema", "p1/study1/b,LL,edema", "p1/study2/c,PA,none",
        "p2/study1/d,PA,none", "p3/elsewhere,PA,edema",
    ])  # fmt: skip
    keys: dict[str, Any] = {
        "images": ["path"], "case": "path", "case_pattern": r"p\d+/study\d+", "group": "path",
        "group_pattern": r"p\d+", "record": [], "view": "view",
        "views": {"frontal": ["PA"], "lateral": ["LL"]},
    }  # fmt: skip
    dataset = _table(tmp_path, text, **keys)
    found = [(row.id, row.group, _names(row)) for row in dataset.samples()]
    assert found == [
        ("p1/study1", "p1", {"frontal": ["a.jpg"], "lateral": ["b.jpg"]}),
        ("p1/study2", "p1", {"frontal": ["c.jpg"]}),
        ("p2/study1", "p2", {"frontal": ["d.jpg"]}),
    ]
    (bad,) = dataset.rejected()
    assert "case_pattern finds no case in 'p3/elsewhere'" in bad.reason
    plain = _table(tmp_path, text, **{**keys, "view": None, "views": None})
    assert [row.id for row in plain.samples()] == ["p1/study1", "p1/study2", "p2/study1"]
    with pytest.raises(ValidationError, match="name its column: case"):
        _table(tmp_path, text, **{**keys, "case": None, "view": None, "views": None})
