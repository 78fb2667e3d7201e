"""Every spec in README, docs and examples is valid."""

import re
from pathlib import Path

import pytest
import yaml

from mmx import load_spec
from mmx.commands import check_spec, load_study
from mmx.study.arms import resolve_arms

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("examples/**/*.md")),
]
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WHOLE = ("name:", "data:", "model:")  # the keys without which nothing is a spec


def blocks() -> list[tuple[str, str]]:
    """Page and text of each YAML block that is a whole spec."""
    return [
        (page.relative_to(ROOT).as_posix(), text)
        for page in PAGES
        for text in BLOCK.findall(page.read_text(encoding="utf-8"))
        if all(re.search(f"^{key}", text, re.MULTILINE) for key in WHOLE)
    ]


@pytest.fixture(autouse=True)
def folder_of_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The examples name their data by ${MMX_DATA}; checking a spec opens no data."""
    monkeypatch.setenv("MMX_DATA", str(tmp_path))


def test_there_are_blocks_to_check() -> None:
    assert {"README.md", "docs/spec.md"} <= {page for page, _ in blocks()}


@pytest.mark.parametrize(("page", "text"), blocks())
def test_a_spec_on_a_page_is_valid(page: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(text, encoding="utf-8")
    assert check_spec(file) == []


def yaml_files(*, study: bool) -> list[Path]:
    """Examples that are studies, or those that are specs."""
    files = sorted((ROOT / "examples").rglob("*.yaml"))
    return [file for file in files if ("study" in yaml.safe_load(file.read_text())) == study]


@pytest.mark.parametrize("file", yaml_files(study=True), ids=lambda file: file.name)
def test_every_arm_of_a_study_is_a_valid_spec(file: Path) -> None:
    arms = resolve_arms(load_study(file)).arms
    assert {arm.name: arm.fault for arm in arms if arm.fault} == {}
    assert len([arm for arm in arms if arm.role != "control"]) > 1


@pytest.mark.parametrize("file", yaml_files(study=False), ids=lambda file: file.name)
def test_an_example_is_valid_and_named_by_itself(file: Path) -> None:
    spec = load_spec(file)
    assert spec.file == file
