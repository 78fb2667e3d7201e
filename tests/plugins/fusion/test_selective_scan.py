"""The oracle against the recurrence in plain scalars, and the compiled kernel's refusal."""

import sys
from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import Tensor
from torch.nn.functional import silu, softplus

from mmx.errors import MissingExtraError, PluginError
from mmx_plugins.fusion._mamba import SelectiveStateSpace, compiled_scan, selective_scan


def test_it_follows_the_written_recurrence() -> None:
    g = torch.Generator().manual_seed(0)
    u, delta, gate = (torch.randn(2, 3, 5, generator=g).double() for _ in range(3))
    a = -torch.randn(3, 4, generator=g).double().exp()
    b, c = (torch.randn(2, 4, 5, generator=g).double() for _ in range(2))
    skip, bias = torch.randn(3, generator=g).double(), torch.randn(3, generator=g).double()
    expected = torch.zeros_like(u)
    for i, d in torch.cartesian_prod(torch.arange(2), torch.arange(3)).tolist():
        hidden = torch.zeros(4, dtype=torch.float64)
        for t in range(5):
            step = softplus(delta[i, d, t] + bias[d])
            hidden = (step * a[d]).exp() * hidden + step * b[i, :, t] * u[i, d, t]
            y = (c[i, :, t] * hidden).sum() + skip[d] * u[i, d, t]
            expected[i, d, t] = y * silu(gate[i, d, t])
    got = selective_scan(u, delta, a, b, c, skip, gate, bias, delta_softplus=True)
    torch.testing.assert_close(got, expected, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("reverse", [False, True])
def test_masked_steps_on_either_end_change_nothing(reverse: bool) -> None:
    layer = SelectiveStateSpace(8, 4, 2, reverse=reverse)
    x = torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(0))
    junk = torch.full((2, 3, 8), 9.0)
    mask = torch.tensor([False] * 3 + [True] * 6 + [False] * 3).expand(2, -1)
    padded = layer(torch.cat([junk, x, junk], dim=1), mask)
    expected = layer(x, torch.ones(2, 6, dtype=torch.bool))
    torch.testing.assert_close(padded[:, 3:9], expected)


def test_its_decay_rates_are_exempt_from_weight_decay() -> None:
    layer = SelectiveStateSpace(8, 4, 2)
    exempt = {n for n, p in layer.named_parameters() if getattr(p, "no_weight_decay", p.ndim < 2)}
    assert exempt == {"A_log", "skip", "dt_bias"}
    torch.testing.assert_close(layer.A_log.exp()[0], torch.arange(1.0, 5))


def test_it_computes_in_float32_and_gives_back_the_type_it_got() -> None:
    u = torch.ones(1, 2, 3, dtype=torch.bfloat16)
    given = u, u, -torch.ones(2, 4), torch.ones(1, 4, 3), torch.ones(1, 4, 3)
    assert selective_scan(*given).dtype == torch.bfloat16


def pretend(monkeypatch: pytest.MonkeyPatch, scan: Callable[..., Tensor]) -> None:
    """Install a package that looks like mamba-ssm and runs ``scan``."""
    names = ("mamba_ssm", "mamba_ssm.ops", "mamba_ssm.ops.selective_scan_interface")
    for name in names:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setattr(sys.modules[names[-1]], "selective_scan_fn", scan, raising=False)


def test_without_mamba_ssm_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> ModuleType:
        raise ModuleNotFoundError("No module named 'mamba_ssm'", name="mamba_ssm")

    monkeypatch.setattr("mmx_plugins.fusion._mamba.kernel.import_module", missing)
    with pytest.raises(MissingExtraError, match=r"mmx\[mamba\]"):
        compiled_scan()


def test_a_kernel_that_fails_its_first_step_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Tensor) -> Tensor:
        raise RuntimeError("Expected u.is_cuda() to be true")

    pretend(monkeypatch, broken)
    with pytest.raises(PluginError, match=r"first step on .*is_cuda.*ssm: ssd"):
        compiled_scan()


def test_a_kernel_that_computes_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, lambda u, *rest: u * 2)
    with pytest.raises(PluginError, match="differs from the reference"):
        compiled_scan()


def test_a_kernel_that_agrees_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, selective_scan)
    assert compiled_scan() is selective_scan


def test_a_package_that_breaks_while_it_loads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> ModuleType:
        raise ImportError("libcudart.so.12: cannot open shared object file")

    monkeypatch.setattr("mmx_plugins.fusion._mamba.kernel.import_module", fail)
    with pytest.raises(PluginError, match="cannot be imported.*libcudart"):
        compiled_scan()
