"""The search for a strength ends early, and keeps the first of the best."""

from collections.abc import Iterator

import pytest

from mmx.blocks import best_before_worse

NAN = float("nan")


@pytest.mark.parametrize(
    ("scores", "best", "asked"),
    [
        ([], None, 0),
        ([0.5], 0, 1),
        ([0.1, 0.2, 0.3], 2, 3),
        ([0.5, 0.4, 0.5, 0.9], 0, 3),
        ([0.5, 0.4, 0.6, 0.1, 0.2, 0.9], 2, 5),
        ([NAN, 0.5, 0.5, 0.5], 0, 3),
    ],
)
def test_it_ends_after_two_that_are_no_better(
    scores: list[float], best: int | None, asked: int
) -> None:
    taken: list[int] = []

    def tried() -> Iterator[tuple[int, float]]:
        for place, score in enumerate(scores):
            taken.append(place)
            yield place, score

    assert best_before_worse(tried()) == best
    assert len(taken) == asked
