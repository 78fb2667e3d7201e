"""Laws of weighted sampling."""

import pytest
import torch
from pydantic import ValidationError
from scipy import stats

from mmx.errors import DataError
from mmx_plugins.samplers.weighted import WeightedParams, capped

COUNTS = torch.tensor([6000, 900, 100])
LABELS = torch.repeat_interleave(torch.arange(3), COUNTS)


@pytest.mark.parametrize("q", [0.0, 0.5, 1.0])
def test_class_frequencies_are_those_promised(q: float) -> None:
    sampler = WeightedParams(q=q).build(LABELS, 3)
    drawn = LABELS[list(sampler)].bincount(minlength=3)
    share = COUNTS.double() ** (1 - q)
    share = share / share.sum()
    torch.testing.assert_close(sampler.expected_counts(COUNTS).double(), share * 7000)
    for seen, p in zip(drawn.tolist(), share.tolist(), strict=True):
        low, high = stats.binom.interval(0.9999, 7000, p)
        assert low <= seen <= high


def test_one_weight_per_sample_sums_to_one() -> None:
    probabilities = WeightedParams(q=1.0).build(LABELS, 0).probabilities
    assert probabilities.shape == (7000,)
    assert probabilities.sum().item() == pytest.approx(1)
    assert (probabilities[-1] / probabilities[0]).item() == pytest.approx(60)


def test_seed_and_epoch_alone_decide_the_order() -> None:
    one, two = (WeightedParams().build(LABELS, 5) for _ in range(2))
    assert list(one) == list(two)
    two.set_epoch(1)
    assert list(one) != list(two)


def test_no_sample_is_drawn_more_often_than_allowed() -> None:
    sampler = WeightedParams(q=1.0, max_repeats=4).build(LABELS, 0)
    repeats = sampler.probabilities * len(LABELS)
    assert repeats.max().item() == pytest.approx(4)
    assert sampler.probabilities.sum().item() == pytest.approx(1)
    # the others keep their proportions
    assert (repeats[6000] / repeats[0]).item() == pytest.approx(6000 / 900)


def test_a_cap_of_one_draws_all_alike() -> None:
    torch.testing.assert_close(
        capped(torch.tensor([0.7, 0.2, 0.1]).double(), 1 / 3), torch.full((3,), 1 / 3).double()
    )


def test_by_group_draws_lesions_first() -> None:
    labels = torch.tensor([0, 0, 0, 0, 1, 1])
    groups = ["a", "a", "a", "b", "c", "d"]
    sampler = WeightedParams(q=0.0, by_group=True).build(labels, 0)
    with pytest.raises(DataError, match="set_groups"):
        list(sampler)
    sampler.set_groups(groups)
    expected = torch.tensor([1 / 12, 1 / 12, 1 / 12, 1 / 4, 1 / 4, 1 / 4]).double()
    torch.testing.assert_close(sampler.probabilities, expected)


def test_only_a_correction_counts_as_one() -> None:
    assert WeightedParams().rebalances
    assert not WeightedParams(q=0).rebalances


@pytest.mark.parametrize("wrong", [{"q": 2}, {"q": -0.1}, {"max_repeats": 0.5}, {"power": 1}])
def test_settings_are_closed(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        WeightedParams.model_validate(wrong)
