"""What the figures of a study mean, in plain sentences."""

from mmx.blocks import plural_of
from mmx.evaluation import Contrast, arm_name, in_a_row, joint_signal, shuffled_name
from mmx.interfaces import MetricWords
from mmx.report.metric_units import LOWER, directed, named, scored, size, unit
from mmx.report.study_report import ArmResult, ControlComparison, StudyReport
from mmx.report.wording import plural

CAVEAT = (
    "The column repeats what others claim, often as accuracy in per cent. It is shown, never used: "
    "test rows, split and texts behind these numbers are not ours, and their metric may not be "
    "that of this study. It is neither a target nor a result of mmx."
)


def p_words(corrected: float, contrast: Contrast, floor: float) -> str:
    """A corrected p-value; at the floor of the flips it is a bound."""
    sign = "≤\u202f" if contrast.p <= floor * 1.0001 and corrected < 1 else ""
    return f"{sign}{corrected:.3f}" if corrected >= 0.0005 else "< 0.001"


def pair_words(contrast: Contrast) -> str:
    """Rows that only one of the two has right, mean over the pairs of runs."""
    if not contrast.pairs:
        return "–"
    many = len(contrast.pairs)
    gained, lost = (
        sum(getattr(one, side) for one in contrast.pairs) / many for side in ("gained", "lost")
    )
    return f"+{gained:.0f}, −{lost:.0f} rows"


def silent_words(contrast: Contrast, words: MetricWords) -> str:
    """What equal answers still allow; empty where some row differs."""
    if not contrast.silent:
        return ""
    most = size(max(-contrast.difference.low, contrast.difference.high), words) + unit(words)
    return f"no row differs; a true difference of up to ±{most} cannot be excluded"


def seed_words(arm: ArmResult, report: StudyReport) -> str:
    """The values of the seeds, from the lowest to the highest; shares in per cent."""
    values = sorted(arm.by_seed.get(report.metric, ()))
    if len(values) < 2:
        return "one seed"
    return f"{size(values[0], report.own)} to {size(values[-1], report.own)}"


def verdict_words(report: StudyReport) -> str:
    """What the study found, in one sentence for each arm that others are compared with."""
    if not report.compared:
        return "No arm could be compared with the base."
    if report.no_verdicts:
        return "Differences and intervals are shown without verdicts: see the first line."
    others = dict.fromkeys(arm.against or report.base for arm in report.compared)
    told = [_verdicts_against(other, report) for other in others]
    silent = [
        f"{arm.contrast_label}: {note}."
        for arm in report.compared
        if (note := silent_words(arm.contrasts[report.metric], report.own))
    ]
    return " ".join([*told, *silent])


def _verdicts_against(other: str, report: StudyReport) -> str:
    arms = [arm for arm in report.compared if (arm.against or report.base) == other]
    arms.sort(key=lambda arm: (1, -1, 0).index(arm.contrasts[report.metric].direction))
    found: dict[str, list[str]] = {}
    for arm in arms:
        found.setdefault(arm.contrasts[report.metric].verdict, []).append(arm.label)
    parts = [f"{verdict}: {', '.join(names)}" for verdict, names in found.items()]
    by = f" by {named(report.own)}, where {LOWER}" if report.own.lower else ""
    return f"Against {other}{by}, {'; '.join(parts)}."


def detectable_words(report: StudyReport) -> str:
    """How large a difference had to be."""
    contrasts = [arm.contrasts[report.metric] for arm in report.compared]
    if not contrasts:
        return ""
    if all(one.few for one in contrasts):
        return (
            f"{plural(report.groups, report.group)} are too few for any verdict on "
            f"{plural(contrasts[0].comparisons, 'comparison')}: more than half of them would have "
            "to differ to one side."
        )
    found = sorted(one.detectable for one in contrasts)
    least, most = (size(one, report.own) for one in (found[0], found[-1]))
    apart = least if least == most else f"{least} to {most}"
    return (
        f"With 80 % power, {plural(report.samples, 'test sample')} of "
        f"{plural(report.groups, report.group)} and {plural(len(report.seeds), 'seed')} could show "
        f"a difference of {apart}{unit(report.own)}, corrected for "
        f"{plural(contrasts[0].comparisons, 'comparison')}. "
        "The order of arms within that distance says nothing."
    )


def family_words(report: StudyReport) -> str:
    """How often this test part was asked, and what the verdicts are corrected for."""
    if not report.comparisons:
        return ""
    have = "has" if report.comparisons == 1 else "have"
    return (
        f"{plural(report.comparisons, 'comparison')} of {named(report.own)} {have} read this test "
        "part, over all studies. The verdicts are corrected for all of them (Holm); p within this "
        "study stands beside. A page that is made again counts those that came since."
    )


def convergence_words(report: StudyReport) -> str:
    """Which validation curves had not flattened; empty when all had."""
    found: dict[str, list[str]] = {}
    for arm in report.done:
        if arm.convergence is not None and arm.convergence.rising:
            found.setdefault(arm.convergence.words, []).append(arm.label)
    if not found:
        return ""
    told = "; ".join(f"{words} ({', '.join(names)})" for words, names in found.items())
    return (
        f"{told[:1].upper()}{told[1:]}. What is worse there may only be slower: verdicts name the "
        "epochs."
    )


def reached_words(report: StudyReport) -> list[str]:
    """Whether modalities say more together, and which arms are not shown to beat which control."""
    scores = {one.name: one.scores for one in report.controls}
    together = joint_words(report)
    told = [
        _not_beaten(one, scored(scores[one.control][report.metric].value, report.own), report)
        for one in report.reached
        if one.arms and one.control in scores
    ]
    return [*([together] if together else []), *told]


def _not_beaten(one: ControlComparison, value: str, report: StudyReport) -> str:
    names = report.modalities
    shuffled = {shuffled_name(name): name for name in names}
    if one.control in shuffled:
        return (
            f"{report.base} is not shown to lose anything when the {shuffled[one.control]} is "
            f"shuffled among the samples ({value}): it may not read it."
        )
    alone = {arm_name((name,), names): f"the {name} alone" for name in names}
    meant = {control.name: control.meaning for control in report.controls if control.meaning}
    name = {**meant, **alone}.get(one.control)
    told = f"{name} ({one.control}, {value})" if name else f"{one.control} ({value})"
    if one.of > 1 and len(one.arms) == one.of:
        return f"No arm beats {told}."
    verb = "does" if len(one.arms) == 1 else "do"
    return f"{', '.join(one.arms)} {verb} not beat {told}."


def joint_words(report: StudyReport) -> str:
    """Whether the base is shown to beat each modality alone; empty where that was not asked."""
    if report.no_verdicts:
        return ""
    controls = {one.name: one.contrasts.get(report.metric) for one in report.controls}
    names = report.modalities
    alone = {name: controls.get(arm_name((name,), names)) for name in names}
    known = {name: one for name, one in alone.items() if one is not None}
    found = joint_signal(known) if len(known) == len(names) else None
    if found is None:
        return ""
    runs = ", for these training runs" if found.conditional else ""
    told = in_a_row(names)
    if not found.shown:
        others = in_a_row([f"the {name} alone" for name in found.others])
        whole = f"{report.base} ({told})"
        return f"No joint signal is shown: {whole} is not shown to beat {others}{runs}."
    gains = sorted(found.beaten.values())
    least, most = size(gains[0], report.own), size(gains[-1], report.own)
    gain = least if least == most else f"{least} to {most}"
    return (
        f"Joint signal: {told} together beat each alone, by {gain}{unit(report.own)}{runs}; the "
        "intervals of all these differences leave out 0."
    )


def headline(report: StudyReport) -> list[str]:
    """What must be told wherever the verdicts are, after them."""
    told = [*reached_words(report), convergence_words(report), family_words(report)]
    return [*([report.no_verdicts] if report.no_verdicts else []), *(one for one in told if one)]


def control_words(report: StudyReport) -> str:
    """What the controls reach, the sentence that belongs above every table."""
    reached = [
        f"{arm.name} {scored(arm.scores[report.metric].value, report.own)}"
        for arm in report.controls
        if report.metric in arm.scores
    ]
    base = next((arm for arm in report.done if arm.role == "base"), None)
    if base is None or not reached:
        return ""
    value = scored(base.scores[report.metric].value, report.own)
    return f"{report.base} reaches {value} {directed(report.own)}; {', '.join(reached)}."


def interval_words(report: StudyReport) -> str:
    """What the intervals are."""
    flips = f"{report.flips:,} sign flips of the {plural_of(report.group)} of the test part"
    if report.conditional:
        seeds = (
            ". There is one training run of each arm: everything here is conditional on this "
            "training run, about two runs and not about two methods, so no arm is called better "
            "or worse"
        )
    else:
        seeds = ", with the variance between training seeds"
    return (
        f"Differences are paired on the same test rows: p from {flips}{seeds}; the 95 % interval "
        f"is that test turned round. The verdict rests on p after Holm's correction at 5 %; before "
        f"correction no p can be below {report.floor:.5f}.{_pairs(report)}{_beside(report)}"
    )


def _pairs(report: StudyReport) -> str:
    """What the rows below p are, where answers are right or wrong."""
    if not any(arm.contrasts[report.metric].pairs for arm in report.compared):
        return ""
    return (
        " Below p stand the rows that only one of the two has right; they take no account of "
        f"{plural_of(report.group)}."
    )


def gain_words(report: StudyReport) -> str:
    """By how much a validation curve must get better to count as rising, or falling."""
    way, gained = ("falling", "lost") if report.own.lower else ("rising", "gained")
    much = "a point" if report.own.share else "a hundredth of their mean"
    return f"still {way} if the last half of its epochs {gained} {much}"


def _beside(report: StudyReport) -> str:
    """Which metrics have no verdict of their own."""
    names = [directed(report.words[name]) for name in report.beside]
    if not names:
        return ""
    told, verb = in_a_row(names), "is" if len(names) == 1 else "are"
    return f" {told[:1].upper()}{told[1:]} {verb} shown beside it without a verdict."
