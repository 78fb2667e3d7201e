"""Three commands from an Excel sheet and a folder of pictures to a first number, no edit between.

The encoders are tiny ones here; ``python tests/cli/test_first_number.py`` draws 200 rows and takes
the time of the commands as they stand, with the bundled encoders.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from PIL import Image
from typer.testing import CliRunner

from mmx_cli.main import app

SHEETS = {
    "german": (
        ("Bild", "Diagnose", "Patient", "Alter", "Geschlecht", "Anamnese"),
        ("Nävus", "Melanom"),
        ("weiblich", "männlich"),
        "Fleck am Arm seit {} Wochen, juckt",
    ),
    "chinese": (
        ("图片", "诊断", "患者编号", "年龄", "性别", "病史"),
        ("痣", "黑色素瘤"),
        ("女", "男"),
        "手臂上的斑点已有{}周，瘙痒",
    ),
}


def write_sheet(folder: Path, language: str, rows: int) -> Path:
    """A workbook of one row a photograph, two of each patient, and the photographs."""
    header, classes, sexes, sentence = SHEETS[language]
    (folder / "photos").mkdir(parents=True)
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(header)
    for row in range(rows):
        draw, sick = np.random.default_rng(row), row // 2 % 2
        pixels = draw.normal(90, 30, (40, 40, 3))
        pixels[12:28, 12:28] += 40 * sick  # a border that tells the class is refused by the audit
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"photos/{row}.png")
        told = sentence.format(int(draw.integers(1, 30)))
        facts = [int(draw.integers(20, 90)), sexes[int(draw.integers(2))], told]
        book.active.append([f"photos/{row}.png", classes[sick], f"P{row // 2}", *facts])
    book.save(folder / "cases.xlsx")
    return folder / "cases.xlsx"


@pytest.mark.parametrize("language", SHEETS)
def test_three_commands_give_a_number(
    language: str, home: Path, tiny_plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = write_sheet(home / "clinic", language, 40)
    monkeypatch.chdir(home)
    header = SHEETS[language][0]
    tiny = ["--plugin", str(tiny_plugin), "--set", "model.image=tiny_image"]
    tiny += ["--set", "model.text=tiny_text", "--set", "train.epochs=1"]
    tiny += ["--set", "data.image.height=32", "--set", "data.image.width=32"]
    wrote = CliRunner().invoke(app, ["init", "--table", str(sheet), "--out", "first.yaml"])
    assert wrote.exit_code == 0, wrote.output
    assert f"label: {header[1]}" in wrote.output
    assert f"group: {header[2]}" in wrote.output
    for command in ("spec check", "run"):
        done = CliRunner().invoke(app, [*command.split(), "first.yaml", *tiny])
        assert done.exit_code == 0, done.output
    assert done.stdout.startswith("balanced accuracy ")


def measured(language: str, rows: int = 200) -> str:
    """How long the three commands take on these rows, in words."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        write_sheet(folder / "clinic", language, rows)
        kept = {"MMX_CACHE": str(folder / "cache"), "MMX_RUNS": str(folder / "runs")}
        start, before = time.perf_counter(), os.times()
        for command in (
            "init --table clinic/cases.xlsx --out first.yaml",
            "spec check first.yaml",
            "run first.yaml",
        ):
            words = [sys.executable, "-m", "mmx_cli", *command.split()]
            subprocess.run(words, cwd=folder, env={**os.environ, **kept}, check=True)
        took, after = time.perf_counter() - start, os.times()
        used = after.children_user - before.children_user
        return f"{language}: {took:.0f} s ({used:.0f} s of processor time) of 120 s\n"


if __name__ == "__main__":
    for name in SHEETS:
        sys.stdout.write(measured(name))
