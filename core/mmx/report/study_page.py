"""Turn the results of a study into one HTML file that opens offline."""

from typing import Any

from mmx.report import study_words as words
from mmx.report.environment import environment
from mmx.report.metric_units import LOWER, directed, gap, gap_range, head, plain_score, unit
from mmx.report.page_tables import as_tables, share_colour
from mmx.report.study_figures import calibration, cost, forest, learning
from mmx.report.study_report import ArmResult, StudyReport
from mmx.report.wording import NONE, decimal, duration, formed, known

OUTCOMES = {1: "better", -1: "worse", 0: "not-distinguishable"}  # classes of the style sheet
SECTIONS = {
    "result": "Result",
    "verdicts": "Verdicts",
    "controls": "Controls",
    "learning": "Learning",
    "cost": "Metric and cost",
    "calibration": "Calibration",
    "classes": "Classes",
    "varied": "What was varied",
    "plan": "What was planned",
    "record": "How to repeat it",
}


def render_study(report: StudyReport) -> str:
    """Render the report of a study; all text is escaped, nothing is loaded from outside."""
    shown = {
        "verdicts": [row(arm, report) for arm in report.done],
        "controls": [row(arm, report) for arm in report.controls if not arm.error],
        **_sentences(report),
        "other": any(arm.against for arm in report.arms),
        "reported": any(arm.reported for arm in report.arms),
        "unit": unit(report.own).strip(),
        "head": {name: head(words) for name, words in report.words.items()},
        "metric": directed(report.own),
        "lower": LOWER if report.own.lower else "",
        "means": list(report.means.values()),
        "forest": forest(report),
        "learning": learning(report),
        "cost": cost(report),
        "calibration": calibration(report),
        "classes": classes(report),
        "heat": [
            (arm, [_heat(share, report) for share in _shares(arm, report)])
            for arm in (*report.done, *[one for one in report.controls if one.breakdown])
        ],
        "plan": as_tables(
            {k: v for k, v in report.plan.items() if k not in ("arms", "later", "before")}, "Plan"
        ),
        "machine": as_tables(dict(report.machine), "Machine"),
    }
    optional = ("learning", "cost", "calibration", "controls", "classes")
    empty = {name for name in optional if not shown[name]}
    names = SECTIONS | {"classes": report.breakdown.title if report.breakdown else ""}
    contents = [(anchor, label) for anchor, label in names.items() if anchor not in empty]
    page = environment().get_template("study.html.j2")
    return page.render(study=report, contents=contents, **shown)


def _sentences(report: StudyReport) -> dict[str, Any]:
    return {
        "verdict_words": words.verdict_words(report),
        "detectable_words": words.detectable_words(report),
        "control_words": words.control_words(report),
        "reached_words": words.reached_words(report),
        "family_words": words.family_words(report),
        "convergence_words": words.convergence_words(report),
        "interval_words": words.interval_words(report),
        "gain_words": words.gain_words(report),
        "caveat": words.CAVEAT,
    }


def classes(report: StudyReport) -> list[str]:
    """Classes that some arm has a figure for."""
    return list(dict.fromkeys(name for arm in report.done for name in arm.breakdown))


def _heat(share: float | None, report: StudyReport) -> tuple[str, str, bool]:
    """A share as text, its colour, and whether that is dark."""
    told = formed(share, report.breakdown.form if report.breakdown else ".2f")
    return told, share_colour(share or 0.0), (share or 0.0) > 0.45


def _shares(arm: ArmResult, report: StudyReport) -> list[float | None]:
    return [arm.breakdown.get(name) for name in classes(report)]


def _beside(arm: ArmResult, report: StudyReport) -> list[tuple[str, str]]:
    """The other metrics of the task, each with its difference; a dash where an arm has none."""
    return [
        (
            plain_score(arm.scores[name].value, report.words[name]) if name in arm.scores else NONE,
            gap(arm.contrasts[name].difference.value, report.words[name])
            if name in arm.contrasts
            else "",
        )
        for name in report.beside
    ]


def row(arm: ArmResult, report: StudyReport) -> dict[str, Any]:
    """One arm in the words of the table of verdicts."""
    contrast = arm.contrasts.get(report.metric)
    score, own = arm.scores[report.metric], report.own
    ends = f"{plain_score(score.low, own)} to {plain_score(score.high, own)}"
    apart = contrast.difference if contrast else None
    return {
        "arm": arm,
        "score": plain_score(score.value, own),
        "range": ends if known(score.low) else "",
        "seeds": words.seed_words(arm, report),
        "difference": gap(apart.value, own) if apart else "",
        "difference_range": gap_range(apart.low, apart.high, own) if apart else "",
        "p": words.p_words(contrast.family, contrast, report.floor) if contrast else "",
        "p_study": words.p_words(contrast.corrected, contrast, report.floor) if contrast else "",
        "rows": words.pair_words(contrast) if contrast else "",
        "verdict": contrast.verdict if contrast else "the base" if arm.role == "base" else "",
        "note": words.silent_words(contrast, own) if contrast else "",
        "outcome": OUTCOMES[contrast.direction] if contrast else "",
        "convergence": arm.convergence.words if arm.convergence else "",
        "beside": _beside(arm, report),
        "means": [decimal(arm.means.get(name)) for name in report.means],
        "parameters": f"{arm.parameters:,}" if arm.parameters is not None else "–",
        "operations": f"{arm.operations:,}" if arm.operations else "–",
        "seconds": duration(arm.seconds),
        "reported": arm.reported,
    }
