"""The compiled selective scan of mamba-ssm, used only after it has shown that it works here."""

from importlib import import_module

import torch
from torch import Tensor

from mmx.errors import MissingExtraError, PluginError
from mmx_plugins.fusion._mamba.selective_scan import Scan, selective_scan


def compiled_scan() -> Scan:
    """The scan of mamba-ssm for the accelerator of this machine.

    Never a version check: releases of one version differ in what they can import and run. One step
    on the target device is compared with ``selective_scan`` instead.

    Raises:
        MissingExtraError: mamba-ssm is not installed.
        PluginError: it cannot be imported, or gives no or a wrong result here.
    """
    scan = _imported()
    device = torch.empty(0).device
    if torch.accelerator.is_available():
        device = torch.accelerator.current_accelerator() or device
    u, delta, a, b, c, skip = (tensor.to(device) for tensor in _one_step())
    try:
        got = scan(u, delta, a, b, c, skip)
    except Exception as error:
        raise PluginError(
            f"mamba_ssm fails at its first step on {device}: {type(error).__name__}: {error}; "
            "it needs a CUDA device; use ssm: ssd"
        ) from error
    want = selective_scan(u, delta, a, b, c, skip)
    if not torch.allclose(got, want, rtol=1e-3, atol=1e-3):
        gap = (got - want).abs().max().item()
        raise PluginError(
            f"mamba_ssm on {device} differs from the reference by {gap:.2g}; use ssm: ssd"
        )
    return scan


def _imported() -> Scan:
    try:
        scan: Scan = import_module("mamba_ssm.ops.selective_scan_interface").selective_scan_fn
    except ModuleNotFoundError as error:
        if error.name == "mamba_ssm":
            raise MissingExtraError("mamba_ssm", "mmx[mamba]") from error
        raise _unusable(error) from error
    except Exception as error:  # a compiled extension may raise anything while it loads
        raise _unusable(error) from error
    return scan


def _unusable(error: Exception) -> PluginError:
    return PluginError(
        f"mamba_ssm is installed but cannot be imported: {type(error).__name__}: {error}; "
        "it needs its CUDA extension; use ssm: ssd"
    )


def _one_step() -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """u, delta, a, b, c and skip of one step, B = 1, D = 8, N = 16, without random numbers."""
    u, delta = torch.linspace(-1, 1, 8)[None, :, None], torch.linspace(0.1, 1, 8)[None, :, None]
    a = -torch.arange(1.0, 17).repeat(8, 1)
    b, c = torch.linspace(-1, 1, 16)[None, :, None], torch.linspace(1, 2, 16)[None, :, None]
    return u, delta, a, b, c, torch.ones(8)
