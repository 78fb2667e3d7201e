"""Turn the plain results of a run into one HTML file that opens offline."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from mmx.evaluation import Interval, arm_name, in_a_row
from mmx.report import wording
from mmx.report.content import shown_sections
from mmx.report.environment import environment
from mmx.report.explained import shown_explanation, shown_images, shown_records, shown_texts
from mmx.report.figures import hook_curve, learning_curves, missing_curves
from mmx.report.headline import headline_scale
from mmx.report.page_tables import Table, as_tables, epoch_table, part_table, uneven_table
from mmx.report.run_report import Mistake, RunReport
from mmx.report.sentences import learning_words
from mmx.report.share_words import share_words

Metrics = Mapping[str, Interval]
SECTIONS = {
    "result": "Result",
    "metrics": "Metrics",
    "controls": "Simpler models",
    "missing": "Missing modalities",
    "stages": "Inference hooks",
    "learning": "Learning",
    "scores": "",  # the task has its own
    "mistakes": "Mistakes",
    "data": "Split and data report",
}


def render_run(report: RunReport) -> str:
    """Render the report of a run.

    All text is escaped, except the HTML of ``report.sections``, which plugins write. The page's
    content security policy forbids scripts and any load from outside.

    Args:
        report: of the run.

    Returns:
        One HTML document with its styles, figures and pictures inside.
    """
    shown = _filled(report)
    page = environment().get_template("run.html.j2")
    return page.render(run=report, contents=_contents(report, shown), **shown)


def _filled(report: RunReport) -> dict[str, object]:
    """What the template asks for beside the report itself."""
    evaluation = report.evaluation
    summary = evaluation.summary(report.group)
    described = evaluation.described
    words = wording.metric_words([*evaluation.metrics, *summary.compared], described)
    return {
        "summary": summary,
        "scale": headline_scale(summary),
        "words": words,
        "notes": [*evaluation.notes, *report.notes],
        "control_arms": _compared(
            [("whole model", evaluation.metrics), *report.controls.items()], summary.compared
        ),
        "missing_arms": _compared(_missing_arms(report), summary.compared),
        "missing_curves": missing_curves(
            report.missing, report.modalities, summary.metric, words[summary.metric].title
        ),
        "share_words": share_words(report.shares, evaluation.answer_unit),
        "stages": _compared(report.stages, summary.compared),
        "hook_curves": [hook_curve(one, n) for n, one in enumerate(report.curves, start=1)],
        "learning": learning_curves(
            report.history, report.best_epoch, report.select, described, report.start
        ),
        "learning_words": learning_words(report),
        "epochs": epoch_table(report.history, described),
        "scores": shown_sections(evaluation.sections(report.group)),
        "mistakes": [_shown(mistake) for mistake in report.mistakes],
        "split": as_tables(report.split, "Split"),
        "data_report": _data_tables(report.data_report),
        "record": _record_tables(report),
    }


def _contents(report: RunReport, shown: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Anchor and label of the sections that this page has."""
    optional = {
        "controls": report.controls,
        "missing": report.missing,
        "stages": report.stages,
        "learning": shown["learning"],
        "mistakes": report.mistakes,
        "data": shown["data_report"] or shown["split"],
    }
    own: list[tuple[str, str]] = []
    for anchor, label in SECTIONS.items():
        if anchor == "scores":
            own += [(one.anchor, one.label) for one in shown["scores"]]
        elif optional.get(anchor, True):
            own.append((anchor, label))
    more = [(f"more-{n}", title) for n, (title, _) in enumerate(report.sections, start=1)]
    return [*own, *more, ("record", "How to repeat it")]


def _compared(
    arms: Sequence[tuple[str, Metrics]], compared: Sequence[str]
) -> list[tuple[str, Metrics]]:
    """Arms beside each other, with the metrics that fit a page and that one of them has."""
    names = [name for name in compared if any(name in metrics for _, metrics in arms)]
    unknown = Interval(math.nan)
    return [(arm, {name: metrics.get(name, unknown) for name in names}) for arm, metrics in arms]


def _missing_arms(report: RunReport) -> list[tuple[str, Metrics]]:
    """The arms without random losses; those that rest on an untrained placeholder say so."""
    names = report.modalities
    found = {
        arm_name(kept, names): [name for name in report.untrained if name not in kept]
        for size in range(len(names), 0, -1)
        for kept in combinations(names, size)
    }
    found[arm_name((), names)] = []  # the prior, which rests on no placeholder
    return [
        (f"{arm} ({in_a_row(gone)} placeholder untrained)" if gone else arm, metrics)
        for arm, metrics in report.missing.items()
        if (gone := found.get(arm)) is not None
    ]


def _shown(mistake: Mistake) -> dict[str, object]:
    """A mistake with its picture as a data address."""
    return {
        "sample": mistake.sample,
        "images": shown_images(mistake.images, mistake.explanation),
        "texts": shown_texts(mistake.texts, mistake.explanation),
        "records": shown_records(mistake.records),
        "why": None if mistake.explanation is None else shown_explanation(mistake.explanation),
        "true": mistake.true,
        "predicted": mistake.predicted,
        "probability": mistake.probability,
        "true_probability": mistake.true_probability,
    }


def _data_tables(data_report: Mapping[str, Any]) -> list[Table]:
    """The parts first, then the rest of the data report."""
    own = ("parts", "sizes", "uneven")
    rest = {key: value for key, value in data_report.items() if key not in own}
    parts, uneven = data_report.get("parts") or {}, data_report.get("uneven") or ()
    return [
        *([part_table(parts, data_report.get("sizes") or {})] if parts else []),
        *([uneven_table(uneven)] if uneven else []),
        *as_tables(rest, "Data report"),
    ]


def _record_tables(report: RunReport) -> Sequence[Table]:
    """Costs, environment and digests."""
    parameters = {name: wording.count(number) for name, number in report.parameters.items()}
    seconds = {name: wording.duration(value) for name, value in report.seconds.items()}
    named = {
        "Parameters": parameters,
        "Time": seconds,
        "Environment": _environment(report.environment),
        "Digests": report.digests,
    }
    return [table for name, values in named.items() for table in as_tables(values, name)]


def _environment(found: Mapping[str, Any]) -> dict[str, Any]:
    """The environment with how many files of code stand behind each name, not their digests."""
    code = found.get("code") or {}
    counts = {
        name: f"{len(files)} files, named in environment.json" for name, files in code.items()
    }
    return {**found, **({"code": counts} if counts else {})}
