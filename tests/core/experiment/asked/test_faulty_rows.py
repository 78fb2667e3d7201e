"""Rows of a table that cannot be answered are listed with their reason, and nulls are no words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from asked_table import shares, table

import mmx


@pytest.mark.parametrize("null", [None, float("nan"), pd.NaT, pd.NA, ""])
def test_every_null_is_missing_and_never_a_word(
    run_of: Callable[[str], mmx.Run], place: Path, null: Any, tiny_plugin: Path
) -> None:
    run = run_of("several").path
    rows = table(place).iloc[[1, 1]].astype(object).reset_index(drop=True)
    for column in ("derm", "notes"):
        held = rows.copy()
        held.loc[0, column], held.loc[1, column] = null, ""
        found = shares(mmx.predict(run, held, root=place, plugins=[tiny_plugin]))
        np.testing.assert_allclose(found.iloc[0], found.iloc[1], atol=1e-6)
    held = rows.assign(case=pd.Series([null, 2], dtype=object))
    assert mmx.predict(run_of("column").path, held, root=place, plugins=[tiny_plugin])[
        "id"
    ].tolist() == ["row 2", "2"]


def test_rows_that_cannot_be_read_are_listed_and_the_others_answered(
    run_of: Callable[[str], mmx.Run], place: Path, tiny_plugin: Path
) -> None:
    rows = table(place).head(6)
    (place / "broken.png").write_bytes(b"no picture")
    rows.loc[1, "derm"] = "nosuch.png"
    rows.loc[2, "derm"] = "broken.png"
    rows.loc[3, "derm"] = "../outside.png"
    rows.loc[4, ["derm", "notes"]] = ""
    found = mmx.predict(run_of("column").path, rows, root=place, plugins=[tiny_plugin])
    reasons = found["reason"].tolist()
    assert [bool(one) for one in reasons] == [False, True, True, True, True, False]
    assert "nosuch.png cannot be read" in reasons[1]
    assert "broken.png is not a readable image" in reasons[2]
    assert "leaves the folder" in reasons[3]
    assert "neither an image nor a text" in reasons[4]
    expected = mmx.predict(
        run_of("column").path, rows.iloc[[0, 5]], root=place, plugins=[tiny_plugin]
    )
    np.testing.assert_allclose(shares(found.iloc[[0, 5]]), shares(expected), atol=1e-6)
    assert found.loc[1:4, "predicted"].isna().all()


def test_a_word_where_a_number_must_be_is_a_fault_of_its_row_alone(
    run_of: Callable[[str], mmx.Run], place: Path, tiny_plugin: Path
) -> None:
    run, rows = run_of("template").path, table(place).head(3)
    expected = mmx.predict(run, rows, root=place, plugins=[tiny_plugin])
    rows.loc[1, "age"] = "about 50"
    found = mmx.predict(run, rows, root=place, plugins=[tiny_plugin])
    assert found["reason"].tolist() == ["", "column 'age': 'about 50' is not a number", ""]
    np.testing.assert_allclose(shares(found.iloc[[0, 2]]), shares(expected.iloc[[0, 2]]), atol=1e-6)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (pd.DataFrame({"id": ["a"]}), "has no column 'derm', 'notes'.*its columns are id"),
        (pd.DataFrame({"derm": [], "notes": []}), "has no rows"),
        ([], "has no column"),
        (pd.DataFrame({"derm": ["no.png"], "notes": ["x"]}), "none of 1 cases can be answered"),
    ],
)
def test_a_table_without_anything_to_answer_is_refused(
    run_of: Callable[[str], mmx.Run], asked: Any, words: str, tiny_plugin: Path
) -> None:
    with pytest.raises(mmx.DataError, match=words):
        mmx.predict(run_of("column").path, asked, plugins=[tiny_plugin])
