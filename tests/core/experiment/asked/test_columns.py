"""Columns of a table that is asked about are found, mapped, left out, or refused by name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from asked_table import shares, table

import mmx


@pytest.mark.parametrize(
    ("name", "lacking"),
    [("column", "derm"), ("column", "notes"), ("template", "age"), ("several", "clinic")],
)
def test_a_column_that_is_read_and_not_there_is_refused_by_name(
    run_of: Callable[[str], mmx.Run], place: Path, name: str, lacking: str, tiny_plugin: Path
) -> None:
    rows = table(place).drop(columns=lacking)
    words = f"has no column '{lacking}', which this run reads; its columns are case, dx, patient"
    with pytest.raises(mmx.DataError, match=words):
        mmx.predict(run_of(name).path, rows, root=place, plugins=[tiny_plugin])
    stated = mmx.predict(
        run_of(name).path, rows, root=place, without=[lacking], plugins=[tiny_plugin]
    )
    assert (stated["reason"] == "").sum() >= 30


@pytest.mark.parametrize(
    ("name", "enough"),
    [
        ("column", ["derm", "notes"]),
        ("template", ["derm", "age", "sex", "site"]),
        ("image_only", ["derm"]),
        ("text_only", ["notes"]),
    ],
)
def test_only_what_is_read_is_asked_for(
    run_of: Callable[[str], mmx.Run], place: Path, name: str, enough: list[str], tiny_plugin: Path
) -> None:
    rows = table(place)
    found = mmx.predict(run_of(name).path, rows[enough], root=place, plugins=[tiny_plugin])
    expected = mmx.predict(run_of(name).path, rows, root=place, plugins=[tiny_plugin])
    np.testing.assert_allclose(shares(found), shares(expected), atol=1e-5)


def test_columns_of_another_file_are_mapped_and_a_false_mapping_is_refused(
    run_of: Callable[[str], mmx.Run], place: Path, tiny_plugin: Path
) -> None:
    run, rows = run_of("column").path, table(place)
    other = rows.rename(columns={"derm": "Foto", "notes": "anamnèse 既往"})
    mapped = {"Foto": "derm", "anamnèse 既往": "notes"}
    expected = mmx.predict(run, rows, root=place, plugins=[tiny_plugin])
    pd.testing.assert_frame_equal(
        mmx.predict(run, other, columns=mapped, root=place, plugins=[tiny_plugin]), expected
    )
    swapped = rows.rename(columns={"derm": "notes", "notes": "derm"})
    back = {"derm": "notes", "notes": "derm"}
    pd.testing.assert_frame_equal(
        mmx.predict(run, swapped, columns=back, root=place, plugins=[tiny_plugin]), expected
    )
    for false, words in (
        ({"nosuch": "derm"}, "has no column 'nosuch'"),
        ({"Foto": "photo"}, "this run has no column 'photo'; it has derm"),
        ({"Foto": "derm", "case": "derm"}, "two columns are mapped to 'derm'"),
    ):
        with pytest.raises(mmx.DataError, match=words):
            mmx.predict(run, other, columns=false, root=place, plugins=[tiny_plugin])


def test_columns_by_what_they_hold(
    run_of: Callable[[str], mmx.Run], place: Path, tiny_plugin: Path
) -> None:
    run = run_of("several").path
    other = place / "roles.csv"
    table(place).rename(columns={"derm": "a", "clinic": "b,c", "notes": "t"}).to_csv(
        other, index=False
    )
    expected = mmx.predict(run, place / "cases.csv", plugins=[tiny_plugin])
    found = mmx.ask(
        run, other, image_columns=["a", "b,c"], text_column="t", plugins=[tiny_plugin]
    ).table
    pd.testing.assert_frame_equal(found, expected)
    plain = place / "plain.csv"
    table(place).rename(columns={"derm": "a", "clinic": "b"}).to_csv(plain, index=False)
    pd.testing.assert_frame_equal(
        mmx.ask(run, plain, image_columns=["a,b"], plugins=[tiny_plugin]).table, expected
    )
    with pytest.raises(mmx.DataError, match="has no column 'nosuch'"):
        mmx.ask(run, plain, image_columns=["a,nosuch"], plugins=[tiny_plugin])
    with pytest.raises(mmx.DataError, match="3 columns of images are named"):
        mmx.ask(run, plain, image_columns=["a,b,t"], plugins=[tiny_plugin])
