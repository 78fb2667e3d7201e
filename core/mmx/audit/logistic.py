"""Logistic regression for several classes and several folds at once, by L-BFGS.

scikit-learn and scipy would do it too, but take seconds to import and several times longer, and the
short audit stands before every run.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmx.interfaces import FeatureRows

    Floats = NDArray[np.float64]

_PENALTY = 0.1  # on half the squared weights; scikit-learn's C = 10
_ITERATIONS = 150
_ENOUGH = 1e-4  # largest gradient, in units of the mean sample weight of a class
_MEMORY = 10
_ARMIJO = 1e-4


def probabilities(matrix: "FeatureRows", weights: "Floats") -> "Floats":
    """Probability of each class for each row in each fold [d, K, C]; sums to 1.

    Args:
        matrix: [d, F], dense or sparse.
        weights: [d, K, C], how much row d counts as class c when fold k is learned.
    """
    coefficients, intercepts = fitted(matrix, weights)
    scores = matrix @ coefficients.reshape(matrix.shape[1], intercepts.size) + intercepts.ravel()
    # a class that a fold does not learn must not be its answer
    known = weights.sum(axis=0) > 0
    scores = np.where(known, scores.reshape(weights.shape), -np.inf)
    odds = np.exp(scores - scores.max(axis=2, keepdims=True))
    return np.asarray(odds / odds.sum(axis=2, keepdims=True))


def fitted(matrix: "FeatureRows", weights: "Floats") -> "tuple[Floats, Floats]":
    """Coefficients [F, K, C] and intercepts [K, C]; arguments as for ``probabilities``."""
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
        penalised = across @ slope + _PENALTY * values[:-1]
        gradient = np.concatenate([penalised, slope.sum(axis=0)[None]])
        return float(fault + _PENALTY / 2 * (values[:-1] ** 2).sum()), gradient

    enough = _ENOUGH * float(weights.sum()) / (folds * classes)
    found = _minimum(loss, np.zeros((features + 1, folds * classes)), enough)
    found = found.reshape(features + 1, folds, classes)
    return found[:-1], found[-1]


def _minimum(
    loss: "Callable[[Floats], tuple[float, Floats]]", start: "Floats", enough: float
) -> "Floats":
    """Where a convex function is smallest, by L-BFGS with backtracking.

    Source: Nocedal and Wright 2006, Numerical Optimization, algorithm 7.5.
    """
    here, (value, gradient) = start, loss(start)
    memory: deque[tuple[Floats, Floats]] = deque(maxlen=_MEMORY)
    for _ in range(_ITERATIONS):
        if np.abs(gradient).max(initial=0.0) <= enough:
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
        if _dot(there - here, slope - gradient) > 0:
            memory.append((there - here, slope - gradient))
        here = there
        value = lower
        gradient = slope
    return here


def _direction(gradient: "Floats", memory: "deque[tuple[Floats, Floats]]") -> "Floats":
    """Downhill, bent by the curvature of the last steps (the two-loop recursion)."""
    bent, shares = -gradient, []
    for step, change in reversed(memory):
        share = _dot(step, bent) / _dot(step, change)
        bent = bent - share * change
        shares.append(share)
    if memory:
        step, change = memory[-1]
        bent = bent * (_dot(step, change) / _dot(change, change))
    for (step, change), share in zip(memory, reversed(shares), strict=True):
        bent = bent + (share - _dot(change, bent) / _dot(step, change)) * step
    return bent


def _dot(left: "Floats", right: "Floats") -> float:
    """Not numpy's own, whose threads wait for each other longer than they compute."""
    return float((left * right).sum())
