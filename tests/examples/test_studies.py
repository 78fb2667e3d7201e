"""The studies of the source's tables: complete, single-variable, and one of them run."""

import re
import shlex
from pathlib import Path

import pytest

from mmx.commands import check_spec, load_study
from mmx.study.arms import resolve_arms

ROOT = Path(__file__).parents[2]
STUDIES = ROOT / "examples" / "studies"
MAP = ROOT / "docs" / "source-map.md"
# every figure of the source, as the table of design says them: study -> figures in per cent
CLAIMS = {
    "fusion-ham10000": (88.50, 88.67, 88.87, 88.73, 89.11, 85.45, 87.31, 91.28),
    "heads-ham10000": (88.50, 90.94, 89.73, 91.08),
    "heads-spine": (87.41, 87.62, 88.64),
    "hyperparameters-ham10000": (88.50,),
    "hyperparameters-spine": (87.41, 88.58),
    "human-like-ham10000": (88.50, 89.10, 89.77, 86.52, 90.17, 88.62),
    "human-like-spine": (87.41, 84.69, 86.71, 84.39, 87.24, 85.93),
    "objectives-ham10000": (88.50, 88.92, 87.76),
    "objectives-spine": (87.41, 87.33, 86.54),
    "other-ham10000": (88.50, 90.64, 91.28, 90.03),
    "overall-ham10000": (88.50, 92.48, 92.8),
    "overall-spine": (87.41, 91.52),
    "sparsity-ham10000": (88.50, 89.11, 85.45),
}


@pytest.fixture(autouse=True)
def folder_of_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Loading a study opens no data."""
    monkeypatch.setenv("MMX_DATA", str(tmp_path))


@pytest.mark.parametrize(("name", "figures"), CLAIMS.items())
def test_every_figure_of_the_source_stands_in_its_study(
    name: str, figures: tuple[float, ...]
) -> None:
    study = load_study(STUDIES / f"{name}.yaml")
    told = " ".join(map(str, study.reported.values()))
    numbers = {float(text) for text in re.findall(r"\d+\.\d+", told)}
    assert set(figures) <= numbers


@pytest.mark.parametrize("name", CLAIMS)
def test_arms_of_the_source_change_one_variable_or_say_why(name: str) -> None:
    for arm in resolve_arms(load_study(STUDIES / f"{name}.yaml")).arms:
        told = arm.name in ("ldam", "attention_pool")  # by the words on top of the study file
        assert len(arm.variables) <= 1 or arm.confounded or told


def test_every_change_of_a_spec_that_the_map_gives_is_valid() -> None:
    given = re.findall(r"`--set ([^`]+)`", MAP.read_text(encoding="utf-8"))
    changes = {shlex.split(one)[0] for one in given if "NAME" not in one}
    assert len(changes) > 1
    for change in sorted(changes):
        assert not check_spec(STUDIES.parent / "ham10000" / "baseline.yaml", overrides=[change])


def test_the_map_names_every_study_and_every_study_is_there() -> None:
    text = MAP.read_text(encoding="utf-8")
    named = set(re.findall(r"studies/([\w-]+)\.yaml", text))
    there = {file.stem for file in STUDIES.glob("*.yaml") if "study:" in file.read_text()}
    assert named == there
