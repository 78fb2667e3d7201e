"""A task from outside that gives no probabilities keeps the laws, but the one it declares."""

from pathlib import Path

import mmx
from mmx.testing import check

REGRESSION = Path(__file__).parents[2] / "tiny" / "regression.py"


def test_a_regression_keeps_the_laws() -> None:
    plugins = mmx.Plugins(path=[], files=[REGRESSION])
    found = check(plugins.find("task", "regression"))
    assert {one.name for one in found if one.status == "expected failure"} == {"probabilities"}
    others = [one for one in found if one.status not in ("passed", "expected failure")]
    assert others == []


def test_its_loss_keeps_the_laws_on_rows_of_its_own_task() -> None:
    plugins = mmx.Plugins(path=[], files=[REGRESSION])
    found = check(plugins.find("loss", "squared"))
    assert {one.status for one in found} == {"passed"}
