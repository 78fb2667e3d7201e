"""Logistic regression for several classes and several folds at once, by L-BFGS.

scikit-learn and scipy would do it too, but take a second to import and several times longer, and
the short audit stands beside every run. So does the control ``probe``, which uses ``minimum``.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmx.interfaces import FeatureRows

    Floats = NDArray[np.float64]
    Memory = deque[tuple[Floats, Floats, float]]
    """Of the last steps: the way, the change of the gradient, and their product."""

_MEMORY = 10
_ARMIJO = 1e-4


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """How a logistic regression is fitted.

    Attributes:
        penalty: on half the squared weights of all classes, beside the sum of the losses of rows.
            It is 1 / C of scikit-learn, which of two classes learns the difference of their
            weights: there it is 2 / C.
        slope: of the loss, at which it is fitted, by the mean sample weight of a class.
        steps: of L-BFGS, at most.
    """

    penalty: float
    slope: float = 1e-4
    steps: int = 150


def logistic_probabilities(
    train: "FeatureRows", weights: "Floats", asked: "FeatureRows", fit: LogisticFit
) -> "Floats":
    """Probability of each class for each asked row in each fold [m, K, C]; sums to 1.

    Args:
        train: [d, F], dense or sparse.
        weights: [d, K, C], how much row d counts as class c when fold k is learned.
        asked: [m, F].
        fit: the penalty, and when to stop.
    """
    coefficients, intercepts = fitted(train, weights, fit)
    scores = asked @ coefficients.reshape(train.shape[1], intercepts.size) + intercepts.ravel()
    # a class that a fold does not learn must not be its answer
    known = weights.sum(axis=0) > 0
    scores = np.where(known, scores.reshape(-1, *intercepts.shape), -np.inf)
    odds = np.exp(scores - scores.max(axis=2, keepdims=True))
    return np.asarray(odds / odds.sum(axis=2, keepdims=True))


def fitted(matrix: "FeatureRows", weights: "Floats", fit: LogisticFit) -> "tuple[Floats, Floats]":
    """Coefficients [F, K, C] and intercepts [K, C]; arguments as for ``logistic_probabilities``.

    Those of two classes are opposites, so one of them is learned: the penalty is least there.
    """
    if weights.shape[2] != 2:
        return _of_all(matrix, weights, fit)
    coefficients, intercepts = _of_two(matrix, weights, fit)
    signs = np.array([-1.0, 1.0])
    return coefficients[:, :, None] * signs, intercepts[:, None] * signs


def _of_all(matrix: "FeatureRows", weights: "Floats", fit: LogisticFit) -> "tuple[Floats, Floats]":
    """Those of every class."""
    features, (_, folds, classes) = matrix.shape[1], weights.shape
    total, across = weights.sum(axis=2, keepdims=True), matrix.T

    def loss(values: "Floats") -> "tuple[float, Floats]":
        scores = (matrix @ values[:-1] + values[-1]).reshape(weights.shape)
        scores -= scores.max(axis=2, keepdims=True)
        odds = np.exp(scores)
        sums = odds.sum(axis=2, keepdims=True)
        fault = (total * np.log(sums)).sum() - (weights * scores).sum()
        odds *= total / sums
        slope = (odds - weights).reshape(len(weights), -1)
        penalised = across @ slope + fit.penalty * values[:-1]
        gradient = np.concatenate([penalised, slope.sum(axis=0)[None]])
        return float(fault + fit.penalty / 2 * (values[:-1] ** 2).sum()), gradient

    enough = fit.slope * weights.sum(axis=(0, 2)) / classes
    start = np.zeros((features + 1, folds * classes))
    found = minimum(loss, start, np.repeat(enough, classes), fit.steps)
    found = found.reshape(features + 1, folds, classes)
    return found[:-1], found[-1]


def _of_two(matrix: "FeatureRows", weights: "Floats", fit: LogisticFit) -> "tuple[Floats, Floats]":
    """[F, K] and [K] of the second of two classes, whose scores are s, and -s of the first."""
    features, (_, folds, _) = matrix.shape[1], weights.shape
    total, across = weights.sum(axis=2), matrix.T
    gap = weights[:, :, 1] - weights[:, :, 0]

    def loss(values: "Floats") -> "tuple[float, Floats]":
        scores = matrix @ values[:-1] + values[-1]
        size = np.abs(scores)
        small = np.exp(-2 * size)  # never overflows
        fault = (total * (size + np.log1p(small))).sum() - (gap * scores).sum()
        slope = total * np.sign(scores) * (1 - small) / (1 + small) - gap
        penalised = across @ slope + 2 * fit.penalty * values[:-1]
        gradient = np.concatenate([penalised, slope.sum(axis=0)[None]])
        return float(fault + fit.penalty * (values[:-1] ** 2).sum()), gradient

    enough = fit.slope * weights.sum(axis=(0, 2))  # twice the gradient of either class
    found = minimum(loss, np.zeros((features + 1, folds)), enough, fit.steps)
    return found[:-1], found[-1]


def minimum(
    loss: "Callable[[Floats], tuple[float, Floats]]", start: "Floats", enough: "Floats", steps: int
) -> "Floats":
    """Where a convex function is smallest, by L-BFGS with backtracking.

    Args:
        loss: its value and gradient at [F + 1, M].
        start: [F + 1, M].
        enough: [M], sizes of a gradient that is as good as none.
        steps: at most.

    Source: Nocedal and Wright 2006, Numerical Optimization, algorithm 7.5.
    """
    here, (value, gradient) = start, loss(start)
    memory: Memory = deque(maxlen=_MEMORY)
    for _ in range(steps):
        if (np.abs(gradient) <= enough).all():
            break
        direction = _direction(gradient, memory)
        descent, step = _dot(direction, gradient), 1.0
        if not memory:
            step = min(1.0, 1.0 / float(np.abs(gradient).sum()) * gradient.shape[1])
        while step > 1e-10:
            there = here + step * direction
            lower, slope = loss(there)
            if lower <= value + _ARMIJO * step * descent:
                break
            step /= 2
        else:  # no lower place in sight: rounding is all that is left
            break
        moved, change = there - here, slope - gradient
        curvature = _dot(moved, change)
        if curvature > 0:
            memory.append((moved, change, curvature))
        here = there
        value = lower
        gradient = slope
    return here


def _direction(gradient: "Floats", memory: "Memory") -> "Floats":
    """Downhill, bent by the curvature of the last steps (the two-loop recursion)."""
    bent, shares = -gradient, []
    for moved, change, curvature in reversed(memory):
        share = _dot(moved, bent) / curvature
        bent -= share * change
        shares.append(share)
    if memory:
        _, change, curvature = memory[-1]
        bent *= curvature / _dot(change, change)
    for (moved, change, curvature), share in zip(memory, reversed(shares), strict=True):
        bent += (share - _dot(change, bent) / curvature) * moved
    return bent


def _dot(left: "Floats", right: "Floats") -> float:
    """Not numpy's own, whose threads wait for each other longer than they compute."""
    return float(np.einsum("i,i->", left.ravel(), right.ravel()))
