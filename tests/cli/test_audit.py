"""mmx audit as a user types it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from mmx_cli.main import app


@pytest.fixture
def words(tiny_spec: Path, tiny_plugin: Path, home: Path) -> list[str]:
    """Arguments that audit the tiny experiment into ``home/out``."""
    return ["audit", str(tiny_spec), "--plugin", str(tiny_plugin), "--out", str(home / "out")]


def test_clean_data_ends_with_0_and_leaves_a_page(words: list[str], home: Path) -> None:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "0 errors; written to" in done.stdout
    page = (home / "out" / "audit.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "near_identical_images" in page
    assert "<script" not in page
    facts = json.loads((home / "out" / "audit.json").read_text())
    assert facts["name"] == "tiny"
    assert len(facts["checks"]) == 16


def test_a_leak_ends_with_1_and_names_its_words(words: list[str], home: Path) -> None:
    done = CliRunner().invoke(app, [*words, "--set", "data.dataset.leak=0.5"])
    assert done.exit_code == 1
    assert "label_words" in done.stdout
    assert "1 error; written to" in done.stdout
    assert "lenoma" in (home / "out" / "audit.html").read_text()


def test_a_waiver_stands_on_the_page_and_ends_with_0(words: list[str], home: Path) -> None:
    waiver = "audit={waive: {label_words: <b>known</b>}}"
    done = CliRunner().invoke(app, [*words, "--set", "data.dataset.leak=0.5", "--set", waiver])
    assert done.exit_code == 0, done.output
    page = (home / "out" / "audit.html").read_text()
    assert "&lt;b&gt;known" in page
    assert "<b>known" not in page


@pytest.mark.parametrize("change", ["audit={waive: {label_wrds: x}}", "data.dataset.n=abc"])
def test_a_users_mistake_ends_with_2(words: list[str], change: str, home: Path) -> None:
    done = CliRunner().invoke(app, [*words, "--set", change])
    assert done.exit_code == 2
    assert not (home / "out").exists()


def test_a_folder_that_is_a_file_is_told(words: list[str], home: Path) -> None:
    (home / "out").write_text("")
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "cannot be made" in done.stderr


def test_near_copies_stand_side_by_side(
    words: list[str], home: Path, write_cases: Callable[..., Path]
) -> None:
    """Brighter copies of one photograph, of other patients, some of which land in the test part."""
    table = write_cases(60)
    with Image.open(table.parent / "images" / "000.png") as first:
        for row in range(1, 9):
            bright = first.convert("RGB").point([min(255, one + 3 * row) for one in range(256)] * 3)
            bright.save(table.parent / "images" / f"{row:03d}.png")
    dataset = (
        f"{{type: table, path: '{table}', images: [photo], text: notes, label: finding, "
        "group: person, record: [age]}"
    )
    waived = "audit={waive: {text_tells_label: the last digit of a note tells it}}"
    changes = [f"data.dataset={dataset}", "data.narrative={type: column, column: notes}", waived]
    options = [word for change in changes for word in ("--set", change)]
    done = CliRunner().invoke(app, [*words, *options])
    assert done.exit_code == 0, done.output
    facts = json.loads((home / "out" / "audit.json").read_text())
    found = [one for one in facts["findings"] if one["check"] == "near_identical_images"]
    lines = [line for one in found for line in one["pictures"]]
    shown = {int(name) - 2 for line in lines for name in line}  # rows as in a sheet
    assert shown <= set(range(9))
    assert len(shown) >= 2
    assert (home / "out" / "audit.html").read_text().count("data:image/jpeg") >= 2
