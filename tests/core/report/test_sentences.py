"""Which epoch was kept, and by how much it had to be better, in words."""

import dataclasses
from collections.abc import Callable

import pytest

from mmx.report import RunReport
from mmx.report.sentences import learning_words


@pytest.mark.parametrize(
    ("best", "margin", "words"),
    [
        (1, 0.0, "epoch 2 was kept, chosen by validation balanced accuracy."),
        (
            1, 1.64, "epoch 2 was kept, chosen by validation balanced accuracy. It was better by "
            "more than 1.64 standard errors than the one kept before it, and no later one was.",
        ),
        (
            -1, 0.0, "by validation balanced accuracy none was better than the head as it was "
            "fitted before the first, so that was kept.",
        ),
        (
            -1, 1.64, "by validation balanced accuracy none was better by more than 1.64 standard "
            "errors than the head as it was fitted before the first, so that was kept.",
        ),
    ],
)  # fmt: skip
def test_a_margin_is_told(
    full_report: Callable[..., RunReport], best: int, margin: float, words: str
) -> None:
    report = dataclasses.replace(full_report(), best_epoch=best, margin=margin)
    assert learning_words(report).endswith(words)
