"""How a metric of a study and its differences are written: shares in per cent, others plain."""

from mmx.report.wording import NONE, formed, known

SHARES = frozenset({"balanced_accuracy", "accuracy", "macro_f1"})


def scored(value: float | None, metric: str) -> str:
    """A score: "71.3 %" of a share, else "0.940"."""
    return formed(value, ".1%" if metric in SHARES else ".3f")


def gap(value: float, metric: str) -> str:
    """A difference: "+3.1" points of a share, else "+0.031"."""
    if not known(value):
        return NONE
    told = f"{100 * value:+.1f}" if metric in SHARES else f"{value:+.3f}"
    return told if told.strip("+-0.") else f"+{told[1:]}"  # a tiny loss is none


def gap_range(low: float, high: float, metric: str) -> str:
    """The ends of a difference."""
    return f"{gap(low, metric)} to {gap(high, metric)}"


def size(value: float, metric: str) -> str:
    """How large a difference is, without its sign or unit."""
    return f"{100 * value:.1f}" if metric in SHARES else f"{value:.3f}"


def unit(metric: str) -> str:
    """What stands behind a difference: " points" of a share, else nothing."""
    return " points" if metric in SHARES else ""


def per_cent(metric: str) -> str:
    """What stands behind the name of a metric over a column: ", %" of a share, else nothing."""
    return ", %" if metric in SHARES else ""
