"""Tables with a row for each picture: what is gathered, what is asked, and what init writes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas
import pytest
import yaml

from mmx import DataError
from mmx.commands import Columns, guess_columns, write_template

ROWS = 60


def of(each: int, *values: str) -> Callable[[int], str]:
    """The same value in so many rows, one after the other."""
    return lambda row: values[row // each % len(values)]


STUDIES: Mapping[str, Any] = {
    "image": lambda row: f"p{row // 4}/{row}.jpg",
    "study_id": lambda row: f"S{row // 2}",
    "patient_id": lambda row: f"P{row // 4}",
    "view": of(1, "AP", "LATERAL"),
    "dx": of(2, "a", "b", "c"),
    "age": lambda row: str(20 + row // 4 % 3),
}


def guessed(folder: Path, columns: Mapping[str, Any], **given: str) -> Columns:
    table = {name: [cells(row) for row in range(ROWS)] for name, cells in columns.items()}
    return guess_columns(pandas.DataFrame(table), folder, given=given)


def written(folder: Path, columns: Columns) -> dict[str, Any]:
    out = folder / "spec.yaml"
    write_template(out, table=folder / "cases.csv", columns=columns, force=True)
    spec: dict[str, Any] = yaml.safe_load(out.read_text())
    return spec


def test_pictures_of_one_study_are_one_case(tmp_path: Path) -> None:
    found = guessed(tmp_path, STUDIES)
    spec = written(tmp_path, found)
    dataset = spec["data"]["dataset"]
    assert (dataset["case"], dataset["view"], dataset["group"]) == (
        "study_id", "view", "patient_id",
    )  # fmt: skip
    assert dataset["views"] == {"frontal": ["AP"], "lateral": ["LATERAL"]}
    assert dataset["record"] == ["age"]
    assert {*spec["model"]["encoders"]} == {"frontal", "lateral"}
    assert (found.rows, found.questions) == (30, ())
    (told,) = [line for line in found.told() if line.startswith("case: study_id, view: view")]
    assert "60 rows are 30 cases; --case none makes each row a case" in told


def test_a_user_may_say_that_each_row_is_a_case(tmp_path: Path) -> None:
    found = guessed(tmp_path, STUDIES, case="none")
    spec = written(tmp_path, found)
    assert "case" not in spec["data"]["dataset"]
    assert "view" in found.record
    assert (found.rows, found.questions) == (60, ())
    assert spec["model"]["image"]["type"] == "timm"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dx": of(1, "a", "b", "c")}, "rows of one differ in 'dx'"),
        ({"patient_id": of(1, "P1", "P2", "P3", "P4")}, "rows of one differ in 'patient_id'"),
        ({"split": of(1, "train", "test", "train")}, "rows of one differ in 'split'"),
        ({"notes": lambda row: f"a round brown spot of {row} mm"}, "differ in 'notes'"),
        ({"view": of(1, "near", "far")}, "the values of 'view' are no views that are known"),
        ({"photo": lambda row: f"{row}.png"}, "each row has several pictures itself"),
    ],
)
def test_rows_that_may_be_one_case_are_a_question(
    tmp_path: Path, change: Mapping[str, Any], words: str
) -> None:
    found = guessed(tmp_path, {**STUDIES, **change})
    assert found.cases.case == ()
    (asked,) = [one for one in found.questions if "data.dataset.case: study_id, view: view" in one]
    assert words in asked
    with pytest.raises(DataError, match=words):
        guessed(tmp_path, {**STUDIES, **change}, case="study_id")


def test_studies_that_count_anew_in_each_patient_are_asked_about_with_both_columns(
    tmp_path: Path,
) -> None:
    columns = {**STUDIES, "study_id": of(2, "1", "2")}
    (asked,) = guessed(tmp_path, columns).questions
    assert asked.startswith("are the rows of one 'patient_id' and 'study_id' pictures of one case?")
    assert "'study_id' may count anew in each 'patient_id'" in asked
    assert "data.dataset.case: [patient_id, study_id], view: view" in asked


@pytest.mark.parametrize(
    "columns",
    [
        {key: cells for key, cells in STUDIES.items() if key != "view"},
        {key: cells for key, cells in STUDIES.items() if key != "study_id"},
        {**STUDIES, "study_id": lambda row: f"S{row}"},
        {**STUDIES, "study_id": lambda row: f"S{row // 2}" if row else ""},
    ],
)
def test_other_tables_are_left_as_they_are(tmp_path: Path, columns: Mapping[str, Any]) -> None:
    found = guessed(tmp_path, columns)
    assert (found.cases.settings, found.rows) == ({}, ROWS)
    assert not [one for one in found.questions if "data.dataset.case" in one]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"view": None}, "no column holds views that are known"),
        ({"study_id": lambda row: f"S{row}"}, "no two rows have the same one"),
        ({"study_id": lambda row: f"S{row // 2}" if row else ""}, "1 of 60 rows have none"),
        ({"study_id": lambda _: "S1"}, "all rows have the same one"),
        (
            {"image": None, "notes": lambda row: f"a round brown spot of {row} mm"},
            "the table names no pictures",
        ),
    ],
)
def test_a_case_that_a_user_says_in_vain_is_refused_with_the_reason(
    tmp_path: Path, change: Mapping[str, Any], words: str
) -> None:
    columns = {name: cells for name, cells in {**STUDIES, **change}.items() if cells is not None}
    with pytest.raises(DataError, match=f"--case study_id: .*{words}"):
        guessed(tmp_path, columns, case="study_id")


def test_what_differs_between_pictures_is_no_fact_of_their_case(tmp_path: Path) -> None:
    found = guessed(tmp_path, {**STUDIES, "dose": of(1, "1", "2", "3")})
    assert found.record == ("age",)
    assert found.left_out["dose"] == "it differs between the pictures of one case"


def test_labels_are_lacking_by_case(tmp_path: Path) -> None:
    found = guessed(tmp_path, {**STUDIES, "dx": lambda row: "" if row < 5 else "ab"[row // 2 % 2]})
    assert found.lacking == 2  # the label of the third study stands in its second row
    assert written(tmp_path, found)["data"]["max_bad"] == 0.07


def test_mammograms_have_places_while_none_is_taken_twice(tmp_path: Path) -> None:
    breasts = {
        "image": lambda row: f"{row}.jpg",
        "study_id": lambda row: f"S{row // 4}",
        "laterality": of(2, "L", "R"),
        "view": of(1, "CC", "MLO"),
        "dx": of(4, "a", "b", "c"),
    }
    whole = guessed(tmp_path, breasts)
    assert whole.cases.settings == {
        "case": "study_id",
        "view": ["laterality", "view"],
        "views": ["L CC", "L MLO", "R CC", "R MLO"],
    }
    aside = guessed(tmp_path, {**breasts, "dx": of(2, "a", "b", "c")})
    assert aside.cases.settings == {
        "case": ["study_id", "laterality"],
        "view": "view",
        "views": ["CC", "MLO"],
    }
    assert written(tmp_path, aside)["model"]["image"]["type"] == "sequence"
    twice = guessed(tmp_path, {**breasts, "view": of(1, "CC", "CC", "MLO", "CC")})
    assert twice.cases.settings["views"] == {"cc": ["L CC", "R CC"], "mlo": ["R MLO"]}
    encoders = written(tmp_path, twice)["model"]["encoders"]
    assert [encoders[kind]["type"] for kind in ("cc", "mlo")] == ["sequence", "timm"]


def test_slices_stand_in_their_order(tmp_path: Path) -> None:
    slices = {
        "file": lambda row: f"{row}.png",
        "SeriesInstanceUID": lambda row: f"1.2.{row // 20}",
        "SliceNumber": lambda row: str(row * 7 % 20),
        "dx": of(20, "a", "b", "a"),
    }
    found = guessed(tmp_path, slices)
    assert found.cases.settings == {"case": "SeriesInstanceUID", "order": "SliceNumber"}
    assert found.shown == {"image": 20}
    torn = guessed(tmp_path, {**slices, "dx": of(10, "a", "b", "a")})
    assert "data.dataset.case: SeriesInstanceUID, order: SliceNumber" in torn.questions[-1]
    longest = guessed(tmp_path, {**slices, "SeriesInstanceUID": lambda row: f"1.2.{row // 40}",
                                 "SliceNumber": str, "dx": of(40, "a", "b")})  # fmt: skip
    assert written(tmp_path, longest)["model"]["image"]["longest"] == 40


def test_views_that_are_unknown_are_counted(tmp_path: Path) -> None:
    views = {**STUDIES, "view": lambda row: "oblique" if row < 3 else ("AP", "LL")[row % 2]}
    found = guessed(tmp_path, views)
    assert (found.cases.unread, found.cases.blind) == (3, {"S0"})
    assert "3 rows of other views are not read" in found.reasons["case"]
    bare = {key: cells for key, cells in views.items() if key != "age"}
    assert guessed(tmp_path, bare).lacking == 1  # without a text and a record nothing is left
    other = {**bare, "dx": lambda row: "" if row // 2 == 5 else "abc"[row // 2 % 3]}
    assert guessed(tmp_path, other).lacking == 2  # nor is a study without a label


def test_a_study_in_a_path_is_a_case(tmp_path: Path) -> None:
    paths = {
        "Path": lambda row: f"train/patient{row // 4:05d}/study{row // 2 % 2}/view{row}.jpg",
        "Frontal/Lateral": of(1, "Frontal", "Lateral"),
        "dx": of(2, "a", "b", "c"),
    }
    dataset = written(tmp_path, guessed(tmp_path, paths))["data"]["dataset"]
    assert (dataset["case"], dataset["case_pattern"]) == ("Path", r"patient\d+/study\d+")
    assert (dataset["group"], dataset["group_pattern"]) == ("Path", r"patient\d+")
