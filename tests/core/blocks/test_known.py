"""Counts and means over the known ones of several labels."""

import pytest
import torch

from mmx.blocks import known_labels, labels_per_row, mean_over_known, prevalence

COUNTS = torch.tensor([[60, 30, 10], [5, 5, 90], [0, 100, 0]])


def test_counts_of_known_labels() -> None:
    assert labels_per_row(COUNTS) == pytest.approx((90 + 10 + 100) / 100)
    assert labels_per_row(torch.tensor([[0, 0, 7]])) == 1
    assert prevalence(COUNTS).tolist() == pytest.approx([30.5 / 91, 5.5 / 11, 100.5 / 101])


def test_unknown_labels_have_no_part_in_the_mean_even_where_they_are_not_finite() -> None:
    target = torch.tensor([[1, -1], [0, 1]])
    known, positive = known_labels(target)
    assert positive.tolist() == [[True, False], [False, True]]
    each = torch.tensor([[1.0, float("nan")], [2.0, 4.0]])
    assert float(mean_over_known(each, known, 1.5)) == pytest.approx(7 / 3)
