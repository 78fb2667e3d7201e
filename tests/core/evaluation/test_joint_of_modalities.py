"""Whether modalities together beat each alone: said where it is so, and rarely where it is not."""

import numpy as np
import pytest

from mmx.evaluation import compare, joint_signal
from mmx.evaluation.comparison import Contrast

NAMES = ("image", "text", "record")


def alone(right: dict[str, float], rows: int = 300, seed: int = 0) -> dict[str, Contrast]:
    """Each modality alone against the whole, by the share of rows that it has right."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(2, size=rows)
    answers = {
        name: np.where(draw.random((2, rows)) < share, labels, 1 - labels)
        for name, share in right.items()
    }
    groups = [f"g{row}" for row in range(rows)]
    found = compare(answers, labels, groups, 2, base="whole", metrics=["balanced_accuracy"])
    return {one.method: one for one in found.contrasts["balanced_accuracy"]}


def test_it_is_shown_where_the_whole_beats_each_alone() -> None:
    found = joint_signal(alone({"whole": 0.95, "image": 0.7, "text": 0.6, "record": 0.65}))
    assert found is not None
    assert found.shown
    assert found.others == ()
    assert found.beaten["text"] == pytest.approx(0.35, abs=0.07)


def test_one_modality_that_is_as_good_is_enough_against_it() -> None:
    found = joint_signal(alone({"whole": 0.8, "image": 0.8, "text": 0.5, "record": 0.5}))
    assert found is not None
    assert not found.shown
    assert found.others == ("image",)
    assert {*found.beaten} == {"text", "record"}


def test_a_whole_that_is_worse_beats_nothing() -> None:
    found = joint_signal(alone({"whole": 0.5, "image": 0.9, "text": 0.9}))
    assert found is not None
    assert found.others == ("image", "text")


def test_it_takes_two_modalities_and_enough_groups() -> None:
    assert joint_signal(alone({"whole": 0.9, "image": 0.5})) is None
    assert joint_signal(alone({"whole": 0.9, "image": 0.5, "text": 0.5}, rows=6)) is None
