"""Cells of anybody's table become classes: what is blank, misspelt or several is never guessed."""

from pathlib import Path
from typing import Any

import pytest

from mmx import DataError
from mmx_plugins.datasets.table import TableParams


def _table(folder: Path, *lines: str, **settings: Any) -> TableParams:
    """A table of a text, a group and what the lines hold besides."""
    path = folder / "cases.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return TableParams.model_validate({"path": path, "text": "t", "group": "g", **settings})


def test_an_empty_label_is_unknown_not_a_class(tmp_path: Path) -> None:
    dataset = _table(tmp_path, "t,g,label", "x,1,b", "y,2,", "z,3,a", label="label").build()
    assert dataset.classes == ("a", "b")
    assert [sample.label for sample in dataset.samples()] == ["b", None, "a"]


@pytest.mark.parametrize("said", [{"classes": ("NA", "b")}, {"missing": ("unknown",)}])
def test_a_class_may_be_called_na_when_the_spec_says_so(
    tmp_path: Path, said: dict[str, Any]
) -> None:
    lines = ("t,g,label", "x,1,NA", "y,2,b", "unknown,3,b")
    dataset = _table(tmp_path, *lines, label="label", **said).build()
    assert (dataset.classes, dataset.samples()[0].label) == (("NA", "b"), "NA")


@pytest.mark.parametrize(
    "pair",
    [("MEL", "mel"), ("basal cell", "Basal  cell"), ("1", "1.0"), ("0", "0.0"), ("ｍel", "mel")],
)
def test_one_class_in_two_spellings_is_one_fault_that_names_both(
    tmp_path: Path, pair: tuple[str, str]
) -> None:
    lines = ("t,g,label", f"x,1,{pair[0]}", f"y,2,{pair[1]}", "z,3,other")
    with pytest.raises(DataError, match="spelt in several ways") as told:
        _table(tmp_path, *lines, label="label").build()
    assert all(repr(name) in str(told.value) for name in pair)
    stated = _table(tmp_path, *lines, label="label", classes=(*pair, "other")).build()
    assert stated.classes == (*pair, "other")
    mapped = _table(tmp_path, *lines, label="label", labels={"map": {pair[1]: pair[0]}}).build()
    assert set(mapped.classes) == {pair[0], "other"}


@pytest.mark.parametrize("sign", list("|;,/、"))
def test_several_labels_in_a_cell_are_a_question(tmp_path: Path, sign: str) -> None:
    cells = ["edema", "effusion", f"edema{sign}effusion", f"effusion {sign} edema"]
    lines = ["t,g,label", *(f'x,{row},"{cell}"' for row, cell in enumerate(cells))]
    with pytest.raises(DataError, match="2 rows seem to have several labels in one cell") as why:
        _table(tmp_path, *lines, label="label").build()
    assert 'task: multi_label learns several labels per case, from such cells: data.dataset.' \
        f'labels: {{several: each, separator: "{sign}"}}' in str(why.value)  # fmt: skip
    rule: dict[str, Any] = {"several": "first", "separator": sign}
    first = _table(tmp_path, *lines, label="label", labels=rule).build().samples()
    assert [row.label for row in first] == ["edema", "effusion", "edema", "effusion"]
    own = _table(tmp_path, *lines, label="label", labels={"several": "own"}).build()
    assert len(own.classes) == 4


def test_a_name_that_merely_holds_such_a_sign_is_a_name(tmp_path: Path) -> None:
    lines = ("t,g,label", "x,1,keratosis/lentigo", "y,2,lentigo", "z,3,a|b")
    dataset = _table(tmp_path, *lines, label="label").build()
    assert dataset.classes == ("a|b", "keratosis/lentigo", "lentigo")


def test_one_column_a_class_is_a_label_when_one_of_them_is_1(tmp_path: Path) -> None:
    lines = ("t,g,MEL,NV", "x,1,1.0,0.0", "y,2,0,1", "z,3,0,0", "w,4,1,1", "v,5,-1,1")
    dataset = _table(tmp_path, *lines, labels={"columns": ("MEL", "NV")}).build()
    assert dataset.classes == ("MEL", "NV")
    assert [row.label for row in dataset.samples()] == ["MEL", "NV", None]
    told = {one.row: one.reason for one in dataset.rejected()}
    assert "columns 'MEL' and 'NV' are all 1" in told["row 5"]
    assert "'-1', which is neither 0 nor 1" in told["row 6"]
    with pytest.raises(DataError, match="no column 'BCC' of labels"):
        _table(tmp_path, *lines, labels={"columns": ("MEL", "BCC")}).build()
