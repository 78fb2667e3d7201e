"""The comparisons of a study: arms with each other, controls beside them, and their family."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mmx.evaluation import (
    Comparison,
    Contrast,
    Convergence,
    compare_scores,
    convergence,
    holm,
)
from mmx.interfaces import MetricWords, Task
from mmx.report import ControlComparison
from mmx.spec import ABSENT
from mmx.study import gather
from mmx.study.arms import Arm, Arms
from mmx.study.comparison_log import ComparisonLog, Line, comparison_key
from mmx.study.gather import Answers
from mmx.study.spec import StudySpec


@dataclass(frozen=True, slots=True)
class TestPart:
    """What is compared on one test part.

    Attributes:
        base: the arm that others are held against unless they name another.
        task: of the base, which scores them.
        metrics: by which they are compared, as ``TaskParams.compares`` has them.
        answers: by arm and control.
        rising: what the validation curves say, by arm; a control without training has none.
        metric: of the verdicts.
    """

    base: str
    task: Task
    metrics: Mapping[str, MetricWords]
    answers: Mapping[str, Answers]
    rising: Mapping[str, Convergence]
    metric: str

    def compared(
        self, names: Iterable[str], against: Mapping[str, str], family: int = 0,
        base: str | None = None, metrics: Sequence[str] = (),
    ) -> Comparison:  # fmt: skip
        """Hold methods against the base, or against the one that is named for them."""
        base, names = base or self.base, list(names)
        all_ = list(dict.fromkeys([base, *names, *against.values()]))
        own = self.answers[self.base]
        scores = self.task.compared(
            {one: self.answers[one].given for one in all_}, own.truths, own.groups.tolist(),
            metrics or tuple(self.metrics),
        )  # fmt: skip
        fixed = [one for one in all_ if self.answers[one].fixed]
        return compare_scores(
            scores, base=base, against=against, only=names, fixed=fixed, family=family
        )

    def epochs(self, one: Contrast) -> int | None:
        """Epochs after which one of the two was still rising; None when both had flattened."""
        for name in (one.method, one.against):
            found = self.rising.get(name)
            if found is not None and found.rising:
                return found.epochs
        return None

    def within(self, found: Comparison) -> Comparison:
        """The verdicts of comparisons that are a family of their own."""
        return _judged(found, lambda one: self._own(one, found))

    def _own(self, one: Contrast, found: Comparison) -> Contrast:
        many = len(found.contrasts[one.metric])
        return one.judged(one.corrected, many, epochs=self.epochs(one))


def _judged(found: Comparison, judge: Callable[[Contrast], Contrast]) -> Comparison:
    told = {metric: tuple(map(judge, of)) for metric, of in found.contrasts.items()}
    return replace(found, contrasts=told)


def curves(
    arms: Iterable[Arm], answers: Mapping[str, Answers], metric: str, words: MetricWords
) -> dict[str, Convergence]:
    """What the validation curve of each trained arm says of its convergence."""
    return {
        arm.name: convergence(
            gather.common_curve(answers[arm.name].runs, metric),
            share=words.share,
            lower_is_better=words.lower,
        )
        for arm in arms
        if arm.name in answers
    }


def in_family(
    part: TestPart,
    found: Comparison,
    comparison_log: ComparisonLog,
    arms: Arms,
    study: StudySpec,
    told: bool,
) -> Comparison:
    """Note the comparisons of the headline metric, and judge them among all of the test part."""
    changed = {arm.name: arm for arm in arms.arms}
    own = {
        one.method: _line(one, part, changed[one.method], study)
        for one in found.contrasts[arms.metric]
    }
    family = [line for line in comparison_log.note([*own.values()]) if line.metric == arms.metric]
    now = {line.key: line.p for line in own.values()}
    corrected = holm([now.get(line.key, line.p) for line in family])
    by_key = {line.key: p for line, p in zip(family, corrected, strict=True)}

    def judge(one: Contrast) -> Contrast:
        if one.metric != arms.metric:  # shown without a verdict of its own
            return one.judged(one.corrected, len(own), epochs=part.epochs(one), told=False)
        p = by_key[own[one.method].key]
        return one.judged(p, len(family), epochs=part.epochs(one), told=told)

    return _judged(found, judge)


def _line(one: Contrast, part: TestPart, arm: Arm, study: StudySpec) -> Line:
    runs, others = (
        [run.digest for run in part.answers[name].runs] for name in (one.method, one.against)
    )
    choice = {
        change.key: None if change.right is ABSENT else change.right for change in arm.differences
    }
    return Line(
        comparison_key(runs, others, one.metric), study.study, one.method, one.against, one.metric,
        one.p, one.difference.value, choice,
    )  # fmt: skip


def chosen_on_test(lines: Sequence[Line], arms: Arms, plan: Mapping[str, Any]) -> str:
    """Why the base may have been chosen by this test part; empty when nothing speaks for it.

    It may, when it holds all that made an arm of an earlier study differ, unless the plan says how
    it was chosen on validation.
    """
    if plan.get("chosen_on_validation"):
        return ""
    written = str(plan.get("written", ""))
    planned = time.mktime(time.strptime(written, "%Y-%m-%d %H:%M:%S")) if written else 0.0
    settings = _flat(arms.base.resolved())
    for line in lines:
        choice = {key: value for key, value in line.choice.items() if value is not None}
        taken = choice and all(settings.get(key) == value for key, value in choice.items())
        if taken and line.time < planned:
            told = ", ".join(f"{key}: {value}" for key, value in list(choice.items())[:3])
            return (
                f"The base of this study was an arm ({line.arm}; {told}) of the study "
                f"{line.study}, which read this test part before. A base chosen there breaks every "
                "correction, so there are differences and intervals here and no verdicts. If it "
                "was chosen on validation, say so in the study: chosen_on_validation: "
                "{candidate: score, ...}"
            )
    return ""


def _flat(value: Any, above: str = "") -> dict[str, Any]:
    """Dotted key -> value, as keys of a difference are written."""
    value = dict(enumerate(value)) if isinstance(value, list) else value
    if not isinstance(value, dict):
        return {above: value}
    found: dict[str, Any] = {}
    for key, inner in value.items():
        found |= _flat(inner, f"{above}.{key}" if above else str(key))
    return found


def reached(
    part: TestPart, controls: Mapping[str, str], arms: Sequence[str], metric: str
) -> list[ControlComparison]:
    """Which arms are not shown to beat which control.

    Args:
        part: holds the answers of all.
        controls: name -> the only arm that it is meant for; empty: all arms.
        arms: base and arms with a result.
        metric: of the verdicts.
    """
    found = []
    for name, meant in controls.items():
        names = [arm for arm in arms if arm == meant] if meant else list(arms)
        names = [arm for arm in names if arm != name]
        if not names:
            continue
        held = part.compared(names, {}, base=name, metrics=(metric,))
        contrasts = held.contrasts[metric]
        beaten = [one.method for one in contrasts if one.direction > 0]
        found.append(
            ControlComparison(name, tuple(n for n in names if n not in beaten), len(names))
        )
    return found
