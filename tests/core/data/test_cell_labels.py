"""Several labels in one cell, and rows without a group."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mmx
from mmx.commands import find
from mmx.data import TableRows
from mmx.interfaces import Labels, Layout

CELLS = ["Edema|Effusion", "No Finding", "", "EFF | Mass", "Mass"]


def rows(classes: tuple[str, ...] | None = None, **settings: Any) -> TableRows:
    table = pd.DataFrame({"dx": CELLS, "text": "words", "who": ["a", "a", "", "", "b"]})
    labels = Labels(several="each", map={"EFF": "Effusion"}, **settings)
    layout = Layout(
        text="text", label="dx", labels=labels, classes=classes, group="who", alone=True
    )
    return TableRows(layout, table, Path())


def test_each_label_of_a_cell_is_one_of_several() -> None:
    found = rows(none=("No Finding",))
    assert found.classes() == ("Edema", "Effusion", "Mass")
    assert [tuple(one.labels.values()) for one in found] == [
        ("1", "1", "0"), ("0", "0", "0"), (None, None, None), ("0", "1", "1"), ("0", "0", "1"),
    ]  # fmt: skip
    assert {one.label for one in found} == {None}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"several": "each", "map": {"EFF": "Effusion", "Mass": "mass"}}, ()),
        ({"several": "each", "map": {"EFG": "Effusion"}}, ("'EFG'",)),
        ({"several": "first", "map": {"Effusion": "E", "Edema": "e"}}, ("'Effusion'",)),
        ({"several": "own", "map": {"EFF": "Effusion"}}, ("'EFF'",)),
        ({"several": "own", "map": {"EFF | Mass": "both"}}, ()),
        ({"several": "own"}, ()),
    ],
)
def test_a_name_of_a_map_that_no_cell_has_is_told(
    rule: dict[str, Any], said: tuple[str, ...]
) -> None:
    layout, table = Layout(label="dx", labels=Labels(**rule)), pd.DataFrame({"dx": CELLS})
    notes = [note for note in TableRows(layout, table, Path()).notes if "labels.map" in note]
    assert len(notes) == len(said)
    for note, name in zip(notes, said, strict=True):
        assert note.startswith(f"labels.map names {name}, which no cell of column 'dx' holds; its")
    blank = pd.DataFrame({"dx": ["", ""]})
    assert not any("labels.map" in note for note in TableRows(layout, blank, Path()).notes)


def test_stated_labels_are_the_only_ones() -> None:
    found = rows(("Mass", "Edema"), none=("No Finding", "Effusion"))
    assert found.classes() == ("Mass", "Edema")
    assert found[0].labels == {"Mass": "0", "Edema": "1"}
    with pytest.raises(mmx.DataError, match=r"name 'Effusion', 'No Finding', which are none of"):
        rows(("Mass", "Edema"))


def test_a_written_list_is_read_as_its_labels() -> None:
    cells = ["['a', 'loc, right']", '[" a "]', "[]", "", "['none']"]
    table = pd.DataFrame({"dx": cells, "text": "words"})
    labels = Labels(several="each", none=("none",))
    found = TableRows(Layout(text="text", label="dx", labels=labels), table, Path())
    assert found.classes() == ("a", "loc, right")
    assert [tuple(one.labels.values()) for one in found] == [
        ("1", "1"), ("1", "0"), ("0", "0"), (None, None), ("0", "0"),
    ]  # fmt: skip


def test_a_pattern_takes_the_group_out_of_a_cell() -> None:
    paths = ["p/patient07/1.png", "p/patient07/2.png", "p/patient8/1.png", "other.png", ""]
    table = pd.DataFrame({"path": paths, "text": "words"})
    layout = Layout(text="text", group="path", group_pattern=r"patient\d+")
    found = TableRows(layout, table, Path())
    assert [one.group for one in found] == ["patient07", "patient07", "patient8"]
    assert [one.reason for one in found.rejected] == [
        "column 'path': group_pattern finds no group in 'other.png'", "column 'path' is empty",
    ]  # fmt: skip


def test_two_spellings_of_a_label_are_told() -> None:
    table = pd.DataFrame({"dx": ["Mass|Edema", "mass"], "text": "words"})
    with pytest.raises(mmx.DataError, match=r"Mass"):
        TableRows(Layout(text="text", label="dx", labels=Labels(several="each")), table, Path())


def test_a_row_without_a_group_stands_alone_where_that_is_stated() -> None:
    found = rows(none=("No Finding",))
    groups = [one.group for one in found]
    assert groups[:2] == ["a", "a"]
    assert len(set(groups)) == 4
    assert found.alone == 2
    refused = TableRows(
        Layout(text="text", group="who"), pd.DataFrame({"text": "w", "who": ["a", ""]}), Path()
    )
    assert [one.reason for one in refused.rejected] == ["column 'who' is empty"]


def test_several_labels_in_a_cell_are_learned_from_a_table(tmp_path: Path) -> None:
    lines = [
        f"since {n} weeks,{'A|B' if n % 2 else 'B' if n % 3 else 'none'},P{n}" for n in range(9)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["text,dx,who", *lines]) + "\n")
    params = find("dataset", "table").model_validate(
        {
            "path": tmp_path / "t.csv", "text": "text", "label": "dx", "group": "who",
            "labels": {"several": "each", "none": ["none"]},
        },
        context={"folder": tmp_path},
    )  # fmt: skip
    dataset: Any = params.build()  # type: ignore[attr-defined]
    assert tuple(dataset.classes) == ("A", "B")
    with pytest.raises(ValueError, match=r"labels.several: each reads the column of label"):
        find("dataset", "table").model_validate(
            {
                "path": tmp_path / "t.csv",
                "text": "text",
                "group": None,
                "labels": {"several": "each"},
            },
            context={"folder": tmp_path},
        )
