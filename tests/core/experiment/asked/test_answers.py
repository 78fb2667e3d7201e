"""A run is asked about a table as it reads its own rows, in every form of asking."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from asked_table import known, shares, table

import mmx
from mmx import commands


@pytest.mark.parametrize("name", ["column", "template", "several", "retrieved"])
def test_the_file_that_trained_a_run_gives_its_predictions(
    run_of: Callable[[str], mmx.Run], place: Path, name: str, tiny_plugin: Path
) -> None:
    found = mmx.predict(run_of(name).path, place / "cases.csv", plugins=[tiny_plugin]).set_index(
        "id"
    )
    expected = known(run_of(name))
    assert (found["reason"] == "").all()
    np.testing.assert_allclose(shares(found.loc[expected.index]), shares(expected), atol=1e-4)


@pytest.mark.parametrize("ending", [".tsv", ".parquet"])
def test_the_kind_of_file_changes_no_answer(
    run_of: Callable[[str], mmx.Run], place: Path, ending: str, tiny_plugin: Path
) -> None:
    rows = table(place)
    file = place / f"same{ending}"
    if ending == ".tsv":
        rows.to_csv(file, sep="\t", index=False)
    else:  # numbers with a null beside them, as programs write them
        rows = rows.replace("", None).astype({"age": "Int64"})
        rows.to_parquet(file)
    for name in ("column", "template"):
        expected = mmx.predict(run_of(name).path, place / "cases.csv", plugins=[tiny_plugin])
        pd.testing.assert_frame_equal(
            mmx.predict(run_of(name).path, file, plugins=[tiny_plugin]), expected, rtol=1e-5
        )


@pytest.mark.parametrize("name", ["column", "template", "several", "retrieved"])
def test_an_answer_depends_on_its_row_alone(
    run_of: Callable[[str], mmx.Run], place: Path, name: str, tiny_plugin: Path
) -> None:
    def asked(rows: pd.DataFrame) -> pd.DataFrame:
        return shares(mmx.predict(run_of(name).path, rows, root=place, plugins=[tiny_plugin]))

    rows = table(place).iloc[:9]
    together = asked(rows)
    np.testing.assert_allclose(asked(rows.iloc[::-1]).iloc[::-1], together, atol=1e-4)
    for row in (0, 3, 8):
        np.testing.assert_allclose(asked(rows.iloc[[row]]), together.iloc[[row]], atol=1e-4)


def test_every_way_of_asking_gives_the_same(
    run_of: Callable[[str], mmx.Run], place: Path, tiny_plugin: Path
) -> None:
    run, rows = run_of("several"), table(place)
    row = rows.iloc[1].to_dict()
    case = mmx.Case("C", [place / row["derm"], place / row["clinic"]], row["notes"])
    expected = shares(mmx.predict(run.path, place / "cases.csv", plugins=[tiny_plugin])).iloc[[1]]
    for asked in (rows.set_axis(rows["case"]).iloc[[1]], row, [row], case, [case]):
        found = mmx.predict(run.path, asked, root=place, plugins=[tiny_plugin])  # type: ignore[arg-type]
        np.testing.assert_allclose(shares(found), expected, atol=1e-5)
    assert (
        mmx.predict(run.path, rows.set_axis(rows["case"]), root=place, plugins=[tiny_plugin]).index[
            1
        ]
        == "C001"
    )


def test_each_image_has_its_place_and_fewer_are_told(
    run_of: Callable[[str], mmx.Run], place: Path, tiny_plugin: Path
) -> None:
    run = run_of("several")
    files = [place / "derm/1.png", place / "clinic/1.png"]

    def asked(*images: Path | None) -> commands.Answers:
        return mmx.ask(run.path, mmx.Case("x", images, "a spot"), plugins=[tiny_plugin])

    both, first, second = asked(*files), asked(files[0]), asked(None, files[1])
    assert not both.notes
    assert "2 images of a case (derm, clinic); clinic counts as missing" in first.notes[0]
    assert "derm counts as missing" in second.notes[0]
    answers = [shares(one.table).iloc[0].to_numpy() for one in (both, first, second)]
    assert not np.allclose(answers[0], answers[1], atol=1e-6)
    assert not np.allclose(answers[1], answers[2], atol=1e-6)
    with pytest.raises(mmx.DataError, match="3 images are given, and this run reads at most 2"):
        asked(*files, files[0])


def test_the_record_reaches_the_model(
    run_of: Callable[[str], mmx.Run], place: Path, tiny_plugin: Path
) -> None:
    run, rows = run_of("template"), table(place).head(4)
    young, old = (
        mmx.predict(run.path, rows.assign(age=age, sex=sex), root=place, plugins=[tiny_plugin])
        for age, sex in ((20, "female"), (99, "male"))
    )
    assert not np.allclose(shares(young), shares(old), atol=1e-6)
    with pytest.raises(mmx.DataError, match="writes its texts from age, sex, site"):
        mmx.predict(
            run.path, mmx.Case("x", [place / "derm/1.png"], "a text"), plugins=[tiny_plugin]
        )


def test_answers_are_written_in_each_form(
    run_of: Callable[[str], mmx.Run], place: Path, tiny_plugin: Path
) -> None:
    answers = mmx.ask(
        run_of("column").path, table(place).head(3), root=place, plugins=[tiny_plugin]
    )
    for name in ("a.csv", "a.tsv", "a.parquet", "a.out"):
        answers.write(place / name)
    read = [
        pd.read_csv(place / "a.csv"),
        pd.read_csv(place / "a.tsv", sep="\t"),
        pd.read_parquet(place / "a.parquet"),
        pd.read_csv(place / "a.out"),
    ]
    for one in read:
        assert list(one) == ["id", "predicted", "p_bcc", "p_mel", "p_nv", "reason"]
        np.testing.assert_allclose(shares(one), shares(answers.table), rtol=1e-4)
