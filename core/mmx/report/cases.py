"""A page with predicted cases and why they were predicted so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mmx.report.environment import environment
from mmx.report.explained import shown_explanation, shown_images, shown_records, shown_texts
from mmx.report.run_report import Explanation


@dataclass(frozen=True, slots=True)
class CaseReport:
    """One predicted case.

    Attributes:
        id: of the case.
        texts: as the model read them, by modality; empty where it has none.
        images: modalities of images that the model reads.
        records: by modality, the fields of the record that the model reads, with their values.
        probabilities: by class, highest first.
        explanation: why.
    """

    id: str
    texts: Mapping[str, str]
    probabilities: Mapping[str, float]
    explanation: Explanation
    images: Sequence[str] = ()
    records: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


def render_cases(run: str, cases: Sequence[CaseReport]) -> str:
    """One HTML document that opens offline; all text is escaped.

    Args:
        run: name of the run that predicted.
        cases: in the order of the page.
    """
    shown = [
        {
            "id": case.id,
            "texts": shown_texts(case.texts, case.explanation),
            "probabilities": [
                (name, told_answer(value, case.explanation.unit))
                for name, value in list(case.probabilities.items())[:3]
            ],
            "records": shown_records(case.records),
            "images": shown_images(_images(case), case.explanation),
            "why": shown_explanation(case.explanation),
        }
        for case in cases
    ]
    return environment().get_template("cases.html.j2").render(run=run, cases=shown, contents=[])


def told_answer(value: float, unit: str | None) -> str:
    """A probability in per cent, or a number in its unit."""
    return f"{value:.1%}" if unit is None else f"{value:.4g} {unit}".rstrip()


def _images(case: CaseReport) -> dict[str, bytes | None]:
    """The picture of each modality that the model reads; None where the case lacks it."""
    found = {name: one.image for name, one in case.explanation.images.items()}
    return {**dict.fromkeys(case.images), **found}
