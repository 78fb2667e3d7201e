"""A run is asked about a table as it reads its own rows, and nothing in it is lost in silence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import mmx

KINDS = ("mel", "nv", "bcc")
SPEC = """
name: asked
data:
  dataset: {{type: table, path: cases.csv, label: dx, group: patient, {dataset}}}
  narrative: {narrative}
  image: {{height: 32, width: 32}}
model:
  image: {image}
  text: tiny_text
  fusion: {fusion}
  head: {{type: mlp, hidden: 8}}
  projection: 8
train: {{epochs: 1, batch_size: 16}}
evaluation: {{explain: false}}
audit: {{waive: {{text_tells_label: drawn}}}}
"""
TWO = "{type: multi_view, backbone: tiny_image, heads: 2, width: 4}"
RUNS: dict[str, dict[str, str]] = {
    "column": {"dataset": "id: case, images: [derm], text: notes, record: [Alter]"},
    "template": {
        "dataset": "images: [derm], record: [age, sex, site]",
        "narrative": "{type: template, templates: ['{case}.', 'I see {case}.', 'Look: {case}.']}",
    },
    "retrieved": {
        "dataset": "images: [derm], record: [age, sex, site]",
        "narrative": "{type: rangm, level: retrieved, neighbours: 2}",
    },
    "several": {"dataset": "images: [derm, clinic], text: notes", "image": TWO},
    "image_only": {"dataset": "images: [derm], text: notes", "fusion": "image_only"},
    "text_only": {"dataset": "images: [derm], text: notes", "fusion": "text_only"},
}
DEFAULTS = {
    "narrative": "{type: column, column: notes}",
    "image": "tiny_image",
    "fusion": "concat",
}


def draw(path: Path, seed: int) -> None:
    """A noisy square."""
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures and cases.csv."""
    folder, rows = tmp_path_factory.mktemp("asked"), []
    for i in range(36):
        for name in ("derm", "clinic"):
            draw(folder / f"{name}/{i}.png", i + 100 * (name == "clinic"))
        rows.append({
            "case": f"C{i:03d}", "dx": KINDS[i // 2 % 3], "patient": f"P{i // 2}",
            "derm": f"derm/{i}.png", "clinic": "" if i % 5 == 0 else f"clinic/{i}.png",
            "age": 20 + i, "sex": ("male", "female")[i % 2], "site": ("arm", "back")[i // 3 % 2],
            "Alter": 20 + i, "notes": "" if i % 7 == 0 else f"a spot that itches since {i} weeks",
        })  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def run_of(place: Path, tiny_plugin: Path) -> Callable[[str], mmx.Run]:
    """The run of a name in RUNS; trained once."""
    made: dict[str, mmx.Run] = {}

    def give(name: str) -> mmx.Run:
        if name not in made:
            spec = place / f"{name}.yaml"
            spec.write_text(SPEC.format(**{**DEFAULTS, **RUNS[name]}), encoding="utf-8")
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("MMX_CACHE", str(place / "cache"))
                patch.setenv("MMX_RUNS", str(place / "runs"))
                made[name] = mmx.run(mmx.load_spec(spec, plugins=[tiny_plugin]))
        return made[name]

    return give


@pytest.fixture(autouse=True)
def caches(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMX_CACHE", str(place / "cache"))


def table(place: Path) -> pd.DataFrame:
    return pd.read_csv(place / "cases.csv", dtype=str, keep_default_na=False)


def shares(found: pd.DataFrame) -> pd.DataFrame:
    return found[[f"p_{name}" for name in sorted(KINDS)]].astype(float)


def known(run: mmx.Run) -> pd.DataFrame:
    return run.predictions.query("part == 'test'").set_index("sample")


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

    def asked(*images: Path | None) -> mmx.Answers:
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
