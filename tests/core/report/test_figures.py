"""Figures are inline SVG that repeats itself and leaves matplotlib's settings alone."""

import re
from collections.abc import Callable
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from mmx.evaluation import CLASS_WORDS
from mmx.interfaces import Line, Plot
from mmx.report.figures import learning_curves, plot
from mmx_plugins.tasks.single_label import SingleLabelScores

HISTORY = [
    {"epoch": epoch, "loss": 1.0 - epoch / 10, "validation": {"balanced_accuracy": epoch / 10}}
    for epoch in range(5)
]


@pytest.fixture(params=["learning", "reliability", "roc"])
def figure(
    request: pytest.FixtureRequest, scored: Callable[..., SingleLabelScores]
) -> Callable[[], str]:
    ranking, calibration = scored().sections("lesion")[2].content
    assert isinstance(ranking, Plot)
    assert isinstance(calibration, Plot)
    return {
        "learning": lambda: learning_curves(HISTORY, 3, "balanced_accuracy", CLASS_WORDS),
        "reliability": lambda: plot(calibration, "reliability"),
        "roc": lambda: plot(ranking, "roc"),
    }[request.param]


def test_a_figure_is_one_svg_element_with_words_for_the_blind(figure: Callable[[], str]) -> None:
    drawn = figure()
    root = ElementTree.fromstring(drawn)
    assert root.tag.endswith("svg")
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert root.get("viewBox")
    assert root.get("width") is None


def test_a_figure_repeats_itself_and_its_references_hold(figure: Callable[[], str]) -> None:
    drawn = figure()
    assert drawn == figure()
    ids = set(re.findall(r'\bid="([^"]+)"', drawn))
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', drawn))
    assert used <= ids
    assert all(re.match(r"(learning|reliability|roc)-", name) for name in ids)


def test_drawing_leaves_the_settings_of_matplotlib_as_they_were(
    figure: Callable[[], str],
) -> None:
    before = dict(mpl.rcParams)
    figure()
    assert dict(mpl.rcParams) == before


def test_learning_curves_name_terms_scores_and_the_kept_epoch() -> None:
    history = [{**HISTORY[0], "terms": {"cross_entropy": 0.7, "agreement": 0.3}}, *HISTORY[1:]]
    drawn = learning_curves(history, 3, "balanced_accuracy", CLASS_WORDS)
    for words in ("kept: 4", "training: agreement", "Balanced accuracy", "Validation scores"):
        assert words in drawn
    assert learning_curves([], None, "accuracy", {}) == ""


def test_a_single_term_that_equals_the_loss_is_not_drawn_twice() -> None:
    history = [{"loss": 0.7, "terms": {"cross_entropy": 0.7}}]
    assert "cross_entropy" not in learning_curves(history, None, "accuracy", {})


@pytest.mark.filterwarnings("error")
def test_words_in_any_script_are_drawn_as_words_and_nobody_is_warned() -> None:
    line = Line("\u9ed1\u8272\u7d20\u7624", (0.0, 1.0), (0.0, 1.0))
    drawn = plot(Plot("\u8bca\u65ad", "\u0434\u043d\u0438", "\u0633\u0646", (line,)), "roc")
    for word in ("\u9ed1\u8272\u7d20\u7624", "\u8bca\u65ad", "\u0434\u043d\u0438", "\u0633\u0646"):
        assert f">{word}<" in drawn
