"""A page with predicted cases and why they were predicted so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmx.report.environment import environment
from mmx.report.explained import data_address, shown_explanation
from mmx.report.run_report import Explanation


@dataclass(frozen=True, slots=True)
class CaseReport:
    """One predicted case.

    Attributes:
        id: of the case.
        text: as the model read it; empty when it has none.
        probabilities: by class, highest first.
        explanation: why.
    """

    id: str
    text: str
    probabilities: Mapping[str, float]
    explanation: Explanation


def render_cases(run: str, cases: Sequence[CaseReport]) -> str:
    """One HTML document that opens offline; all text is escaped.

    Args:
        run: name of the run that predicted.
        cases: in the order of the page.
    """
    shown = [
        {
            "id": case.id,
            "text": case.text,
            "probabilities": list(case.probabilities.items())[:3],
            "address": data_address(case.explanation.image),
            "why": shown_explanation(case.explanation),
        }
        for case in cases
    ]
    return environment().get_template("cases.html.j2").render(run=run, cases=shown, contents=[])
