"""The drawn data: clean seeds raise no error; their own leak is found from 1 % of the texts on.

Fifty seeds of many sizes: tests/benchmarks/audit.py clean.
"""

from collections.abc import Callable

import pytest

import mmx
from mmx.audit import Finding, all_checks, examine
from mmx.pipeline.audited_rows import subject_of
from mmx.pipeline.prepare import prepare
from mmx.runs import SilentObserver

Load = Callable[..., mmx.Spec]


def audited(spec: mmx.Spec, *, short: bool = False) -> list[Finding]:
    subject = subject_of(spec, prepare(spec, SilentObserver()))
    return examine(subject, [check for check in all_checks() if check.short or not short])


@pytest.mark.parametrize("seed", range(5))
def test_clean_seeds_raise_no_error(load: Load, seed: int) -> None:
    spec = load(f"data.dataset={{type: synthetic, n: 300, image_size: 24, seed: {seed}}}")
    assert [one for one in audited(spec) if one.verdict == "error"] == []


@pytest.mark.parametrize(
    ("leak", "errors"),
    [(0.0, set()), (0.04, {"label_words"}), (0.5, {"label_words", "text_tells_label"}),
     (1.0, {"label_words", "text_tells_label"})],
)  # fmt: skip
def test_named_diagnoses_are_found(load: Load, leak: float, errors: set[str]) -> None:
    spec = load(f"data.dataset={{type: synthetic, n: 600, image_size: 16, leak: {leak}}}")
    found = {one.check for one in audited(spec, short=True) if one.verdict == "error"}
    assert found == errors


def test_texts_that_tell_every_label_by_design_are_an_error(load: Load) -> None:
    told = "redundancy: 1, synergy: 0, noise: 0"
    spec = load(f"data.dataset={{type: synthetic, n: 300, image_size: 16, {told}}}")
    (found,) = [one for one in audited(spec, short=True) if one.verdict == "error"]
    assert found.check == "text_tells_label"
    assert found.score is not None
    assert found.score.value > 0.99
