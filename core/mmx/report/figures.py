"""The figures of a run: learning curves, missing modalities, and what its task shows."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from mmx.evaluation import LOSS_RATES, Interval, arm_name, loss_name
from mmx.interfaces import Curve, MetricWords, Plot
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
from mmx.report.wording import decimal, known, metric_title, metric_words, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves = dict[str, list[tuple[int, float]]]
NAMED_CLASSES = 8  # beyond this many, colours can no longer be told apart


def learning_curves(
    history: Sequence[Mapping[str, object]],
    best_epoch: int | None,
    select: str,
    described: Mapping[str, MetricWords],
    start: Mapping[str, float] | None = None,
) -> Markup:
    """Loss with its named terms, and validation scores, over epochs; empty without history."""
    before = [{"epoch": -1, "validation": start}] if start else []
    losses, scores = _curves([*before, *history], described)
    if not losses and not scores:
        return Markup("")
    with drawing("learning"):
        figure, (left, right) = new_figure(9.6, 3.3, panels=2)
        _draw_curves(left, losses, "Loss")
        _draw_curves(right, scores, "Validation scores", ahead=metric_title(select, described))
        for axes in (left, right):
            _mark_epoch(axes, best_epoch)
        chosen = "" if best_epoch is None else f"; epoch {best_epoch + 1} was kept"
        return inline(figure, "learning", f"Learning curves over {len(history)} epochs{chosen}")


def _curves(
    history: Sequence[Mapping[str, Any]], described: Mapping[str, MetricWords]
) -> tuple[Curves, Curves]:
    """Named series of (epoch from 1, value) of losses and of validation scores."""
    losses: Curves = {}
    scores: Curves = {}

    def add(curves: Curves, name: str, epoch: int, value: Any) -> None:
        if known(value):
            curves.setdefault(name, []).append((epoch, float(value)))

    for number, record in enumerate(history):
        epoch = int(record.get("epoch", number)) + 1
        terms = record.get("terms") or {}
        add(losses, "training", epoch, record.get("loss"))
        for name, value in terms.items() if len(terms) > 1 else ():
            add(losses, f"training: {name}", epoch, value)
        found = record.get("validation") or {}
        words = metric_words(found, described)
        for name, value in found.items():
            told = words[name].title
            if words[name].loss:
                add(losses, f"validation {told}", epoch, value)
            else:
                add(scores, told, epoch, value)
    return losses, scores


def _draw_curves(axes: "Axes", curves: Curves, name: str, ahead: str = "") -> None:
    """Draw all series; the one called ``ahead`` stands out."""
    from matplotlib.ticker import MaxNLocator  # a second of import

    ordered = sorted(curves.items(), key=lambda pair: pair[0] != ahead)
    longest = max((len(points) for _, points in ordered), default=0)
    for index, (label, points) in enumerate(ordered):
        epochs, values = zip(*points, strict=True)
        axes.plot(
            epochs,
            values,
            label=label,
            color=COLOURS[index % len(COLOURS)],
            linestyle=DASHES[index % len(DASHES)] if ahead != label else "-",
            linewidth=2.2 if ahead == label else 1.5,
            marker="o" if longest < 4 else "",
            markersize=4,
        )
    axes.set_title(name)
    axes.set_xlabel("Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if curves:
        axes.legend(loc="best", handlelength=2.4)


def _mark_epoch(axes: "Axes", best_epoch: int | None) -> None:
    if best_epoch is None:
        return
    axes.axvline(best_epoch + 1, color=WARM, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
    axes.annotate(
        f"kept: {best_epoch + 1}",
        (best_epoch + 1, 0),  # at the foot: titles stand above
        xycoords=("data", "axes fraction"),
        xytext=(3, 3),
        textcoords="offset points",
        fontsize=8.5,
        color=WARM,
    )


def plot(one: Plot, name: str) -> Markup:
    """Lines that a task shows; ``name`` is unique in the page, letters and dashes only."""
    draw = {"ranking": _draw_ranking, "calibration": _draw_calibration}.get(one.form, _draw_lines)
    width, height = (4.6, 4.3) if one.form in ("ranking", "calibration") else (4.6, 3.6)
    with drawing(name):
        figure, (axes,) = new_figure(width, height)
        draw(axes, one)
        axes.set(xlabel=one.x_label, ylabel=one.y_label)
        axes.set_title(one.title)
        return inline(figure, name, one.words or one.title)


def _draw_calibration(axes: "Axes", one: Plot) -> None:
    """Points with their intervals, a thin line to the diagonal, and the diagonal."""
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    for index, line in enumerate(one.lines):
        colour = ACCENT if len(one.lines) == 1 else COLOURS[index % len(COLOURS)]
        for place, (x, y) in enumerate(zip(line.x, line.y, strict=True)):
            if len(one.lines) == 1:
                axes.plot([x, x], [x, y], color=WARM, linewidth=1, alpha=0.7)
            if line.low and known(line.low[place]):
                ends = [line.low[place], line.high[place]]
                axes.plot([x, x], ends, color=colour, linewidth=4, alpha=0.25)
        axes.plot(line.x, line.y, color=colour, marker="o", markersize=5, linewidth=1,
                  label=_short(line.name))  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
    if any(line.name for line in one.lines):
        axes.legend(loc="upper left", labelcolor=INK)


def _draw_ranking(axes: "Axes", one: Plot) -> None:
    """Curves in a square; of many only the three hardest have a colour."""
    curves = sorted(one.lines, key=lambda line: line.value)
    named = curves if len(curves) <= NAMED_CLASSES else curves[:3]
    rest = curves[len(named) :]
    axes.plot([0, 1], [0, 1], color=RULE, linewidth=1)
    for curve in rest:
        axes.plot(curve.x, curve.y, color=MUTED, lw=0.7, alpha=0.6)
    for index, curve in enumerate(named):
        axes.plot(
            curve.x,
            curve.y,
            color=COLOURS[index % len(COLOURS)],
            linestyle=DASHES[index % len(DASHES)],
            label=f"{_short(curve.name)}\u2002{decimal(curve.value)}",
        )
    if rest:
        low, high = rest[0].value, rest[-1].value
        label = f"{len(rest)} others\u2002{decimal(low)} to {decimal(high)}"
        axes.plot([], [], color=MUTED, linewidth=0.7, label=label)
    axes.set(xlim=(-0.01, 1), ylim=(0, 1.01), aspect="equal")
    axes.legend(loc="lower right", labelcolor=INK)


def _draw_lines(axes: "Axes", one: Plot) -> None:
    """Lines with their intervals on axes that fit them."""
    for index, line in enumerate(one.lines):
        colour = COLOURS[index % len(COLOURS)]
        axes.plot(line.x, line.y, color=colour, linestyle=DASHES[index % len(DASHES)], marker="o",
                  markersize=3, label=_short(line.name))  # fmt: skip
        if line.low:
            axes.fill_between(line.x, line.low, line.high, color=colour, alpha=0.12, linewidth=0)
    if any(line.name for line in one.lines):
        axes.legend(loc="best", handlelength=2.4)


def missing_curves(
    missing: Mapping[str, Mapping[str, Interval]],
    modalities: Sequence[str],
    metric: str,
    words: str,
) -> Markup:
    """The headline metric over the share of samples that lose a modality, with intervals."""
    if not missing:
        return Markup("")
    with drawing("missing"):
        figure, (axes,) = new_figure(4.6, 3.6)
        for index, name in enumerate(modalities):
            kept = [other for other in modalities if other != name]
            arms = {0.0: arm_name(modalities, modalities), 100.0: arm_name(kept, modalities)}
            arms |= {100 * rate: loss_name(name, rate) for rate in LOSS_RATES}
            whole = [(rate, missing[arms[rate]][metric]) for rate in sorted(arms)]
            rates = [rate for rate, _ in whole]
            colour = COLOURS[index % len(COLOURS)]
            axes.plot(rates, [of.value for _, of in whole], color=colour, marker="o", markersize=4,
                      linestyle=DASHES[index % len(DASHES)], label=f"{name} missing")  # fmt: skip
            if all(known(of.low) for _, of in whole):
                low, high = [of.low for _, of in whole], [of.high for _, of in whole]
                axes.fill_between(rates, low, high, color=colour, alpha=0.12, linewidth=0)
        axes.set(xlim=(0, 100), xlabel="Samples that lose the modality, %", ylabel=words)
        axes.set_title("Missing modalities")
        axes.legend(loc="best", handlelength=2.4)
        return inline(figure, "missing", f"{words} when one modality is missing")


def hook_curve(curve: Curve, number: int) -> Markup:
    """What an inference hook has to show."""
    with drawing(f"hook-{number}"):
        figure, (axes,) = new_figure(4.6, 3.6)
        if curve.bars:
            axes.bar(curve.x, curve.y, color=ACCENT, width=0.8)
            axes.set_xticks(curve.x)
        else:
            axes.plot(curve.x, curve.y, color=ACCENT)
        axes.set_ylim(bottom=0)
        axes.set(xlabel=curve.x_label, ylabel=curve.y_label)
        axes.set_title(curve.title)
        return inline(
            figure, f"hook-{number}", f"{curve.title}: {curve.y_label} over {curve.x_label}"
        )


def _short(name: str, length: int = 22) -> str:
    name = visible(name)
    return name if len(name) <= length else f"{name[: length - 1]}…"
