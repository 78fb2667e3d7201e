"""The order of inference hooks in a spec."""

from collections.abc import Callable
from typing import Any

import pytest

from mmx import SpecError


def test_a_hook_in_a_wrong_place_is_refused_with_the_right_order(load: Callable[..., Any]) -> None:
    with pytest.raises(SpecError) as told:
        load("inference=[conformal, temperature]")
    assert "use [temperature, conformal]" in str(told.value)


def test_both_faults_of_a_combination_are_told_at_once(load: Callable[..., Any]) -> None:
    with pytest.raises(SpecError) as told:
        load("inference=[conformal, temperature]", "loss=logit_adjusted", "train.sampler=weighted")
    assert "corrected more than once" in str(told.value)
    assert "use [temperature, conformal]" in str(told.value)


def test_hooks_in_order_are_taken(load: Callable[..., Any]) -> None:
    spec = load("inference=[prior_correction, temperature, selective, conformal]")
    assert [params.place for params in spec.inference] == [1, 1, 2, 2]
