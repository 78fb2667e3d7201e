"""What a study says of its comparisons: the family, the base, the epochs and the controls."""

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmx.errors import RunError
from mmx.evaluation import COMPARED_CLASSES
from mmx.evaluation.convergence import Convergence
from mmx.interfaces import MethodAnswers
from mmx.study import gather
from mmx.study.comparing import TestPart as Part  # pytest would take the name for a test
from mmx.study.comparing import chosen_on_test, in_family, reached
from mmx.study.comparison_log import ComparisonLog, Line
from mmx.study.gather import Answers
from mmx_plugins.tasks.single_label import SingleLabel

FLAT, SHORT = Convergence(20, judged=True, rising=False), Convergence(4, judged=False, rising=True)
METRIC = "balanced_accuracy"
STUDY: Any = SimpleNamespace(study="now", metric=METRIC)


def answers(accuracy: float, seed: int, seeds: int = 3) -> Answers:
    """Answers of a method on 200 rows of 100 groups, and as many runs as seeds."""
    generator = np.random.default_rng(seed)
    labels = np.array(["x", "y"])[np.arange(200) // 2 % 2]
    right = generator.random((seeds, 200)) < accuracy
    predicted = np.where(right, labels, np.where(labels == "x", "y", "x"))
    names = np.array([f"s{row}" for row in range(200)])
    groups = np.array([f"g{row // 2}" for row in range(200)])
    runs: Any = tuple(SimpleNamespace(digest=f"{seed}-{one}") for one in range(seeds))
    given = MethodAnswers(np.zeros((seeds, 200, 2)), {"predicted": predicted})
    return Answers(names, labels, groups, {"label": labels}, given, tuple(range(seeds)), runs)


@pytest.fixture
def part() -> Part:
    found = {"base": answers(0.7, 0), "good": answers(0.95, 1), "same": answers(0.7, 2)}
    task = SingleLabel(["x", "y"])
    return Part("base", task, COMPARED_CLASSES, found, dict.fromkeys(found, FLAT), METRIC)


def arms(*names: str, settings: dict[str, Any] | None = None) -> Any:
    """As much of the arms of a study as comparisons ask for."""
    change = SimpleNamespace(key="model.fusion.type", left="concat", right="gated")
    base = SimpleNamespace(resolved=lambda: settings or {})
    found = [SimpleNamespace(name=name, differences=(change,)) for name in names]
    return SimpleNamespace(base=base, arms=found, metric="balanced_accuracy")


@pytest.fixture
def log(tmp_path: Path) -> ComparisonLog:
    return ComparisonLog(tmp_path / "log.jsonl")


def verdicts(found: Any) -> dict[str, str]:
    return {one.method: one.verdict for one in found.contrasts[METRIC]}


def test_verdicts_follow_the_log(part: Part, log: ComparisonLog) -> None:
    names = ["good", "same"]
    compared = part.compared(names, {})
    told = in_family(part, compared, log, arms(*names), STUDY, told=True)
    assert verdicts(told) == {"good": "better", "same": "not distinguishable"}
    good = told.contrasts[METRIC][0]
    assert (good.comparisons, good.family) == (2, good.corrected)
    others = [Line(str(n), "then", "a", "b", METRIC, 0.9, 0.0) for n in range(300)]
    log.note([*others, Line("x", "then", "a", "b", "accuracy", 0.9, 0.0)])
    later = in_family(part, compared, log, arms(*names), STUDY, told=True)
    good = later.contrasts[METRIC][0]
    assert good.comparisons == 302  # those of the metric, and these two once
    assert good.family == pytest.approx(min(1.0, 302 * good.p))
    assert good.verdict == "not distinguishable"


def test_other_metrics_have_no_verdict(part: Part, log: ComparisonLog) -> None:
    told = in_family(part, part.compared(["good"], {}), log, arms("good"), STUDY, told=True)
    assert [one.verdict for one in told.contrasts["accuracy"]] == [""]


def test_a_rising_curve_on_either_side_names_the_epochs(part: Part, log: ComparisonLog) -> None:
    for rising in ("good", "base"):
        curves = {**part.rising, rising: SHORT}
        found = replace(part, rising=curves)
        told = in_family(found, found.compared(["good"], {}), log, arms("good"), STUDY, told=True)
        assert verdicts(told) == {"good": "better at 4 epochs"}


def test_without_words_there_are_differences_only(part: Part, log: ComparisonLog) -> None:
    told = in_family(part, part.compared(["good"], {}), log, arms("good"), STUDY, told=False)
    contrast = told.contrasts[METRIC][0]
    assert (contrast.verdict, contrast.direction) == ("", 0)
    assert contrast.difference.low > 0


@pytest.mark.parametrize(
    ("settings", "plan", "age", "found"),
    [
        ({"model": {"fusion": {"type": "gated"}}}, {}, 100, True),
        ({"model": {"fusion": {"type": "gated"}}, "seed": 3}, {}, 100, True),
        ({"model": {"fusion": {"type": "concat"}}}, {}, 100, False),
        ({"model": {"fusion": {"type": "gated"}}}, {}, -100, False),  # the study came later
        ({"model": {"fusion": {"type": "gated"}}}, {"chosen_on_validation": {"a": 1, "b": 2}},
         100, False),
    ],
)  # fmt: skip
def test_a_base_that_was_an_arm_may_have_been_chosen_on_the_test_part(
    settings: dict[str, Any], plan: dict[str, Any], age: float, found: bool
) -> None:
    now = time.time()
    choice = {"model.fusion.type": "gated", "model.fusion.heads": None}
    line = Line("1", "fusions", "gated", "concat", METRIC, 0.01, 0.05, choice, now - age)
    written = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    told = chosen_on_test([line], arms(settings=settings), {"written": written, **plan})
    assert ("gated; model.fusion.type: gated) of the study fusions" in told) is found


def test_arms_that_do_not_beat_a_control_are_named(part: Part) -> None:
    found = replace(part, answers={**part.answers, "metadata only": answers(0.7, 3, 1)})
    held = reached(found, {"metadata only": ""}, ["base", "good", "same"], METRIC)
    assert [(one.control, one.arms, one.of) for one in held] == [
        ("metadata only", ("base", "same"), 3)
    ]
    own = reached(found, {"metadata only": "good"}, ["base", "good", "same"], METRIC)
    assert [(one.arms, one.of) for one in own] == [((), 1)]


def test_a_control_that_is_clearly_lower_has_the_words_of_an_arm(part: Part) -> None:
    low = replace(part, answers={**part.answers, "majority class": _always("x")})
    told = low.within(low.compared(["majority class"], {}))
    assert verdicts(told) == {"majority class": "worse"}


def _always(name: str) -> Answers:
    one = answers(0.7, 0, 1)
    given = MethodAnswers(one.given.values, {"predicted": np.full((1, 200), name)})
    return replace(one, given=given, runs=(), fixed=True)


def test_test_rows_that_come_twice_are_refused() -> None:
    """Two folds over one fixed split: every row would count twice."""
    table = pd.DataFrame({
        "sample": ["a", "b"], "group": ["g", "h"], "label": ["x", "y"], "part": ["test", "test"],
    })  # fmt: skip
    other = table.assign(sample=["c", "b"])
    assert len(gather.test_rows([table])) == 2
    with pytest.raises(RunError, match="1 test rows come more than once, such as b"):
        gather.test_rows([table, other])
