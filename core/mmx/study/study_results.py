"""All that the report of a study is filled from."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mmx.errors import RunError
from mmx.evaluation import Comparison
from mmx.study import gather
from mmx.study.arms import Arms
from mmx.study.comparing import TestPart, chosen_on_test, curves, in_family
from mmx.study.comparison_log import ComparisonLog
from mmx.study.control_answers import control_answers
from mmx.study.gather import Answers, StudyAnswers
from mmx.study.spec import StudySpec
from mmx.study.study_folder import StudyFolder
from mmx.study.wanted import latest


@dataclass(frozen=True, slots=True)
class StudyResults:
    """A study, and what its runs answered to the test part.

    Attributes:
        folder: of the study.
        study: as its file says.
        arms: of the study, the base first.
        found: answers of the arms that have a result, and why the others have none.
        controls: the same of the controls.
        part: the test part with all these answers.
        comparison_log: of all comparisons that read this test part.
        no_verdicts: why none is given; empty where they are.
    """

    folder: StudyFolder
    study: StudySpec
    arms: Arms
    found: StudyAnswers
    controls: StudyAnswers
    part: TestPart
    comparison_log: ComparisonLog
    no_verdicts: str

    @classmethod
    def of(cls, folder: StudyFolder, study: StudySpec, arms: Arms) -> "StudyResults":
        """Read what the runs left behind.

        Raises:
            RunError: the base has no finished run, so there is nothing to compare with.
        """
        base = arms.arms[0].name
        found = gather.all_answers(study, arms, latest(folder, study, arms))
        if base not in found.answers:
            reason = found.errors.get(base, "it has not been run")
            raise RunError(f"the base arm {base} has no result: {reason}")
        own = found.answers[base]
        controls = control_answers(folder, study, arms, own, found)
        words = arms.base.task.compares
        rising = curves(arms.arms, found.answers, arms.metric, words[arms.metric])
        answers = {**found.answers, **controls.answers}
        task = arms.base.task.build(gather.names_of(own))
        part = TestPart(base, task, words, answers, rising, arms.metric)
        comparison_log = ComparisonLog.of(own.samples.tolist(), own.labels.tolist())
        why = chosen_on_test(comparison_log.lines(), arms, folder.plan or {})
        return cls(folder, study, arms, found, controls, part, comparison_log, why)

    @property
    def own(self) -> Answers:
        """Answers of the base."""
        return self.found.answers[self.part.base]

    @property
    def beside(self) -> dict[str, str]:
        """Metrics of runs that stand beside those that are compared, with their titles."""
        headline = self.own.runs[0].metrics["headline"]
        names = [one for one in headline.get("compared", ()) if one not in self.part.metrics]
        titles = headline.get("titles", {})  # runs of older versions tell none
        return {name: titles.get(name, name.replace("_", " ")) for name in names}

    @property
    def plan(self) -> dict[str, Any]:
        """As it was written before the first run."""
        return self.folder.plan or {}

    @property
    def trained(self) -> list[str]:
        """Arms that have a result, without the controls among them."""
        arms = self.arms.arms
        return [
            one.name for one in arms if one.role != "control" and one.name in self.found.answers
        ]

    def against(self, names: Iterable[str]) -> dict[str, str]:
        """Of these the ones that are held against another arm than the base, and which."""
        named = {arm.name: arm.against for arm in self.arms.arms if arm.against}
        named |= self.controls.against
        return {name: named[name] for name in names if name in named}

    def compare(self) -> Comparison:
        """Compare the arms in the family of all comparisons, and note them in the log."""
        compared = self.part.compared(
            [name for name in self.trained if name != self.part.base],
            self.against(self.trained),
            family=len(self.comparison_log.lines()) + len(self.trained),
        )
        return in_family(
            self.part,
            compared,
            self.comparison_log,
            self.arms,
            self.study,
            told=not self.no_verdicts,
        )

    def compare_controls(self) -> Comparison:
        """Compare the controls, which are no comparisons of the study."""
        names = self.controls.answers
        return self.part.within(self.part.compared(names, self.against(names)))
