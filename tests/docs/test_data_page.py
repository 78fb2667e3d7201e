"""docs/data.md names every setting of every data set, and the limits that the code has."""

import re
from pathlib import Path

import pytest

import mmx
from mmx import commands
from mmx.data.images import FORMATS
from mmx.data.split import COLUMNS

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
TEXT = PAGE.read_text(encoding="utf-8")
SETTINGS = [
    (method.type, setting.name)
    for method in mmx.Plugins().installed("dataset")
    if method.package == "mmx"
    for setting in commands.describe(method.key).parameters
]


@pytest.mark.parametrize(("dataset", "setting"), SETTINGS)
def test_each_setting_of_a_data_set_is_named(dataset: str, setting: str) -> None:
    assert re.search(rf"`{setting}[`:]", TEXT), f"{setting} of dataset.{dataset}"


def test_the_formats_that_are_read_are_named() -> None:
    told = re.sub(r"\W", "", TEXT).upper()
    assert [one for one in FORMATS if one not in told] == []


def test_the_columns_of_a_split_file_are_named_in_order() -> None:
    assert ", ".join(COLUMNS) in " ".join(TEXT.split())
