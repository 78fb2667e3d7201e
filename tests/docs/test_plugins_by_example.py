"""What docs/plugins-by-example.md shows runs from the data to the report, and keeps the laws."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mmx
from mmx import commands
from mmx.testing import check

PAGE = Path(__file__).parents[2] / "docs" / "plugins-by-example.md"
BLOCKS = dict(re.findall(r"^```(?:python|yaml) (\S+)\n(.*?)^```", PAGE.read_text(), re.M | re.S))
MODULES = {"blend.py": "fusion", "wave.py": "encoder", "diary.py": "hook", "severity.py": "task"}


@pytest.fixture
def files(home: Path) -> list[Path]:
    """The modules and the spec of the page beside a table with waves, of which some are absent."""
    for name, text in BLOCKS.items():
        (home / name).write_text(text, encoding="utf-8")
    generator = np.random.default_rng(0)
    rows = []
    for row in range(60):
        fast = row // 2 % 2
        wave = np.sin(np.arange(40) * (0.9 if fast else 0.3)) + generator.normal(0, 0.2, 40)
        np.save(home / f"{row}.npy", wave)
        np.save(home / f"breath{row}.npy", generator.normal(0, 1, 64))
        rows.append(
            {"pulse_file": "" if row % 9 == 0 else f"{row}.npy", "breath_file": f"breath{row}.npy",
             "person": f"p{row // 2}", "finding": "fast" if fast else "slow",
             "score": "" if row % 7 == 0 else 40 + 10 * fast + round(generator.normal(), 1)}
        )  # fmt: skip
    pd.DataFrame(rows).to_csv(home / "cases.csv", index=False)
    return [home / name for name in MODULES]


def test_the_spec_of_the_page_runs_and_answers(home: Path, files: list[Path]) -> None:
    run = mmx.run(mmx.load_spec(home / "spec.yaml", plugins=files))
    assert "Diary" in run.report.read_text(encoding="utf-8")
    assert len((run.path / "hooks" / "diary.txt").read_text().splitlines()) == 2
    kept = run.predictions.set_index("sample")
    answered = mmx.predict(run.path, home / "cases.csv", plugins=files)
    test = kept[kept["part"] == "test"]
    rows = [int(str(name)) - 2 for name in test.index]
    again = answered.iloc[rows]["p_fast"].to_numpy()
    np.testing.assert_allclose(again, test["p_fast"].to_numpy(), atol=1e-4)


def test_the_task_of_the_page_runs_and_answers(home: Path, files: list[Path]) -> None:
    run = mmx.run(mmx.load_spec(home / "severity.yaml", plugins=files))
    assert run.headline().startswith("absolute error")
    page = run.report.read_text(encoding="utf-8")
    assert "Absolute error up to" in page
    kept = run.predictions.set_index("sample")
    test = kept[kept["part"] == "test"]
    answered = mmx.predict(run.path, home / "cases.csv", plugins=files)
    again = answered.iloc[[int(str(name)) - 2 for name in test.index]]["p_score"].to_numpy()
    np.testing.assert_allclose(again, test["p_score"].to_numpy(), atol=1e-3)
    error = (test["predicted"] - test["label"]).abs().mean()
    assert run.metrics["test"]["metrics"]["absolute_error"]["value"] == pytest.approx(error)


def test_the_task_of_the_page_is_what_the_template_writes(tmp_path: Path) -> None:
    root = commands.new_plugin("task", "severity", tmp_path)
    assert (root / "src/mmx_severity/severity.py").read_text() == BLOCKS["severity.py"]


@pytest.mark.parametrize("module", ["blend.py", "diary.py", "severity.py"])
def test_what_stands_there_keeps_the_laws(home: Path, files: list[Path], module: str) -> None:
    plugins = mmx.Plugins(path=[], files=files)
    params = plugins.find(MODULES[module], module.removesuffix(".py"))
    declared = set(params.expected_failures)
    left = [one for one in check(params) if one.status != "passed" and one.name not in declared]
    assert left == []
