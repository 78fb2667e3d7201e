"""What the figures of a study mean, in plain sentences."""

from mmx.evaluation import Contrast, Interval
from mmx.report.study_report import ArmResult, StudyReport
from mmx.report.wording import known, many, percent, plural, title

CAVEAT = (
    "The column repeats what others claim, as accuracy in per cent. It is shown, never used: test "
    "rows, split and texts behind these numbers are not ours, and accuracy is not balanced "
    "accuracy. It is neither a target nor a result of mmx."
)


def points(value: float, digits: int = 1) -> str:
    """A difference in points: 0.031 is "+3.1"."""
    return f"{100 * value:+.{digits}f}" if known(value) else "–"


def point_range(interval: Interval) -> str:
    """The ends of a difference in points."""
    return f"{points(interval.low)} to {points(interval.high)}"


def p_words(contrast: Contrast, floor: float) -> str:
    """The corrected p-value; at the floor of the resampling it is a bound."""
    sign = "≤\u202f" if contrast.p <= floor * 1.0001 and contrast.corrected < 1 else ""
    return f"{sign}{contrast.corrected:.3f}" if contrast.corrected >= 0.0005 else "< 0.001"


def pair_words(contrast: Contrast) -> str:
    """McNemar's test over the pairs of runs: the p-values from the smallest to the largest."""
    found = sorted(one.p for one in contrast.pairs)
    if not found:
        return "–"
    low, high = (f"{p:.3f}" if p >= 0.0005 else "< 0.001" for p in (found[0], found[-1]))
    return low if low == high else f"{low} to {high}"


def seed_words(arm: ArmResult, metric: str) -> str:
    """The values of the seeds, from the lowest to the highest, in per cent."""
    values = sorted(arm.by_seed.get(metric, ()))
    if len(values) < 2:
        return "one seed"
    return f"{100 * values[0]:.1f} to {100 * values[-1]:.1f}"


def verdict_words(report: StudyReport) -> str:
    """What the study found, in one sentence for each arm that others are compared with."""
    if not report.compared:
        return "No arm could be compared with the base."
    others = dict.fromkeys(arm.against or report.base for arm in report.compared)
    return " ".join(_verdicts_against(other, report) for other in others)


def _verdicts_against(other: str, report: StudyReport) -> str:
    arms = [arm for arm in report.compared if (arm.against or report.base) == other]
    parts = []
    for word in ("better", "worse", "not distinguishable"):
        names = [a.label for a in arms if a.contrasts[report.metric].verdict == word]
        if names:
            parts.append(f"{word}: {', '.join(names)}")
    return f"Against {other}, {'; '.join(parts)}."


def detectable_words(report: StudyReport) -> str:
    """How large a difference had to be."""
    found = sorted(arm.contrasts[report.metric].detectable for arm in report.compared)
    if not found:
        return ""
    size = f"{100 * found[0]:.1f}"
    if f"{100 * found[-1]:.1f}" != size:
        size += f" to {100 * found[-1]:.1f}"
    return (
        f"With 80 % power, {plural(report.samples, 'test sample')} of "
        f"{plural(report.groups, report.group)} and {plural(len(report.seeds), 'seed')} could show "
        f"a difference of {size} points, corrected for {plural(len(found), 'comparison')}. "
        "The order of arms within that distance says nothing."
    )


def control_words(report: StudyReport) -> str:
    """What the controls reach, the sentence that belongs above every table."""
    reached = [
        f"{arm.name} {percent(arm.scores[report.metric].value)}"
        for arm in report.controls
        if report.metric in arm.scores
    ]
    base = next((arm for arm in report.done if arm.role == "base"), None)
    if base is None or not reached:
        return ""
    value = percent(base.scores[report.metric].value)
    return f"{report.base} reaches {value} {title(report.metric).lower()}; {', '.join(reached)}."


def interval_words(report: StudyReport) -> str:
    """What the intervals are."""
    resampled = f"{report.resamples:,} resamples of the {many(report.group)} of the test part"
    if report.conditional:
        seeds = (
            ". There is one training run of each arm: everything here is conditional on this "
            "training run, and another seed would add to the intervals"
        )
    else:
        seeds = ", crossed with the variance between training seeds"
    return (
        f"Differences are paired on the same test rows: 95 % intervals from {resampled}{seeds}. "
        f"The verdict rests on p after Holm's correction at 5 %; before correction no p can be "
        f"below {report.floor:.4f}. McNemar's test takes rows, not {many(report.group)}, and each "
        "pair of runs by itself."
    )
