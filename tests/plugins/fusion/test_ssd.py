"""Laws of the state-space kernel: section by section against a loop in plain torch."""

import pytest
import torch
from torch import Tensor

from mmx_plugins.fusion._mamba import (
    ScalarStateSpace,
    selective_scan,
    ssd_chunked,
    ssd_quadratic,
    ssd_scan,
    ssd_state,
)

Numbers = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def numbers(length: int, *, seed: int = 0, dtype: torch.dtype = torch.float64) -> Numbers:
    """x, dt, a, b and c with B = 2, H = 3, P = 4, N = 5."""
    g = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    dt = draw(2, length, 3).exp() * 0.3
    given = draw(2, length, 3, 4), dt, -draw(3).exp(), draw(2, length, 5), draw(2, length, 5)
    x, dt, a, b, c = (tensor.to(dtype) for tensor in given)
    return x, dt, a, b, c


def step_by_step(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The recurrence as it is written down."""
    hidden = x.new_zeros(2, 3, 4, 5)
    outputs = []
    for t in range(x.shape[1]):
        decay = (dt[:, t] * a).exp()[..., None, None]
        hidden = decay * hidden + torch.einsum("bh,bhp,bn->bhpn", dt[:, t], x[:, t], b[:, t])
        outputs.append(torch.einsum("bhpn,bn->bhp", hidden, c[:, t]))
    return torch.stack(outputs, dim=1)


@pytest.mark.parametrize("length", [1, 7, 64, 130, 300])
def test_loop_quadratic_and_chunked_forms_agree(length: int) -> None:
    given = numbers(length)
    expected = step_by_step(*given)
    for form in (ssd_quadratic, ssd_chunked, ssd_scan):
        torch.testing.assert_close(form(*given), expected, atol=1e-10, rtol=1e-10)


def test_float32_stays_close_to_float64() -> None:
    exact = ssd_scan(*numbers(177))
    rough = ssd_scan(*numbers(177, dtype=torch.float32))
    torch.testing.assert_close(rough.double(), exact, atol=1e-4, rtol=1e-4)


def test_it_equals_the_selective_scan_where_the_decay_is_constant_within_a_head() -> None:
    x, dt, a, b, c = numbers(20)
    u = x.flatten(2).transpose(1, 2)
    delta = dt.repeat_interleave(4, dim=2).transpose(1, 2)
    decay = a.repeat_interleave(4)[:, None].expand(-1, 5)
    expected = selective_scan(u, delta, decay, b.transpose(1, 2), c.transpose(1, 2))
    got = ssd_scan(x, dt, a, b, c).flatten(2).transpose(1, 2)
    torch.testing.assert_close(got, expected, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("length", [20, 260])
def test_reverse_is_the_scan_of_the_flipped_sequence(length: int) -> None:
    x, dt, a, b, c = numbers(length)
    flipped = ssd_scan(x.flip(1), dt.flip(1), a, b.flip(1), c.flip(1)).flip(1)
    torch.testing.assert_close(ssd_scan(x, dt, a, b, c, reverse=True), flipped)


def test_a_step_depends_on_no_later_one() -> None:
    x, dt, a, b, c = numbers(6)

    def run(given: Tensor) -> Tensor:
        return ssd_scan(given, dt, a, b, c)

    jacobian = torch.autograd.functional.jacobian(run, x)
    assert isinstance(jacobian, Tensor)
    influence = jacobian.abs().sum(dim=(0, 2, 3, 4, 6, 7))  # [to, from]
    assert torch.equal(influence.triu(1), torch.zeros_like(influence))
    assert (influence.diagonal() > 0).all()


def test_a_step_of_size_zero_is_no_step() -> None:
    x, dt, a, b, c = numbers(9)
    kept = torch.tensor([0, 1, 3, 4, 7])
    dt = torch.zeros_like(dt).index_copy(1, kept, dt[:, kept])
    whole = ssd_scan(x, dt, a, b, c)[:, kept]
    short = ssd_scan(x[:, kept], dt[:, kept], a, b[:, kept], c[:, kept])
    torch.testing.assert_close(whole, short)


def test_a_split_sequence_with_carried_state_is_the_whole() -> None:
    x, dt, a, b, c = numbers(30)
    first = [s[:, :11] for s in (x, dt, b, c)]
    rest = [s[:, 11:] for s in (x, dt, b, c)]
    state = ssd_state(first[0], first[1], a, first[2])
    carried = ssd_scan(rest[0], rest[1], a, rest[2], rest[3], state=state)
    torch.testing.assert_close(carried, ssd_scan(x, dt, a, b, c)[:, 11:])


@pytest.mark.parametrize("reverse", [False, True])
def test_gradients_are_those_of_finite_differences(reverse: bool) -> None:
    given = [tensor.requires_grad_() for tensor in numbers(5)]
    assert torch.autograd.gradcheck(lambda *n: ssd_scan(*n, reverse=reverse), given)


def test_gradients_of_chunks_are_those_of_the_whole() -> None:
    gradients = []
    for form in (ssd_quadratic, ssd_chunked):
        given = [tensor.requires_grad_() for tensor in numbers(150)]
        gradients.append(torch.autograd.grad(form(*given).square().sum(), given))
    for whole, chunked in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, chunked)


def test_bounded_input_gives_bounded_finite_output_and_gradient() -> None:
    x, dt, a, b, c = numbers(256, dtype=torch.float32)
    x = x.clamp(-1, 1).requires_grad_()
    y = ssd_scan(x, dt * 100, a * 10, b, c)
    y.sum().backward()
    assert x.grad is not None
    assert y.isfinite().all()
    assert x.grad.isfinite().all()


def test_an_instant_decay_leaves_only_the_step_itself() -> None:
    x, dt, _, b, c = numbers(8)
    expected = (c * b).sum(-1)[..., None, None] * dt[..., None] * x
    got = ssd_scan(x, dt, torch.full((3,), -1e6, dtype=x.dtype), b, c)
    torch.testing.assert_close(got, expected)


def test_without_decay_it_is_a_cumulative_sum() -> None:
    x = numbers(8)[0]
    one = torch.ones(2, 8, 1, dtype=x.dtype)
    got = ssd_scan(x, one.expand(-1, -1, 3), torch.zeros(3, dtype=x.dtype), one, one)
    torch.testing.assert_close(got, x.cumsum(dim=1))


@pytest.mark.parametrize("reverse", [False, True])
def test_masked_steps_on_either_end_change_nothing(reverse: bool) -> None:
    layer = ScalarStateSpace(8, 5, 4, reverse=reverse).double()
    x = torch.randn(2, 6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    junk = torch.full((2, 3, 8), 9.0, dtype=torch.float64)
    mask = torch.tensor([False] * 3 + [True] * 6 + [False] * 3).expand(2, -1)
    padded = layer(torch.cat([junk, x, junk], dim=1), mask)
    expected = layer(x, torch.ones(2, 6, dtype=torch.bool))
    torch.testing.assert_close(padded[:, 3:9], expected)
    ignoring = layer(torch.cat([junk, x, junk], dim=1), torch.ones_like(mask))
    assert not torch.allclose(ignoring[:, 3:9], expected)


def test_step_sizes_start_in_their_range() -> None:
    torch.manual_seed(0)
    dt = torch.nn.functional.softplus(ScalarStateSpace(4096, 4, 4).dt_bias)
    assert dt.min() >= 0.99e-3
    assert dt.max() <= 1.01e-1
    assert 0.8e-2 < dt.median() < 1.25e-2  # log-uniform
