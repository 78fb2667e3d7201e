import itertools
import math

import numpy as np
import torch
from einops import einsum
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mmx_plugins.encoders.tabular.numbers import (
    LinearNumbers,
    PeriodicNumbers,
    PiecewiseLinear,
    PiecewiseLinearNumbers,
)

EDGES = [[-1.5, -0.5, 0.25, 2.0], [0.0, 1.0], [-3.0, -2.0, 4.0]]


def by_hand(u: float, edges: list[float]) -> list[float]:
    """The definition, one component after the other."""
    pairs = itertools.pairwise(edges)
    return [min(max((u - low) / (high - low), 0.0), 1.0) for low, high in pairs]


def test_components_are_those_of_the_definition() -> None:
    u = torch.tensor([[-9.0, 0.3, -2.5], [0.0, 0.9, 3.0], [1.0, 7.0, -2.0]])
    got = PiecewiseLinear(EDGES)(u)
    for row, column in np.ndindex(3, 3):
        expected = by_hand(float(u[row, column]), EDGES[column])
        np.testing.assert_allclose(got[row, column, : len(expected)], expected, atol=1e-6)
        assert not got[row, column, len(expected) :].any()


@given(st.floats(-5, 5), st.floats(0, 3))
def test_their_sum_rises_with_the_number(u: float, more: float) -> None:
    encode = PiecewiseLinear(EDGES)
    low, high = (encode(torch.full((1, 3), value)).sum(-1) for value in (u, u + more))
    assert bool((high >= low).all())


def test_one_bin_is_min_max_scaling() -> None:
    u = torch.linspace(0, 1, 7)[:, None]
    torch.testing.assert_close(PiecewiseLinear([[0.0, 1.0]])(u)[..., 0], u)
    wide = PiecewiseLinear([[-2.0, 6.0]])(u)[..., 0]
    torch.testing.assert_close(wide, (u + 2) / 8)


def test_at_the_start_piecewise_linear_is_linear() -> None:
    module = PiecewiseLinearNumbers(EDGES, 8)
    u = torch.randn(5, 3)
    torch.testing.assert_close(module(u), module.linear(u), atol=0, rtol=0)


def test_piecewise_linear_adds_a_map_of_each_column() -> None:
    module = PiecewiseLinearNumbers(EDGES, 4)
    nn.init.normal_(module.weight)
    u = torch.randn(6, 3)
    maps = [module.encoding(u)[:, k] @ module.weight[k] for k in range(3)]
    expected = u[..., None] * module.linear.weight + torch.stack(maps, dim=1)
    torch.testing.assert_close(module(u), expected)


def test_linear_is_a_vector_for_each_column() -> None:
    module = LinearNumbers(3, 4)
    u = torch.randn(2, 3)
    torch.testing.assert_close(module(u), einsum(u, module.weight, "b k, k d -> b k d"))
    assert float(module.weight.detach().abs().max()) <= 0.5


def test_periodic_is_that_of_plain_layers() -> None:
    module = PeriodicNumbers(3, 8, sigma=0.5)
    assert float(module.frequency.detach().abs().max()) <= 1.5  # cut at 3 sigma
    u = torch.randn(4, 3)
    for k in range(3):
        layer = nn.Linear(96, 8)
        with torch.no_grad():
            layer.weight.copy_(module.weight[k].T)
            layer.bias.copy_(module.bias[k])
        angle = 2 * math.pi * u[:, [k]] @ module.frequency[[k]]
        expected = layer(torch.cat([angle.cos(), angle.sin()], 1)).relu()
        torch.testing.assert_close(module(u)[:, k], expected)
