"""What init writes of the training fits the number of rows."""

import dataclasses
from pathlib import Path
from typing import Any

import pandas
import pytest
import yaml

from mmx.commands import guess_columns, write_template

CELLS = {
    "image": [f"{row}.jpg" for row in range(40)],
    "dx": ["ab"[row % 2] for row in range(40)],
}


@pytest.mark.parametrize(
    ("rows", "task", "select", "confidence"),
    [
        (40, {}, "balanced_accuracy", 0.95),
        (4000, {}, "balanced_accuracy", 0.95),
        (5000, {}, "balanced_nll", None),
        (5000, {"type": "ordinal", "levels": ["a", "b"]}, "quadratic_kappa", 0.95),
    ],
)
def test_few_rows_want_confidence(
    tmp_path: Path, rows: int, task: dict[str, object], select: str, confidence: float | None
) -> None:
    columns = guess_columns(pandas.DataFrame(CELLS), tmp_path)
    reasons = {**columns.reasons, "task": "asked for"}
    columns = dataclasses.replace(columns, rows=rows, task=task, reasons=reasons)
    write_template(tmp_path / "spec.yaml", table=tmp_path / "cases.csv", columns=columns)
    spec = yaml.safe_load((tmp_path / "spec.yaml").read_text())
    assert (spec["train"]["select"], spec["train"]["confidence"]) == (select, confidence)
    assert (spec["model"]["projection"], spec["model"]["head_norm"]) == (None, "none")


PROBE, LINEAR = 'the linear model of the control "probe"', "a linear model of what it reads"
LEVELS = f"{LINEAR} (with loss: logit_adjusted, the probe)"


@pytest.mark.parametrize(
    ("changed", "start"),
    [
        ({}, PROBE),
        ({"task": {"type": "multi_label"}}, PROBE),
        ({"task": {"type": "ordinal", "levels": ["a", "b"]}}, LEVELS),
        ({"encoder": {"type": "tabular"}}, LINEAR),
        ({"images": ("front", "back")}, LINEAR),
    ],
)
def test_it_promises_the_probe_only_where_the_head_begins_at_it(
    tmp_path: Path, changed: dict[str, Any], start: str
) -> None:
    columns = guess_columns(pandas.DataFrame(CELLS), tmp_path)
    reasons = {**columns.reasons, "task": "asked for", "encoder": "asked for"}
    columns = dataclasses.replace(columns, reasons=reasons, **changed)
    write_template(tmp_path / "spec.yaml", table=tmp_path / "cases.csv", columns=columns)
    written = (tmp_path / "spec.yaml").read_text()
    assert f"# begins as {start}, and leaves it" in written
    assert ("the answers stay" in written) is (start != LEVELS)  # the median may move
