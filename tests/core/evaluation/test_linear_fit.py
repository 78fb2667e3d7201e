"""The linear map of a probe minimises its formula; the search for a strength ends early."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from mmx.evaluation import fit_linear_map, linear_fit
from mmx.evaluation.linear_fit import best_before_worse, principal_axes

NAN = float("nan")


@pytest.mark.parametrize(
    ("scores", "best", "asked"),
    [
        ([], None, 0),
        ([0.5], 0, 1),
        ([0.1, 0.2, 0.3], 2, 3),
        ([0.5, 0.4, 0.5, 0.9], 0, 3),
        ([0.5, 0.4, 0.6, 0.1, 0.2, 0.9], 2, 5),
        ([NAN, 0.4, 0.5, 0.5, 0.5, 0.9], 2, 5),
        ([NAN, NAN, NAN, 0.5], 0, 3),
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


@pytest.mark.parametrize("shape", [(12, 30), (30, 12)], ids=["wide", "long"])
@pytest.mark.parametrize("strength", [1e-3, 1.0])
def test_the_map_is_where_the_slope_of_its_formula_is_zero(
    shape: tuple[int, int], strength: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear_fit, "PROBE_STRENGTHS", (strength,))
    draws = torch.Generator().manual_seed(0)
    x = 4 * torch.randn(shape, generator=draws, dtype=torch.float64) + 7
    x[:, -1] = x[:, 0] + x[:, 1]  # a channel that others tell
    x[:, -2] = 3
    y = (x[:, :3] + 4 * torch.randn(len(x), 3, generator=draws)).argmax(dim=1)

    def loss(raw: Tensor) -> Tensor:
        return cross_entropy(raw, y)

    found = fit_linear_map(x, x[:0], 3, loss, lambda raw: 0.0)
    z = (x - x.mean(0)) / x.std(0, correction=0).clamp(min=1e-6)
    weight, bias = (one.clone().requires_grad_() for one in (found.weight, found.bias))
    share = 1 / (2 * strength * len(x))
    value = loss(z @ weight.T + bias) + share * weight.square().sum()
    for slope in torch.autograd.grad(value, (weight, bias)):
        assert slope.abs().max() < 1e-6
    torch.testing.assert_close(found(x), z @ found.weight.T + found.bias, atol=1e-5, rtol=0)
    assert found.strength == strength


def test_axes_are_orthonormal_and_hold_the_rows() -> None:
    z = torch.randn(9, 20, dtype=torch.float64) @ torch.diag(torch.arange(20.0).double())
    for rows in (z, z.T):
        axes, variances = principal_axes(rows)
        torch.testing.assert_close(axes.T @ axes, torch.eye(len(variances), dtype=torch.float64))
        torch.testing.assert_close(rows @ axes @ axes.T, rows)
        torch.testing.assert_close((rows @ axes).square().mean(dim=0), variances)
