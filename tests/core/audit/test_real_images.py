"""HAM10000: the template narrative passes, and what tells the label in its texts does not."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import mmx
from mmx.audit import Finding, Subject, all_checks, examine
from mmx.pipeline.audited_rows import subject_of
from mmx.pipeline.prepare import prepare
from mmx.runs import SilentObserver

ROOT = Path(__file__).parents[3]
SHORT = [check for check in all_checks() if check.short]


@pytest.fixture(scope="module")
def subject(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Rows, texts and small images of the baseline's data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMX_DATA", str(shared_data))
        patch.setenv("MMX_CACHE", str(tmp_path_factory.mktemp("cache")))
        changes = ["data.image={height: 32, width: 32}"]
        spec = mmx.load_spec(ROOT / "examples/ham10000/baseline.yaml", overrides=changes)
        return subject_of(spec, prepare(spec, SilentObserver()))


def errors(subject: Subject) -> list[Finding]:
    return [one for one in examine(subject, SHORT) if one.verdict == "error"]


def with_texts(subject: Subject, add: Callable[[int], Any]) -> Subject:
    texts = [f"{text} {add(row)}".strip() for row, text in enumerate(subject.texts)]
    return replace(subject, texts=texts)


def test_the_template_raises_no_error_within_the_time_of_a_short_audit(subject: Subject) -> None:
    start = time.process_time()
    assert errors(subject) == []
    assert time.process_time() - start < 30


def test_dx_type_in_the_text_is_an_error(subject: Subject) -> None:
    values = subject.record(subject.used)["dx_type"]
    told = dict(zip(subject.used.tolist(), values, strict=True))
    leaky = with_texts(subject, lambda row: f"Confirmed by {told.get(row, '')}.")
    found = errors(leaky)
    assert {one.check for one in found} == {"text_tells_label"}
    assert any("dx_type" in one.message for one in found)


@pytest.mark.parametrize("share", [0.02, 1.0])
def test_the_diagnosis_in_the_text_is_an_error(subject: Subject, share: float) -> None:
    names = ["keratosis", "basal cell carcinoma", "seborrheic keratosis", "dermatofibroma",
             "melanoma", "naevus", "angioma"]  # fmt: skip
    every = round(1 / share)
    leaky = with_texts(
        subject, lambda row: f"Looks like {names[subject.labels[row]]}." if row % every == 0 else ""
    )
    found = {one.check for one in errors(leaky)}
    assert "label_words" in found
    assert ("text_tells_label" in found) == (share == 1.0)
