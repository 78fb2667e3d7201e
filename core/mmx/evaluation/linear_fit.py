"""The linear map that a probe is: standardised channels, a penalty, the strength that is best."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from math import inf, nan
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from mmx.evaluation.confusion import Floats
from mmx.evaluation.logistic import minimum

Tried = TypeVar("Tried")
Score = Callable[[Tensor], Tensor]

PROBE_STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Inverse weights of the penalty that are tried, the strongest penalty first."""
WORSE = 2  # so many in a row that are no better than the best end the search
STEPS = 2000  # of L-BFGS, at most
SLOPE = 1e-8  # of the mean loss, at which the fit is done
FLAT = 1e-12  # share of the largest variance below which there is nothing but rounding
LEAST = 1e-6  # spread below which a channel says nothing, since it never changes


@dataclass(frozen=True, slots=True)
class LinearMap:
    """x -> V z + b of rows x [n, D], with z = (x - mean) / spread; all float64.

    Attributes:
        mean: [D], of the training rows.
        spread: [D], standard deviation of them; 1 where a channel never changes.
        weight: [R, D], V.
        bias: [R], b.
        strength: inverse weight of the penalty.
        quality: on validation, by which the strength was chosen; NaN: there was none to choose by.
    """

    mean: Tensor
    spread: Tensor
    weight: Tensor
    bias: Tensor
    strength: float
    quality: float = nan

    def __call__(self, x: Tensor) -> Tensor:
        """[n, R]."""
        return (x.double() - self.mean) / self.spread @ self.weight.T + self.bias


def fit_linear_map(
    train: Tensor, validation: Tensor, outputs: int, loss: Score, quality: Callable[[Tensor], float]
) -> LinearMap:
    """The linear map whose strength is best on validation.

    Of each strength C it minimises n C loss(V z + b) + |V|^2 / 2, as scikit-learn's
    LogisticRegression does (of two classes at C / 2, since it penalises their difference). The
    strongest penalty comes first; it is kept where validation has no rows or gives no number.

    Args:
        train: [n, D], rows that it learns from.
        validation: [m, D]; m may be 0.
        outputs: R.
        loss: mean loss of the training rows, a scalar, from their outputs [n, R] in float64.
        quality: of outputs [m, R] for the validation rows; higher is better.

    Source: Liu and Nocedal 1989, doi:10.1007/BF01589116 (L-BFGS).
    """
    train, validation = train.double(), validation.double()
    mean, spread = _standards(train)
    z = (train - mean) / spread
    axes, variances = principal_axes(z)
    turned = z @ axes

    def tried() -> Iterator[tuple[LinearMap, float]]:
        start = z.new_zeros(outputs, turned.shape[1] + 1)
        for strength in PROBE_STRENGTHS:
            start = _minimised(turned, variances, loss, 1 / (strength * len(z)), start)
            found = LinearMap(mean, spread, start[:, :-1] @ axes.T, start[:, -1], strength)
            if not len(validation):
                yield found, 0.0
                return
            found = replace(found, quality=quality(found(validation)))
            yield found, found.quality

    best = best_before_worse(tried())
    assert best is not None
    return best


def _standards(train: Tensor) -> tuple[Tensor, Tensor]:
    """[D], mean and spread of the channels of rows [n, D].

    They are rounded as a model in single precision holds them, which subtracts what was fitted.
    """
    spread = train.std(dim=0, correction=0)
    spread = torch.where(spread < LEAST, 1, spread)
    return train.mean(dim=0).float().double(), spread.float().double()


def principal_axes(z: Tensor) -> tuple[Tensor, Tensor]:
    """Orthonormal axes [D, r] of the rows z [n, D] with r <= min(n, D), and variances [r] on them.

    A penalised linear map has no part outside of them.
    """
    wide = z.shape[1] > z.shape[0]
    variances, vectors = torch.linalg.eigh((z @ z.T if wide else z.T @ z) / len(z))
    there = variances > FLAT * variances[-1]
    variances, vectors = variances[there], vectors[:, there]
    axes = z.T @ vectors / (len(z) * variances).sqrt() if wide else vectors
    return axes, variances


def _minimised(z: Tensor, variances: Tensor, loss: Score, ridge: float, start: Tensor) -> Tensor:
    """[R, r + 1], weights V and biases at which loss(V z + b) + ridge |V|^2 / 2 is smallest.

    L-BFGS steps in V / scale: its curvature is at most about 1 along each axis, since a logistic
    loss bends by at most a quarter (Boehning 1992, doi:10.1007/BF00048682). That takes tens of
    steps where V itself takes thousands.
    """
    scale = (torch.cat([variances, variances.new_ones(1)]) / 4 + ridge).rsqrt()

    def value(at: Tensor) -> Tensor:
        found = at * scale
        weight, bias = found[:, :-1], found[:, -1]
        return loss(z @ weight.T + bias) + ridge / 2 * weight.square().sum()

    return _smallest(value, start / scale) * scale


def _smallest(value: Score, start: Tensor) -> Tensor:
    """[R, r + 1] at which a convex function is smallest."""

    def with_slope(at: Floats) -> tuple[float, Floats]:
        here = torch.from_numpy(at).requires_grad_()
        found = value(here)
        (slope,) = torch.autograd.grad(found, here)
        return float(found.detach()), slope.numpy()

    enough = np.full(start.shape[1], SLOPE)
    return torch.from_numpy(minimum(with_slope, start.numpy(), enough, STEPS))


def best_before_worse(tried: Iterable[tuple[Tried, float]]) -> Tried | None:
    """The best of what is tried one after the other; None where nothing is.

    The first of equal ones is kept, and NaN is the worst. After two in a row that are no better
    no more are tried.

    Args:
        tried: each with its score, higher is better; taken from it one at a time.
    """
    best: Tried | None = None
    top = -inf
    worse = 0
    for one, reached in tried:
        if best is None or reached > top:
            best = one
            top = reached if reached == reached else -inf
            worse = 0
        elif (worse := worse + 1) == WORSE:
            break
    return best
