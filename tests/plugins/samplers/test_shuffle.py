"""Laws of shuffling."""

import torch

from mmx_plugins.samplers.shuffle import ShuffleParams

LABELS = torch.zeros(50, dtype=torch.int64)


def test_each_row_comes_once() -> None:
    assert sorted(ShuffleParams().build(LABELS, 0)) == list(range(50))


def test_seed_and_epoch_alone_decide_the_order() -> None:
    one, two = ShuffleParams().build(LABELS, 7), ShuffleParams().build(LABELS, 7)
    two.set_epoch(1)
    later = list(two)
    assert later != list(one)
    one.set_epoch(1)
    torch.rand(3)  # global random numbers have no say
    assert later == list(one)
    assert list(ShuffleParams().build(LABELS, 8)) != list(ShuffleParams().build(LABELS, 7))


def test_class_counts_stay() -> None:
    counts = torch.tensor([50])
    assert ShuffleParams().build(LABELS, 0).expected_counts(counts) is counts
    assert not ShuffleParams().rebalances
