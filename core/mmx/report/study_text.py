"""The results of a study as Markdown, CSV and rows of a LaTeX table."""

import re

from mmx.files import sheet
from mmx.report import study_words as words
from mmx.report.metric_units import directed, head, unit
from mmx.report.study_page import classes, row
from mmx.report.study_report import ArmResult, StudyReport
from mmx.report.wording import formed, visible


def study_markdown(report: StudyReport) -> str:
    """A page of its own, without figures."""
    head = [f"# {report.name}", ""]
    head += [f"**{warning}**\n" for warning in report.warnings]
    if report.note:
        head += [report.note, ""]
    told = (
        words.control_words(report), *words.reached_words(report), words.verdict_words(report),
        words.convergence_words(report), words.detectable_words(report),
        words.family_words(report), words.interval_words(report),
    )  # fmt: skip
    head += [sentence + "\n" for sentence in told if sentence]
    body = [*_verdicts(report), "", *_controls(report), *_classes(report), *_failed(report)]
    varied = [
        f"- {_one_line(arm.contrast_label)}: {'; '.join(map(_change, arm.changes)) or 'nothing'}"
        + (f" ({arm.confounded})" if arm.confounded else "")
        + ("" if arm.planned else " (unplanned: added after the first plan)")
        for arm in report.arms
    ]
    body += ["## What was varied", "", *varied, "", "## Record", "", *_record(report)]
    return _without_markup("\n".join([*head, *body]).rstrip() + "\n")


_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINK = re.compile(r"\](?=[(\[:])")


def _without_markup(page: str) -> str:
    """A page in which no word is HTML or a link; names and errors are other people's words."""
    return _LINK.sub(r"\]", _TAG.sub("&lt;", str(visible(page))))


def _verdicts(report: StudyReport) -> list[str]:
    claimed = any(arm.reported for arm in report.arms)
    columns = (
        "arm", _head(report, report.metric), "seeds", _difference(report), "p (Holm, all)",
        "p (Holm, study)", "verdict", *(_head(report, name) for name in report.beside),
        *report.means.values(), "rows", "convergence", "learn", "training",
    )  # fmt: skip
    heads = [*columns, *(["reported (claim)"] if claimed else [])]
    lines = ["## Verdicts", "", _line(heads), "|" + "---|" * len(heads)]
    for arm in report.done:
        told = row(arm, report)
        cells = [
            arm.contrast_label + ("" if arm.planned else " (unplanned)"),
            _with(told["score"], told["range"]), told["seeds"],
            _with(told["difference"], told["difference_range"]), told["p"], told["p_study"],
            _with(told["verdict"], told["note"]),
            *(value for value, _ in told["beside"]), *told["means"], told["rows"],
            told["convergence"], told["parameters"], told["seconds"],
        ]  # fmt: skip
        lines.append(_line([*cells, *([arm.reported] if claimed else [])]))
    return [*lines, *(["", words.CAVEAT] if claimed else [])]


def _difference(report: StudyReport) -> str:
    return f"difference,{unit(report.own)}" if unit(report.own) else "difference"


def _head(report: StudyReport, metric: str) -> str:
    told = head(report.words[metric])
    return f"{told[:1].lower()}{told[1:]}" if told[1:2].islower() else told


def _controls(report: StudyReport) -> list[str]:
    rows = [row(arm, report) for arm in report.controls if not arm.error]
    if not rows:
        return []
    heads = ["control", _head(report, report.metric), _difference(report), "p (Holm)", "verdict"]
    heads += [_head(report, name) for name in report.beside]
    lines = ["## Controls", "", _line(heads), "|" + "---|" * len(heads)]
    lines += [
        _line([
            one["arm"].contrast_label, _with(one["score"], one["range"]),
            _with(one["difference"], one["difference_range"]), one["p"],
            _with(one["verdict"], one["note"]), *(value for value, _ in one["beside"]),
        ])
        for one in rows
    ]  # fmt: skip
    lines += ["", *(f"- {note}" for note in report.control_notes)]
    lines += [f"- {name}: {_first_line(why)}" for name, why in report.absent.items()]
    return [*lines, ""]


def _classes(report: StudyReport) -> list[str]:
    names = classes(report)
    broken = report.breakdown
    if not names or broken is None:
        return []
    lines = [f"## {broken.score} by {broken.one}", "", _line(["arm", *names])]
    lines.append("|" + "---|" * (len(names) + 1))
    lines += [
        _line([arm.label, *(formed(arm.breakdown.get(name), broken.form) for name in names)])
        for arm in report.done
    ]
    return [*lines, ""]


def _failed(report: StudyReport) -> list[str]:
    if not report.failed:
        return []
    lines = [f"- {_one_line(arm.name)}: {_first_line(arm.error)}" for arm in report.failed]
    return ["## Without a result", "", *lines, ""]


def _record(report: StudyReport) -> list[str]:
    plan = report.plan
    data = plan.get("data", {})
    facts = [
        f"plan {plan.get('digest', '')[:12]} of {plan.get('written', '')}, "
        f"{plan.get('comparisons', 0)} comparisons",
        f"rows {data.get('rows', '')[:12]}, split {data.get('split', '')[:12]}",
        *(f"{name}: {value}" for name, value in report.machine.items()),
    ]
    return [f"- {fact}" for fact in facts]


def _change(change: tuple[str, str, str]) -> str:
    key, base, arm = change
    return f"`{key}`: {base} -> {arm}"


def _with(value: str, between: str) -> str:
    return f"{value} ({between})" if between else value


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(_one_line(cell).replace("|", "\\|") for cell in cells) + " |"


def _one_line(text: str) -> str:
    return " ".join(str(visible(text)).splitlines())


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""


def study_csv(report: StudyReport) -> str:
    """One row per arm and control, numbers as they are."""
    metric = report.metric
    names, what = classes(report), report.breakdown.score.lower() if report.breakdown else ""
    columns = [
        "arm", "role", "against", "planned", "error", "seeds", metric, "low", "high", "difference",
        "difference_low", "difference_high", "p", "p_holm", "p_holm_all", "comparisons", "verdict",
        "convergence", "detectable", *report.beside, *report.means, "parameters", "operations",
        "seconds", "reported", *(f"{what} {name}" for name in names),
    ]  # fmt: skip
    arms = (*report.arms, *report.controls)
    rows = [[_cell(v) for v in _values(arm, report, names)] for arm in arms]
    return sheet(columns, rows).text


def _values(arm: ArmResult, report: StudyReport, names: list[str]) -> list[object]:
    score, contrast = arm.scores.get(report.metric), arm.contrasts.get(report.metric)
    against = arm.against or ("" if arm.role == "base" else report.base)
    found: list[object] = [arm.label, arm.role, against, arm.planned, _first_line(arm.error)]
    found.append(" ".join(map(str, arm.seeds)))
    found += [score.value, score.low, score.high] if score else [None] * 3
    if contrast:
        gap = contrast.difference
        found += [gap.value, gap.low, gap.high, contrast.p, contrast.corrected]
        found += [contrast.family, contrast.comparisons, contrast.verdict]
    else:
        found += [None] * 8
    found.append(arm.convergence.words if arm.convergence else None)
    found.append(contrast.detectable if contrast and not contrast.few else None)
    found += [arm.scores[m].value if m in arm.scores else None for m in report.beside]
    found += [arm.means.get(one) for one in report.means]
    found += [arm.parameters, arm.operations, arm.seconds, arm.reported]
    return [*found, *(arm.breakdown.get(name) for name in names)]


def _cell(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value


_LATEX = str.maketrans({
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}",
    "–": "--", "≤": r"$\leq$", "\u202f": r"\,",
})  # fmt: skip


def study_latex(report: StudyReport) -> str:
    r"""Rows for a tabular: arm & score & difference & p & verdict & second metric & reported \\."""
    lines = [
        f"% {_one_line(report.name)}: arm & {directed(report.own)} (95 %)"
        f" & {_difference(report)} (95 %) & p (Holm) & verdict"
        + "".join(f" & {directed(report.words[name])}" for name in report.beside[:1])
        + " & reported, a claim"
    ]
    for arm in (*report.done, *(one for one in report.controls if not one.error)):
        told = row(arm, report)
        cells = [
            arm.contrast_label, _with(told["score"], told["range"]),
            _with(told["difference"], told["difference_range"]), told["p"], told["verdict"],
            *(value for value, _ in told["beside"][:1]), arm.reported,
        ]  # fmt: skip
        lines.append(" & ".join(_one_line(cell).translate(_LATEX) for cell in cells) + r" \\")
    return "\n".join(lines) + "\n"
