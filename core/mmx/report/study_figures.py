"""The figures of a study: differences, learning, cost, calibration."""

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from mmx.report.metric_units import LOWER, head, in_per_cent, named
from mmx.report.study_report import ArmResult, StudyReport
from mmx.report.svg import (
    ACCENT,
    COLOURS,
    DASHES,
    INK,
    MUTED,
    RULE,
    WARM,
    drawing,
    inline,
    new_figure,
)
from mmx.report.wording import known

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DIRECTIONS = {1: ACCENT, -1: WARM, 0: MUTED}  # by the verdict
PANELS = 4  # calibration diagrams beside each other
_OTHERS = tuple(colour for colour in COLOURS if colour != INK)


def forest(report: StudyReport) -> Markup:
    """Differences to the base with intervals, controls below; empty when there are none."""
    arms = _differing(report)
    if not arms:
        return Markup("")
    with drawing("forest"):
        figure = draw_forest(report)
        return inline(figure, "forest", f"Differences of {len(arms)} arms to {report.base}")


def _differing(report: StudyReport) -> list[ArmResult]:
    controls = [arm for arm in report.controls if report.metric in arm.contrasts]
    return [*report.compared, *controls]


def draw_forest(report: StudyReport) -> "Figure":
    """The forest plot; call it inside ``drawing``."""
    arms, scale = _differing(report), 100 if in_per_cent(report.own) else 1
    figure, (axes,) = new_figure(9.6, 0.9 + 0.3 * len(arms))
    axes.axvline(0, color=INK, linewidth=1)
    for place, arm in enumerate(arms):
        contrast = arm.contrasts[report.metric]
        colour = MUTED if arm.role == "control" else DIRECTIONS[contrast.direction]
        ends = [scale * contrast.difference.low, scale * contrast.difference.high]
        axes.plot(ends, [place, place], color=colour, linewidth=2.2, solid_capstyle="round")
        mark = "D" if arm.role == "control" else "o"
        filled = colour if contrast.direction else "white"
        axes.plot(scale * contrast.difference.value, place, mark, color=colour, ms=6, mfc=filled)
    split = len(report.compared)
    if 0 < split < len(arms):
        axes.axhline(split - 0.5, color=RULE, linewidth=1)
    axes.set_yticks(range(len(arms)), [_short(arm.contrast_label, 44) for arm in arms])
    axes.set_ylim(len(arms) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(_differences(report))
    return figure


def _differences(report: StudyReport) -> str:
    """What the axis of differences says: unit, metric, direction."""
    own, to = report.own, f"{named(report.own)} to {_other(report)}"
    points = f"Points of {to}" if in_per_cent(own) else f"Difference of {to}"
    in_unit = f", {own.unit}" if own.unit else ""
    return f"{points}{in_unit}, 95 % interval" + (f"; {LOWER}" if own.lower else "")


def _other(report: StudyReport) -> str:
    named = any(arm.against for arm in report.compared)
    return f"{report.base}, or to the arm that is named" if named else report.base


def learning(report: StudyReport) -> Markup:
    """Validation score over epochs, one curve per arm; empty without curves."""
    arms = [arm for arm in report.done if len(arm.curve) > 1]
    if not arms:
        return Markup("")
    from matplotlib.ticker import MaxNLocator  # a second of import

    with drawing("curves"):
        figure, (axes,) = new_figure(9.6, 3.8)
        for index, arm in enumerate(arms):
            epochs, values = zip(*arm.curve, strict=True)
            axes.plot(epochs, values, label=_short(arm.label), **_line(index, arm))
        axes.set_xlabel("Epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        own = report.own
        told = f"{own.title}, {own.unit}" if own.unit else own.title
        axes.set_ylabel(f"{told}, validation" + (f"\n{LOWER}" if own.lower else ""))
        _legend(axes, len(arms))
        return inline(figure, "curves", f"Learning curves of {len(arms)} arms")


def cost(report: StudyReport) -> Markup:
    """The metric against training time and against parameters; empty without either."""
    arms = [arm for arm in report.done if known(arm.seconds) and arm.parameters]
    if not arms:
        return Markup("")
    scale = 100 if in_per_cent(report.own) else 1
    with drawing("cost"):
        figure, (left, right) = new_figure(9.6, 4.2, panels=2)
        for index, arm in enumerate(arms):
            score = arm.scores[report.metric]
            for axes, value in ((left, arm.seconds or 0.0), (right, float(arm.parameters or 0))):
                colour = _colour(index, arm)
                ends = [scale * score.low, scale * score.high]
                axes.plot([value, value], ends, color=colour, linewidth=1.2, alpha=0.6)
                marker = "osD^v"[index // len(_OTHERS) % 5]
                axes.plot(value, scale * score.value, marker, color=colour, label=_short(arm.label))
        left.set(
            xlabel="Training, seconds a run",
            ylabel=head(report.own).replace("; ", "\n"),
        )
        right.set(xlabel="Parameters that learn")
        for axes in (left, right):
            _spread(axes)
        _legend(right, len(arms))
        return inline(figure, "cost", f"{report.own.title} of {len(arms)} arms against cost")


def calibration(report: StudyReport) -> Markup:
    """A reliability diagram for each arm; empty without any."""
    arms = [arm for arm in report.done if arm.reliability]
    if not arms:
        return Markup("")
    with drawing("calibration"):
        from matplotlib.figure import Figure  # a second of import

        rows = -(-len(arms) // PANELS)
        figure = Figure(figsize=(9.6, 2.5 * rows), layout="constrained")
        grid = figure.subplots(rows, PANELS, squeeze=False, sharex=True, sharey=True).ravel()
        for axes, arm in zip(grid, arms, strict=False):
            axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
            axes.plot(*zip(*arm.reliability, strict=True), color=ACCENT, marker="o", ms=3, lw=1)
            axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
            axes.set_title(_short(arm.label), fontsize=9)
        for axes in grid[len(arms) :]:
            axes.set_visible(False)
        figure.supxlabel("Confidence", fontsize=9)
        figure.supylabel("Share that is right", fontsize=9)
        return inline(figure, "calibration", f"Reliability diagrams of {len(arms)} arms")


def _spread(axes: "Axes") -> None:
    """A logarithmic axis with few labels in plain figures, as mathematics is not parsed here."""
    # a second of import
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axes.xaxis.set_major_formatter(FuncFormatter(_plain))
    low, high = axes.get_xlim()
    if low <= 0 or high / low < 3:  # nothing that a logarithm would spread
        return
    axes.set_xscale("log")
    wide = high / low > 50
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_plain))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _plain(value: float, _: int) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


def _colour(index: int, arm: ArmResult) -> str:
    """The same in every figure; the base alone is black."""
    return INK if arm.role == "base" else _OTHERS[index % len(_OTHERS)]


def _line(index: int, arm: ArmResult) -> dict[str, Any]:
    base = arm.role == "base"
    turn = index + 2 * (index // len(_OTHERS))  # arms of one colour have different dashes
    return {
        "color": _colour(index, arm),
        "linestyle": "-" if base else DASHES[turn % len(DASHES)],
        "linewidth": 2.4 if base else 1.4,
    }


def _legend(axes: "Axes", many: int) -> None:
    """Beside the axes, where it hides nothing."""
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), ncols=1 + (many > 14), fontsize=8.5)


def _short(name: str, length: int = 34) -> str:
    return name if len(name) <= length else f"{name[: length - 1]}…"
