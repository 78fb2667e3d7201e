"""What ``mmx init`` guesses of columns that could be something else, on made-up rows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas
import pytest

from mmx.commands import Columns, guess_columns

LABELS = ["nv", "mel", "bcc"]


def dx(row: int) -> str:
    """Two rows of one patient, who has one class."""
    return LABELS[row // 2 % 3]


def guessed(
    columns: Mapping[str, Callable[[int], object]], folder: Path, rows: range = range(48)
) -> Columns:
    """The guess of a table with pictures and a label."""
    base: dict[str, Callable[[int], object]] = {
        "image": lambda row: f"{row}.jpg", "dx": dx, "patient": lambda row: f"P{row // 2}",
    }  # fmt: skip
    told = {name: one for name, one in {**base, **columns}.items() if one is not None}
    table = pandas.DataFrame({name: [one(row) for row in rows] for name, one in told.items()})
    return guess_columns(table.astype(object), folder)


@pytest.mark.parametrize(
    ("name", "cell", "why"),
    [
        ("mm", lambda row: str(row % 7) if dx(row) != "nv" else "", "filled for some labels"),
        ("RID", lambda row: 7 + row // 2, "that of an id"),
        ("licence", lambda row: ("CC BY by a hospital of the north", "CC 0")[row % 2], "published"),
        ("dnn_confidence", lambda row: row * 7 % 11 / 11, "what a reader made"),
        ("adjudicated_dme", lambda row: row * 7 % 3, "what a reader made"),
        ("RT_PCR_positive", lambda row: "yn"[row * 5 % 7 % 2], "speaks of the diagnosis"),
        ("went_icu", lambda row: "yn"[row * 5 % 7 % 2], "only after the diagnosis"),
        ("objects", lambda row: {"bbox": [1, 2]}, "lists, structs or bytes"),
        ("治療", lambda row: "ab"[row * 5 % 7 % 2], "only after the diagnosis"),
        ("Esame istologico", lambda row: "ab"[row * 5 % 7 % 2], "speaks of the diagnosis"),
    ],
)
def test_what_is_no_fact_before_the_diagnosis_is_left_out(
    tmp_path: Path, name: str, cell: Callable[[int], object], why: str
) -> None:
    found = guessed({name: cell}, tmp_path)
    assert why in found.left_out[name]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("age", lambda row: 20 + row // 2),  # each patient has one of her own
        ("cancer_history", lambda row: "yn"[row * 5 % 7 % 2]),
        ("diabetes", lambda row: "yn"[row * 5 % 7 % 2]),
        ("weight", lambda row: (50 + row * 7 % 30) if row % 5 else ""),
    ],
)
def test_facts_stay_facts(tmp_path: Path, name: str, cell: Callable[[int], object]) -> None:
    assert guessed({name: cell}, tmp_path).record == (name,)


NONE: Any = None


@pytest.mark.parametrize(
    ("columns", "label", "question"),
    [
        ({"cancer": lambda row: row // 2 % 2, "biopsy": lambda row: int(row % 4 < 3),
          "invasive": lambda row: int(row % 8 == 0)}, "cancer", "is 'cancer' the label?"),
        ({"covid19_positive": lambda row: "YN"[row // 2 % 2]}, "covid19_positive",
         "is 'covid19_positive' the label?"),
        ({"Diagnostic retenu": dx}, "Diagnostic retenu", "is 'Diagnostic retenu' the label?"),
        ({"診断": dx}, "診断", ""), ({"Diagnosi": dx}, "Diagnosi", ""),
        ({"birads": dx, "diabetes": lambda row: "yn"[row * 5 % 7 % 2]}, "birads", ""),
        ({"birads": dx, "diagnosis_method": lambda row: "ab"[row * 5 % 7 % 2]}, "birads", ""),
    ],
)  # fmt: skip
def test_labels_of_other_names_are_taken_with_a_question(
    tmp_path: Path, columns: dict[str, Any], label: str, question: str
) -> None:
    found = guessed({"dx": NONE, **columns}, tmp_path)
    assert (found.label, found.task) == (label, {})
    assert any(one.startswith(question) for one in found.questions) is bool(question)


@pytest.mark.parametrize(
    ("columns", "group", "asked"),
    [
        ({"days_from_study": lambda row: row % 12, "submitter_id": lambda row: f"S{row // 2}"},
         "submitter_id", False),
        ({"x": lambda row: f"{100 + row // 4}.0"}, None, False),
        ({"patient_id": lambda row: f"{100 + row // 2}.0"}, "patient_id", False),
        ({"lesion_id": lambda row: f"{100 + row // 4}.{row // 2 % 2 + 1}"}, "lesion_id", False),
        ({"patient_weight": lambda row: f"{60 + row // 2}.5"}, None, False),
        ({"image": lambda row: f"{row // 3}.jpg"}, "image", True),
        ({"eid": lambda row: 1000010 + row // 2}, "eid", False),
    ],
)  # fmt: skip
def test_what_counts_or_measures_is_no_group_and_one_picture_is(
    tmp_path: Path, columns: dict[str, Any], group: str | None, asked: bool
) -> None:
    found = guessed({"patient": NONE, **columns}, tmp_path)
    assert found.group == group
    assert any("rows with one picture" in one for one in found.questions) is asked


def test_a_value_that_only_one_label_has_is_a_question(tmp_path: Path) -> None:
    invasive = {"invasive": lambda row: int(dx(row) == "mel" and row % 9 > 0)}
    found = guessed(invasive, tmp_path, rows=range(120))
    assert found.record == ("invasive",)
    (asked,) = found.questions
    assert asked.startswith("is 'invasive' known before the diagnosis? All 20 cases with '1' are")
    assert guessed(invasive, tmp_path).questions == ()  # of eight patients that may be chance


def test_one_of_several_labels_is_not_told_by_a_fact(tmp_path: Path) -> None:
    def marks(place: int) -> Callable[[int], object]:
        return lambda row: int(row // 2 % (place + 2) == 0)

    blocks = {f"sign {place}": marks(place) for place in range(4)}
    grade = {"a": lambda row: NONE, "grade_of_sign": lambda row: "xyz"[row // 2 % 2 + row % 2 * 0]}
    found = guessed({"dx": NONE, **blocks, "b": lambda row: "s", **grade}, tmp_path)
    assert found.labels == tuple(blocks)
    assert "goes with one label only" in found.left_out["grade_of_sign"]


def test_sentences_that_repeat_in_all_rows_are_no_text(tmp_path: Path) -> None:
    houses: Sequence[str] = ("a large hospital of the north", "a clinic in the old town")
    found = guessed({"house": lambda row: houses[row % 2]}, tmp_path)
    assert (found.text, found.record) == (None, ("house",))


def test_sex_is_known_by_its_cells(tmp_path: Path) -> None:
    found = guessed({"M/F": lambda row: "MF"[row * 5 % 7 % 2]}, tmp_path)
    assert found.roles == {"sex": "M/F"}
    assert found.reasons["roles"] == "by their names; sex by its cells"


def test_a_few_words_among_numbers_and_sums_of_numbered_labels_are_questions(
    tmp_path: Path,
) -> None:
    columns: dict[str, Any] = {
        "dx": lambda row: row // 2 % 2 if row < 47 else 23,
        "nr": lambda row: f"n{row}" if row < 47 else "Summe",
        "size": lambda row: row % 9 if row else "mm",
    }
    asked = guessed(columns, tmp_path).questions
    assert any(one.startswith("are 'mm' in 'size' values?") for one in asked)
    assert any(one.startswith("are the rows with 'Summe' in 'nr'") for one in asked)


def test_addresses_of_pictures_are_asked_for(tmp_path: Path) -> None:
    note = {"note": lambda row: f"a spot for {row} days or so"}
    found = guessed({"image": lambda row: f"https://x.org/{row}.jpg", **note}, tmp_path)
    assert found.images == ()
    assert any(one.startswith("where are the files of 'image'?") for one in found.questions)
