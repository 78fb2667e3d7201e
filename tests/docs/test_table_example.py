"""examples/table: its spec is what init guesses, it runs, and its README tells the truth."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mmx
from mmx import commands, load_spec

FOLDER = Path(__file__).parents[2] / "examples" / "table"
QUICK = [
    "train.epochs=1",
    "data.image.height=32",
    "data.image.width=32",
]


def test_the_spec_is_what_init_guesses() -> None:
    spec = load_spec(FOLDER / "spec.yaml")
    guessed = commands.guess_columns(mmx.read_table(FOLDER / "cases.csv"), FOLDER)
    given = spec.data.dataset.model_dump()
    given["images"] = given["images"]["image"]
    names = ("images", "text", "label", "group", "record")
    assert {name: given[name] for name in names} == {name: getattr(guessed, name) for name in names}


def test_every_photograph_is_there_and_has_one_patient() -> None:
    table = mmx.read_table(FOLDER / "cases.csv")
    seen = table[table["photo"] != ""]
    assert seen.groupby("photo")["patient"].nunique().max() == 1
    assert all((FOLDER / name).is_file() for name in seen["photo"].unique())


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The example as it stands, with fewer epochs and smaller images."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MMX_RUNS", "MMX_CACHE"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name)))
        return mmx.run(load_spec(FOLDER / "spec.yaml", overrides=QUICK))


def test_the_flaws_of_the_table_stand_in_the_data_report(finished: Any) -> None:
    report = finished.metrics["data_report"]
    assert report["rows"] == 72
    assert report["without_image"] == 1
    assert len(report["without_text"]) == 1
    assert not report["rejected"]


def test_the_test_part_has_six_patients_of_its_own(finished: Any) -> None:
    found = finished.predictions
    test, validation = (set(found[found["part"] == one]["group"]) for one in ("test", "validation"))
    assert len(test) == 6
    assert not test & validation


def test_new_cases_are_predicted_by_the_columns_of_the_table(finished: Any) -> None:
    answers = mmx.predict(finished.path, FOLDER / "cases.csv")
    known = finished.predictions.query("part == 'test'").set_index("sample")
    columns = ["p_lenoma", "p_vescaria"]
    again = answers.set_index("id").loc[known.index, columns].astype(float)
    np.testing.assert_allclose(again, known[columns], atol=1e-4)
