"""Laws of head.kan_spline."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.interpolate import BSpline
from torch.nn import functional as F

from mmx import Features
from mmx_plugins.heads.kan_spline import (
    CHANGE,
    SAMPLES,
    UPDATES,
    KanSplineParams,
    SplineLayer,
    extended,
    refitted,
    spline_basis,
)

EVEN = torch.linspace(-1, 1, 6, dtype=torch.float64)[None]
UNEVEN = torch.tensor([[-0.9, -0.2, 0.0, 0.05, 0.6, 0.8]], dtype=torch.float64)


def scipy_basis(x: np.ndarray, knots: np.ndarray, order: int) -> np.ndarray:
    count = len(knots) - order - 1
    return np.stack([BSpline(knots, np.eye(count)[i], order)(x) for i in range(count)], axis=-1)


def layer(inputs: int = 5, outputs: int = 3, **settings: object) -> SplineLayer:
    torch.manual_seed(0)
    return SplineLayer(inputs, outputs, KanSplineParams.model_validate(settings))


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("grid", [EVEN, UNEVEN])
def test_the_basis_equals_that_of_scipy(grid: torch.Tensor, order: int) -> None:
    knots = extended(grid, order)
    low, high = float(grid[0, 0]), float(grid[0, -1])
    x = torch.linspace(low, high, 201, dtype=torch.float64)[:, None]
    expected = scipy_basis(x[:, 0].numpy(), knots[0].numpy(), order)
    got = spline_basis(x, knots, order)[:, 0].numpy()
    np.testing.assert_allclose(got, expected, atol=1e-12)
    single = spline_basis(x.float(), knots.float(), order)[:, 0].numpy()
    np.testing.assert_allclose(single, expected, atol=1e-5 if order > 3 else 1e-6)


@pytest.mark.parametrize("grid", [EVEN, UNEVEN])
def test_the_basis_is_a_partition_of_unity_with_both_ends(grid: torch.Tensor) -> None:
    x = torch.cat([grid[0], torch.linspace(float(grid[0, 0]), float(grid[0, -1]), 50)])[:, None]
    basis = spline_basis(x.double(), extended(grid, 3), 3)
    torch.testing.assert_close(basis.sum(dim=-1), torch.ones_like(basis[..., 0]))
    assert (basis >= 0).all()


def test_only_order_plus_one_neighbours_are_active() -> None:
    basis = spline_basis(torch.tensor([[0.3]], dtype=torch.float64), extended(EVEN, 3), 3)[0, 0]
    assert torch.equal(basis.nonzero()[:, 0], torch.tensor([3, 4, 5, 6]))


def test_the_slope_of_the_basis_is_exact() -> None:
    x = torch.linspace(-1.3, 1.3, 12, dtype=torch.float64)[:, None].requires_grad_()
    assert torch.autograd.gradcheck(lambda t: spline_basis(t, extended(EVEN, 3), 3), (x,))


def test_inputs_outside_hold_the_value_of_the_end_and_are_counted() -> None:
    knots = extended(EVEN, 3)
    far = spline_basis(torch.tensor([[-50.0], [7.0]], dtype=torch.float64), knots, 3)
    ends = spline_basis(torch.tensor([[-1.0], [1.0]], dtype=torch.float64), knots, 3)
    assert torch.equal(far, ends)
    narrow = layer(range=(-0.1, 0.1))
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    u = torch.tanh(F.layer_norm(x, [5]))
    assert torch.equal(narrow(x)[1], (u.abs() > 0.1).sum(dim=1))
    assert (narrow(x)[1] > 0).any()


def test_the_head_reports_inputs_outside_for_each_sample() -> None:
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    wide = KanSplineParams().build(5, 3)(Features.of_pooled(x))
    narrow = KanSplineParams(range=(-0.1, 0.1)).build(5, 3)(Features.of_pooled(x))
    assert torch.equal(wide.explain["outside"], torch.zeros(4))
    assert (narrow.explain["outside"] > 0).all()


def test_a_layer_equals_the_sum_over_edges() -> None:
    module, x = layer(), torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    u = torch.tanh(F.layer_norm(x, [5]))
    with torch.no_grad():
        expected = torch.zeros(4, 3)
        for i in range(5):
            basis = scipy_basis(u[:, i].double().numpy(), module.knots[i].double().numpy(), 3)
            for o in range(3):
                spline = torch.tensor(basis).float() @ module.coefficients[i, :, o]
                expected[:, o] += module.base[i, o] * F.silu(u[:, i]) + module.scale[i, o] * spline
        torch.testing.assert_close(module(x)[0], expected, atol=1e-5, rtol=1e-5)


def test_without_splines_a_layer_is_linear_after_silu() -> None:
    module, x = layer(), torch.randn(4, 5)
    module.scale.data.zero_()
    expected = F.silu(torch.tanh(F.layer_norm(x, [5]))) @ module.base
    torch.testing.assert_close(module(x)[0], expected)


def test_an_edge_has_grid_plus_order_plus_two_parameters() -> None:
    module = layer(inputs=5, outputs=3)
    edges = sum(p.numel() for name, p in module.named_parameters() if "norm" not in name)
    assert edges == 5 * 3 * (5 + 3 + 2)


def values(module: SplineLayer, samples: torch.Tensor) -> torch.Tensor:
    """The spline of each edge on the samples, [n, inputs, outputs]."""
    basis = spline_basis(samples, module.knots, module.order)
    return torch.einsum("nig,igo->nio", basis, module.coefficients.detach())


def test_a_grid_update_keeps_the_functions_and_follows_the_samples() -> None:
    module = layer()
    samples = torch.rand(600, 5, generator=torch.Generator().manual_seed(0)) * 0.8
    before, knots = values(module, samples), module.knots.clone()
    module.update_grid(samples)
    change = (values(module, samples) - before).square().mean((0, 2)).sqrt()
    assert (change <= 1.01 * CHANGE * before.square().mean((0, 2)).sqrt()).all()
    assert ((module.knots - knots).abs().sum(dim=1) > 0).all()
    assert (module.knots[:, 3] > knots[:, 3]).all()  # no sample lies below 0


def test_a_grid_update_moves_all_the_way_where_the_functions_allow_it() -> None:
    module, x = layer(), torch.linspace(-1, 1, 200)[:, None].expand(-1, 5)
    basis = spline_basis(x, module.knots, 3)[:, 0]
    cubic = torch.linalg.lstsq(basis, (x[:, :1] ** 3 - x[:, :1]).expand(-1, 3)).solution
    module.coefficients.data.copy_(cubic.expand(5, -1, -1))  # any grid can hold a cubic
    samples = torch.rand(600, 5, generator=torch.Generator().manual_seed(0)) * 0.8
    module.update_grid(samples)
    expected = (samples**3 - samples)[..., None].expand(-1, -1, 3)
    torch.testing.assert_close(values(module, samples), expected, atol=2e-3, rtol=0)
    torch.testing.assert_close(module.knots[:, 3], samples.min(dim=0).values, atol=1e-3, rtol=0)


def test_an_unchanged_grid_changes_no_coefficient() -> None:
    module, samples = layer(), torch.rand(600, 5)
    fitted, change = refitted(samples, module.knots, module.knots, module.coefficients, 3)
    assert torch.equal(fitted, module.coefficients)
    torch.testing.assert_close(change, torch.zeros(5), atol=1e-6, rtol=0)


@pytest.mark.parametrize("value", [0.0, 0.4])
def test_inputs_that_never_change_leave_all_finite_and_ascending(value: float) -> None:
    module = layer()
    module.update_grid(torch.full((600, 5), value))
    assert module.coefficients.isfinite().all()
    assert (module.knots.diff(dim=1) > 0).all()


def test_grids_follow_the_data_a_few_times_while_training_only() -> None:
    head = KanSplineParams(grid_update=True, hidden=4).build(5, 3)
    first = head.layers[0]
    assert isinstance(first, SplineLayer)
    start = first.knots.clone()
    x = Features.of_pooled(torch.randn(SAMPLES, 5, generator=torch.Generator().manual_seed(0)))
    head.eval()(x)
    assert torch.equal(first.knots, start)
    head.train()(x)
    assert not torch.equal(first.knots, start)
    for _ in range(UPDATES):
        head(x)
    settled = first.knots.clone()
    head(Features.of_pooled(x.pooled * 3))
    assert torch.equal(first.knots, settled)


def test_a_range_must_ascend() -> None:
    with pytest.raises(ValidationError, match="low < high"):
        KanSplineParams(range=(1.0, -1.0))
