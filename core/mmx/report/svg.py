"""Draw with matplotlib's objects, without pyplot, into SVG that stands inside a page."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1c2733"
MUTED = "#5a6876"
RULE = "#d7dee5"
ACCENT = "#0a5c92"
WARM = "#c4500c"
# Okabe and Ito 2008: told apart with every common colour blindness; yellow is too light on white
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#1c2733", "#8a8f96")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))

STYLE: dict[Any, object] = {
    "text.parse_math": False,  # a class may be called "$a$"
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": True,
    "legend.facecolor": "white",
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "legend.fontsize": 9,
    "lines.linewidth": 1.6,
}


@contextmanager
def drawing(name: str) -> Iterator[None]:
    """Our style, for as long as one figure is drawn; ``name`` makes its ids repeatable."""
    import matplotlib  # a second of import

    with matplotlib.rc_context({**STYLE, "svg.hashsalt": name}):
        yield


def new_figure(width: float, height: float, panels: int = 1) -> "tuple[Figure, list[Axes]]":
    """A figure of so many inches with panels side by side."""
    from matplotlib.figure import Figure  # as above

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for each in axes:
        each.set_axisbelow(True)
    return figure, list(axes)


def inline(figure: "Figure", name: str, description: str) -> Markup:
    """The figure as an ``<svg>`` element whose ids start with its name.

    Args:
        figure: is done with afterwards.
        name: unique in the page, letters and dashes only.
        description: what the picture shows, for those who cannot see it.
    """
    drawn = rendered(figure)
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", drawn)
    # the page gives the width; the view box keeps the proportions
    drawn = re.sub(r'^<svg([^>]*?) width="[^"]*"', r"<svg\1", drawn)
    drawn = re.sub(r'^<svg([^>]*?) height="[^"]*"', r"<svg\1", drawn)
    label = escape(description, quote=True)
    return Markup(drawn.replace("<svg", f'<svg role="img" aria-label="{label}"', 1))  # noqa: S704 - the label is escaped above


def rendered(figure: "Figure") -> str:
    """The figure as a file of SVG; it is cleared. Laying it out takes most of a page's time."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # words stay words in the picture, and whoever opens it has the letters of his language
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    figure.clear()
    return buffer.getvalue()
