"""Pooling to a grid, and moving real tokens together."""

import pytest
import torch
from torch.nn.functional import adaptive_avg_pool1d, adaptive_avg_pool2d, avg_pool2d

from mmx.blocks import pool_grid, real_first

G = torch.Generator().manual_seed(0)


def test_a_square_map_is_pooled_in_two_dimensions() -> None:
    tokens = torch.randn(2, 64, 3, generator=G)
    pooled, mask = pool_grid(tokens, torch.ones(2, 64, dtype=torch.bool), 4)
    image = tokens.transpose(1, 2).reshape(2, 3, 8, 8)
    torch.testing.assert_close(pooled, avg_pool2d(image, 2).flatten(2).transpose(1, 2))
    assert mask.all()


def test_other_numbers_are_pooled_in_runs_and_few_stay_as_they_are() -> None:
    tokens = torch.randn(2, 32, 3, generator=G)
    every = torch.ones(2, 32, dtype=torch.bool)
    runs = tokens.unflatten(1, (16, 2)).mean(dim=2)
    torch.testing.assert_close(pool_grid(tokens, every, 4)[0], runs)
    assert pool_grid(tokens, every, 6)[0] is tokens


def test_masked_tokens_have_no_share_in_a_cell() -> None:
    tokens = torch.randn(1, 64, 3, generator=G)
    mask = torch.rand(1, 64, generator=G) > 0.4
    mask[0, [0, 1, 8, 9]] = False
    mask[0, -1] = True  # what is masked behind the last one is other samples' padding
    pooled, real = pool_grid(tokens.masked_fill(~mask[..., None], torch.nan), mask, 4)
    cells = torch.arange(64).view(4, 2, 4, 2).transpose(1, 2).reshape(16, 4)
    for cell, members in enumerate(cells):
        kept = [i for i in members.tolist() if mask[0, i]]
        expected = tokens[0, kept].mean(dim=0) if kept else torch.zeros(3)
        torch.testing.assert_close(pooled[0, cell], expected)
        assert real[0, cell] == bool(kept)


@pytest.mark.parametrize("side", [4, 7])
@pytest.mark.parametrize("count", [17, 25, 49, 50, 64, 100, 121])
def test_cells_are_those_of_adaptive_pooling(count: int, side: int) -> None:
    tokens = torch.randn(2, count, 3, generator=G)
    channels, edge = tokens.transpose(1, 2), round(count**0.5)
    if count <= side * side:
        want = tokens
    elif edge * edge == count:
        grid = channels.unflatten(2, (edge, edge))
        want = adaptive_avg_pool2d(grid, side).flatten(2).transpose(1, 2)
    else:
        want = adaptive_avg_pool1d(channels, side * side).transpose(1, 2)
    pooled, mask = pool_grid(tokens, torch.ones(2, count, dtype=torch.bool), side)
    torch.testing.assert_close(pooled, want)
    assert mask.all()


def test_a_sample_is_pooled_alone_as_among_longer_ones() -> None:
    lengths = [1, 9, 16, 17, 25, 32, 49, 80]
    tokens = torch.randn(len(lengths), 80, 3, generator=G)
    mask = torch.arange(80) < torch.tensor(lengths)[:, None]
    mask[5, :3] = False  # a gap in front is the sample's own
    together, there = pool_grid(tokens, mask, 4)
    for row, length in enumerate(lengths):
        alone, real = pool_grid(tokens[row : row + 1, :length], mask[row : row + 1, :length], 4)
        torch.testing.assert_close(together[row][there[row]], alone[0][real[0]])
        assert there[row].sum() == real.sum()


def test_real_tokens_come_first_in_their_order() -> None:
    mask = torch.tensor([[False, True, False, True, True], [True, True, False, False, False]])
    assert real_first(mask).tolist() == [[1, 3, 4, 0, 2], [0, 1, 2, 3, 4]]
