"""Tables in five languages and of public layouts: what is guessed, left out and asked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas
import pytest

from mmx import DataError
from mmx.commands import Columns, guess_columns

ROWS = 60


def guessed(folder: Path, columns: Mapping[str, Any], **given: str) -> Columns:
    """Guess a table; a list repeats, a function gets the number of the row."""

    def cells(what: Any) -> list[str]:
        rows = range(ROWS)
        return [str(what(row) if callable(what) else what[row % len(what)]) for row in rows]

    table = pandas.DataFrame({name: cells(what) for name, what in columns.items()})
    return guess_columns(table, folder, given=given)


def pair(row: int) -> int:
    return row // 2


GERMAN: dict[str, Any] = {
    "lfd. Nr.": lambda row: row + 1, "Pat.-Nr.": lambda row: 70_000 + pair(row),
    "Foto": lambda row: f"f{row}.png", "Alter (Jahre)": lambda row: 20 + row * 7 % 60,
    "Geschlecht": ["männlich", "weiblich", "k. A."], "Lokalisation": ["Arm", "Rücken", "Gesicht"],
    "Juckreiz": ["ja", "nein"], "Durchmesser [mm]": lambda row: row * 5 % 17,
    "Befund": ["ein scharf begrenzter Fleck", "ein dunkler Fleck am Rand"],
    "Diagnose": ["Nävus", "Melanom", "BCC", "Nävus", "BCC"], "Therapie": ["Exzision", "Kontrolle"],
    "Datum": lambda row: f"{row % 28 + 1:02d}.03.2021",
}  # fmt: skip
CHINESE: dict[str, Any] = {
    "序号": lambda row: row + 1, "住院号": lambda row: f"ZY{1000 + pair(row)}",
    "图像": lambda row: f"f{row}.png", "年龄": lambda row: 20 + row * 7 % 60,
    "性别": ["男", "女", "不详"],
    "部位": ["背部", "面部", "手臂"], "瘙痒": ["是", "否"],
    "病史": ["背部黑色斑块三年，近期增大", "面部结节半年，偶有出血"],
    "诊断": ["黑色素瘤", "痣", "痣", "癌", "癌"], "手术方式": ["切除", "激光"],
}  # fmt: skip
FRENCH: dict[str, Any] = {
    "identifiant patient": lambda row: f"P{pair(row)}", "photo": lambda row: f"f{row}.png",
    "âge": lambda row: 20 + row * 7 % 60, "sexe": ["homme", "femme", ""],
    "emplacement": ["dos", "bras", "main"],
    "diagnostic": ["naevus", "mélanome", "naevus", "naevus"], "traitement": ["a", "b"],
}  # fmt: skip
SPANISH: dict[str, Any] = {
    "id_paciente": lambda row: f"P{pair(row)}", "foto": lambda row: f"f{row}.png",
    "edad": lambda row: 20 + row * 7 % 60, "sexo": ["hombre", "mujer", ""],
    "localización": ["espalda", "pie", "mano"],
    "diagnóstico": ["nevus", "melanoma", "nevus", "nevus"], "cirugía": ["sí", "no"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "label", "group", "roles", "record", "left_out"),
    [
        (GERMAN, "Diagnose", "Pat.-Nr.", ("Alter (Jahre)", "Geschlecht", "Lokalisation"),
         ("Juckreiz", "Durchmesser [mm]"), {"lfd. Nr.", "Therapie", "Datum"}),
        (CHINESE, "诊断", "住院号", ("年龄", "性别", "部位"), ("瘙痒",), {"序号", "手术方式"}),
        (FRENCH, "diagnostic", "identifiant patient", ("âge", "sexe", "emplacement"), (),
         {"traitement"}),
        (SPANISH, "diagnóstico", "id_paciente", ("edad", "sexo", "localización"), (), {"cirugía"}),
    ],
)  # fmt: skip
def test_a_table_is_understood_in_its_language(
    tmp_path: Path, columns: Mapping[str, Any], label: str, group: str,
    roles: Sequence[str], record: Sequence[str], left_out: set[str],
) -> None:  # fmt: skip
    found = guessed(tmp_path, columns)
    assert (found.label, found.group, len(found.images)) == (label, group, 1)
    assert found.roles == dict(zip(("age", "sex", "site"), roles, strict=True))
    assert found.record == (*roles, *record)
    assert set(found.left_out) == left_out
    assert found.questions == ()
    for line in found.told():
        assert line.endswith(")")  # each with its reason


PLAIN: dict[str, Any] = {
    "image": lambda row: f"f{row}.png", "dx": ["a", "b", "c", "b", "a", "c", "c"],
    "age": lambda row: 20 + row * 7 % 60,
}  # fmt: skip


@pytest.mark.parametrize(
    ("column", "cells", "group", "told"),
    [
        ("Patient Number", lambda row: 7 * pair(row), "Patient Number", "by its name"),
        ("case_num", lambda row: row, None, "'case_num' is another in every row"),
        ("MRN", lambda row: 70_001 + pair(row), "MRN", "by its name"),
        ("Aktenzeichen", lambda row: f"A{pair(row)}/21", "Aktenzeichen", "look like ids"),
        ("hospital_no", lambda row: 5_000 + pair(row), "hospital_no", "look like ids"),
        ("study_id", ["A", "B", "C"], "study_id", "by its name"),  # many rows of few studies
        ("study", ["A", "B", "C"], None, "no column is named like a patient"),
        ("group", ["control", "treated"], None, "no column is named like a patient"),
    ],
)  # fmt: skip
def test_a_group_repeats_and_an_unnamed_one_is_asked_about(
    tmp_path: Path, column: str, cells: Any, group: str | None, told: str
) -> None:
    found = guessed(tmp_path, {**PLAIN, column: cells})
    assert found.group == group
    assert told in found.reasons["group"]
    asked = any(repr(column) in one for one in found.questions)
    assert asked == ("look like ids" in told)


@pytest.mark.parametrize("name", ["exam", "visit date", "StudyDate", "Datum", "case_no"])
@pytest.mark.parametrize("form", ["2021-03-{:02d}", "{:02d}.03.2021", "202103{:02d}"])
def test_a_day_on_which_several_came_is_no_group(tmp_path: Path, name: str, form: str) -> None:
    found = guessed(tmp_path, {**PLAIN, name: lambda row: form.format(row // 4 + 1)})
    assert found.group is None
    assert found.record == ("age",)
    assert "dates" in found.left_out[name]
    assert found.questions == ()


@pytest.mark.parametrize(
    ("columns", "kinds"),
    [
        (("derm", "clinic"), True),
        (("dermoscopic_image", "clinical_image"), True),
        (("fundus", "oct"), True),
        (("xray", "ct", "mri"), True),
        (("derm", "dermoscopy"), False),  # twice the same
        (("derm", "photo"), False),
        (("Derm", "Clinic"), False),  # no names of modalities
        (("front", "side"), False),
        (("photo",), False),
    ],
)
def test_pictures_are_of_kinds_where_each_name_says_another(
    tmp_path: Path, columns: Sequence[str], kinds: bool
) -> None:
    pictures = dict.fromkeys(columns, lambda row: f"f{row}.png")
    found = guessed(tmp_path, {**{k: v for k, v in PLAIN.items() if k != "image"}, **pictures})
    assert (found.images, found.kinds) == (tuple(columns), kinds)
    asked = [one for one in found.questions if "views of one kind?" in one]
    assert len(asked) == (len(columns) > 1 and not kinds)
    assert ("another kind" in found.reasons["images"]) == kinds


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "index", "序号", "anything"])
def test_row_numbers_are_no_facts(tmp_path: Path, name: str) -> None:
    found = guessed(tmp_path, {name: lambda row: row, **PLAIN})
    assert found.record == ("age",)
    assert found.left_out[name] == "it counts the rows"


@pytest.mark.parametrize(
    "name",
    ["management", "seven_point_score", "treatment", "dx_type", "Pathologie", "prognosis",
     "level_of_diagnostic_difficulty", "tumor_stage", "Entlassung"],
)  # fmt: skip
def test_what_follows_the_diagnosis_is_no_fact(tmp_path: Path, name: str) -> None:
    found = guessed(tmp_path, {**PLAIN, name: ["1", "2", "3", "4"]})
    assert found.record == ("age",)
    assert "diagnosis" in found.left_out[name]


@pytest.mark.parametrize(
    ("columns", "split"),
    [
        ({"Set": ["train", "train", "val", "test"]}, {"column": "Set"}),
        ({"anything": ["Training", "Testing"]}, {"column": "anything"}),
        ({"kfold": lambda row: pair(row) % 5}, {"column": "kfold", "folds": 5, "fold": 0}),
        ({"fold": ["0", "1"], "split": ["train", "test"]}, {"column": "split"}),
        ({"subset": ["A", "B"]}, {}),
    ],
)
def test_published_splits_and_folds_are_known(
    tmp_path: Path, columns: Mapping[str, Any], split: dict[str, Any]
) -> None:
    found = guessed(tmp_path, {**PLAIN, **columns})
    known = {**found.split}
    if "fold" in columns and "split" in columns:  # order of the table decides, both are named
        assert {known["column"], *found.left_out} == {"fold", "split"}
    else:
        assert known == split
    assert found.record == ("age",)
    if "subset" in columns:
        assert "may be a published split" in found.questions[0]


def test_a_split_that_tears_a_group_is_a_question(tmp_path: Path) -> None:
    torn = {"patient": lambda row: f"P{pair(row)}", "split": ["train", "test"]}
    found = guessed(tmp_path, {**PLAIN, **torn})
    assert found.split == {}
    assert "puts 30 of 30 groups (patient) into several parts" in found.questions[0]


def test_labels_that_are_several_or_misspelt_are_questions(tmp_path: Path) -> None:
    several = guessed(tmp_path, {**PLAIN, "dx": ["a", "b", "a|b"]})
    assert "such as 'a|b' several labels of a case?" in several.questions[0]
    assert (several.cells, several.task) == ({"several": "each"}, {"type": "multi_label"})
    misspelt = guessed(tmp_path, {**PLAIN, "dx": ["mel", "MEL", "nv"]})
    assert "spelt in several ways" in misspelt.questions[0]
    table = pandas.DataFrame({"image": ["a.png"] * 12, "dx": ["a", "b", "a|b"] * 4})
    single = guess_columns(table, tmp_path, task="single_label")
    assert (single.cells, single.task) == ({}, {})
    assert 'labels: {several: first, separator: "|"}, or' in single.questions[0]


def test_without_pictures_and_sentences_it_asks(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="names no image files and holds no sentences") as refused:
        guessed(tmp_path, {"dx": ["a", "b"], "age": lambda row: 20 + row})
    assert "model: {record: tabular, fusion: {type: only, modality: record}}." in str(refused.value)


def test_rows_without_a_label_are_counted(tmp_path: Path) -> None:
    found = guessed(tmp_path, {**PLAIN, "dx": ["a", "b", "nan", "a", "b", "unknown"]})
    assert (found.lacking, found.rows) == (20, ROWS)


def test_one_column_a_class_and_names_without_ending_are_known(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for row in range(ROWS):
        (tmp_path / "photos" / f"c{row}.jpg").touch()
    one_hot = {
        name: (lambda row, place=place: float(row % 3 == place))
        for place, name in enumerate(("MEL", "NV", "BCC"))
    }
    found = guessed(tmp_path, {"image": lambda row: f"c{row}", **one_hot})
    assert (found.label, found.label_columns) == (None, ("MEL", "NV", "BCC"))
    assert (found.images, found.suffix, found.root) == (("image",), ".jpg", "photos")
    assert "exactly one of them is 1" in found.reasons["label"]


def test_files_in_several_folders_and_links_are_found(tmp_path: Path) -> None:
    for row in range(ROWS):
        part = tmp_path / f"part_{row % 2 + 1}"
        part.mkdir(exist_ok=True)
        (part / f"f{row}.png").touch()
    found = guessed(tmp_path, PLAIN)
    assert (found.root, found.roots) == ("part_1", ("part_2",))
    assert "30 of 60 files are in part_2" in found.reasons["root"]
    beside = tmp_path / "beside"
    (beside / "photos").mkdir(parents=True)
    for row in range(ROWS):
        (beside / "photos" / f"f{row}.png").symlink_to(tmp_path / "part_1" / "f0.png")
    linked = guessed(beside, PLAIN)
    assert "data.dataset.follow_links: true" in linked.questions[0]


@pytest.mark.parametrize(
    ("name", "cells", "levels"),
    [
        ("grade", ["1", "2", "3"], ["1", "2", "3"]),
        ("tumor grade", ["G3", "G1", "G2"], ["G1", "G2", "G3"]),
        ("severity", ["II", "I", "III"], ["I", "II", "III"]),
        ("birads", ["BI-RADS 4", "BI-RADS 2", "BI-RADS 3"],
         ["BI-RADS 2", "BI-RADS 3", "BI-RADS 4"]),
        ("severity", ["low", "high", "middle"], None),
        ("severity", ["1", "2", "40"], None),  # codes, not steps
    ],
)  # fmt: skip
def test_grades_are_levels_in_their_order(
    tmp_path: Path, name: str, cells: Sequence[str], levels: Sequence[str] | None
) -> None:
    plain = {key: value for key, value in PLAIN.items() if key != "dx"}
    found = guessed(tmp_path, {**plain, name: [*cells, cells[0]]})
    assert found.task.get("levels") == levels
    if levels:
        asked = guess_columns(
            pandas.DataFrame({"image": ["a.png"] * 12, "dx": [*map(str, range(4))] * 3}), tmp_path
        )
        assert asked.task == {}
        assert "are 0, 1, 2, 3 levels in this order" in asked.questions[0]


def test_the_patient_in_the_names_of_files_is_the_group(tmp_path: Path) -> None:
    named = {"image": lambda row: f"train/Patient_{pair(row):03d}/view{row}.png"}
    found = guessed(tmp_path, {**PLAIN, **named})
    assert (found.group, found.group_pattern) == ("image", r"Patient_\d+")
    assert "such as Patient_000: 30 in 60 rows" in found.reasons["group"]


def test_a_history_is_a_fact_and_histology_is_none(tmp_path: Path) -> None:
    facts = {"cancer_history": ["True", "False", "False"], "histology": ["x", "y", "y", "x", "z"]}
    found = guessed(tmp_path, {**PLAIN, **facts})
    assert found.record == ("age", "cancer_history")
    assert "speaks of the diagnosis" in found.left_out["histology"]
