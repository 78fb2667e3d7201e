"""Shapley values over modalities against their definition, over all orders, and their laws."""

from collections.abc import Callable, Sequence
from itertools import permutations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mmx.inference.shapley import EXACT, PAIRS, Kept, Shares, kept_for_shares, shapley

NAMES = ("image", "text", "record", "ecg", "history", "clinic", "notes", "slide")
Game = Callable[[Kept], Tensor]
counts, seeds = pytest.mark.parametrize("many", [1, 2, 3, 5, 6, 8]), st.integers(0, 2**31)


def random_game(seed: int, many: int, rows: int = 4) -> Game:
    """v of each set is a row of random numbers in [0, 1]."""
    table = torch.rand(2**many, rows, generator=torch.Generator().manual_seed(seed)).double()
    return lambda kept: table[sum(2 ** NAMES.index(name) for name in kept)]


def played(game: Game, names: Sequence[str]) -> Shares:
    return shapley({kept: game(kept) for kept in kept_for_shares(names)}, names)


def by_definition(game: Game, names: Sequence[str]) -> dict[str, Tensor]:
    """The mean gain over every order."""
    gains: dict[str, list[Tensor]] = {name: [] for name in names}
    for order in permutations(names):
        for place, name in enumerate(order):
            before = frozenset(order[:place])
            gains[name].append(game(before | {name}) - game(before))
    return {name: torch.stack(values).mean(dim=0) for name, values in gains.items()}


@pytest.mark.parametrize("many", [1, 2, 3, 5])
def test_few_are_exact(many: int) -> None:
    names, game = NAMES[:many], random_game(many, many)
    found = played(game, names)
    assert found.errors == {}
    torch.testing.assert_close(dict(found.values), by_definition(game, names))


@counts
@given(seed=seeds)
def test_shares_add_up_to_all_less_none(many: int, seed: int) -> None:
    names, game = NAMES[:many], random_game(seed, many)
    total = torch.stack(list(played(game, names).values.values())).sum(dim=0)
    torch.testing.assert_close(total, game(frozenset(names)) - game(frozenset()))


@counts
@given(seed=seeds)
def test_one_that_changes_nothing_has_no_share(many: int, seed: int) -> None:
    names, inner = NAMES[:many], random_game(seed, many)
    found = played(lambda kept: inner(kept - {names[-1]}), names)
    assert not found.values[names[-1]].any()
    assert all(not error.any() for name, error in found.errors.items() if name == names[-1])


@pytest.mark.parametrize("many", [2, 3, 5])
@given(seed=seeds)
def test_two_that_may_change_places_have_the_same_share(many: int, seed: int) -> None:
    names, inner = NAMES[:many], random_game(seed, many)
    swap = {names[0]: names[1], names[1]: names[0]}

    def alike(kept: Kept) -> Tensor:
        return inner(kept) + inner(frozenset(swap.get(name, name) for name in kept))

    found = played(alike, names).values
    torch.testing.assert_close(found[names[0]], found[names[1]])


@pytest.mark.parametrize("many", [6, 7])
def test_a_sampled_share_lies_within_its_error_of_the_exact_one(many: int) -> None:
    names, game = NAMES[:many], random_game(1, many, rows=300)
    found, exact = played(game, names), by_definition(game, names)
    off = torch.stack([(found.values[n] - exact[n]) / found.errors[n] for n in names])
    inside = (off.abs() < 2.2).double().mean()  # t with PAIRS - 1 = 11 degrees of freedom: 95 %
    assert 0.90 < inside < 0.99
    assert abs(off.mean()) < 0.2


@given(seed=seeds)
def test_where_each_adds_the_same_whatever_is_there_nothing_is_left_to_error(seed: int) -> None:
    worth = torch.rand(6, generator=torch.Generator().manual_seed(seed)).double()

    def additive(kept: Kept) -> Tensor:
        there = torch.tensor([name in kept for name in NAMES[:6]])
        return (worth * there).sum()[None]

    found = played(additive, NAMES[:6])
    torch.testing.assert_close(torch.cat(list(found.values.values())), worth)
    assert max(float(error.max()) for error in found.errors.values()) < 1e-12


def test_sampling_asks_far_less_often_than_there_are_sets() -> None:
    asked = kept_for_shares(NAMES)
    assert (asked[0], asked[-1]) == (frozenset(NAMES), frozenset())
    assert len(asked) < 2 * PAIRS * len(NAMES)
    assert len(asked) < 2 ** len(NAMES)
    assert len(kept_for_shares(NAMES[:EXACT])) == 2**EXACT
