"""What a law is: a function that raises when a method breaks it."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

Law = Callable[[Any], str | None]
"""Takes the settings of a method; returns words worth knowing; raises when the law is broken."""

Laws = Mapping[str, Law]


class LawError(Exception):
    """A method breaks a law; the words say how."""


class SkippedLaw(Exception):
    """A law that cannot be tried on a method; the words say why."""


def demand(condition: bool, words: str) -> None:
    """Raise LawError with these words unless the condition holds."""
    if not condition:
        raise LawError(words)


def same(
    got: Mapping[str, Tensor], wanted: Mapping[str, Tensor], words: str, *, exact: bool = False
) -> None:
    """Raise LawError unless all tensors are equal, up to rounding or exactly."""
    for name, want in wanted.items():
        tolerance = 0.0 if exact else 1e-5
        have = got[name]
        demand(have.shape == want.shape, f"{words}: {name} is {shape(have)}, not {shape(want)}")
        if not torch.allclose(have, want, atol=tolerance, rtol=10 * tolerance, equal_nan=True):
            far = (have.double() - want.double()).abs().max().item()
            raise LawError(f"{words}: {name} differs by up to {far:.3g}")


def finite(tensors: Mapping[str, Tensor], words: str) -> None:
    """Raise LawError unless all numbers are finite."""
    for name, tensor in tensors.items():
        demand(bool(tensor.isfinite().all()), f"{words}: {name} is not finite")


def shape(tensor: Tensor) -> str:
    """``[5, 7]``."""
    return str(list(tensor.shape))
