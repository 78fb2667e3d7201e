"""Which epoch was kept, and by how much it had to be better, in words."""

import dataclasses
from collections.abc import Callable

import pytest

from mmx.report import RunReport
from mmx.report.sentences import learning_words
from mmx.report.wording import sentence


@pytest.mark.parametrize(
    ("best", "confidence", "words"),
    [
        (1, None, "epoch 2 was kept, chosen by validation balanced accuracy."),
        (
            1, 0.95, "epoch 2 was kept, chosen by validation balanced accuracy. It was better "
            "with 95 % confidence than the one kept before it, and no later one was.",
        ),
        (
            0, 0.95, "epoch 1 was kept, chosen by validation balanced accuracy. No later one was "
            "better with 95 % confidence.",
        ),
        (
            -1, None, "by validation balanced accuracy none was better than the head as it was "
            "fitted before the first, so that was kept.",
        ),
        (
            -1, 0.95, "by validation balanced accuracy none was better with 95 % confidence than "
            "the head as it was fitted before the first, so that was kept.",
        ),
    ],
)  # fmt: skip
def test_a_confidence_is_told(
    full_report: Callable[..., RunReport], best: int, confidence: float | None, words: str
) -> None:
    report = dataclasses.replace(full_report(), best_epoch=best, confidence=confidence)
    assert learning_words(report).endswith(words)


@pytest.mark.parametrize("scores", [{}, {"balanced_accuracy": float("nan"), "nll": 0.4}])
def test_a_score_that_is_never_a_number_chose_nothing(
    full_report: Callable[..., RunReport], scores: dict[str, float]
) -> None:
    report = full_report()
    history = [{**epoch, "validation": scores} for epoch in report.history]
    report = dataclasses.replace(report, history=history, start=scores)
    told = learning_words(report)
    assert told.endswith("epochs; the last was kept, since validation gives no balanced accuracy.")


@pytest.mark.parametrize(
    ("note", "told"),
    [
        ("rows at the end are left out: 2", "Rows at the end are left out: 2."),
        ("t.csv is joined by id", "t.csv is joined by id."),
        ("data.max_bad allows 0", "data.max_bad allows 0."),
        ("image: 3 files", "image: 3 files."),
        ("It is so.", "It is so."),
        ("told (once)", "Told (once)"),
        ("", ""),
    ],
)
def test_notes_are_sentences_and_names_stay_as_they_are(note: str, told: str) -> None:
    assert sentence(note) == told
