from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

Predictions = tuple[NDArray[np.float64], NDArray[np.int64], list[str]]
Counts = tuple[NDArray[np.float64], NDArray[np.float64]]


@pytest.fixture
def predictions() -> Callable[..., Predictions]:
    """Log probabilities that know something, labels of all classes, and groups of some rows."""

    def draw(
        rows: int, classes: int, *, groups: int, seed: int = 0, ties: bool = False
    ) -> Predictions:
        generator = np.random.default_rng(seed)
        labels = np.arange(rows) % classes
        logits = generator.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[labels]
        if ties:
            logits = logits.round()
        log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        if ties:  # normalising breaks ties again
            probs = np.round(np.exp(log_probs), 2) + 0.01
            log_probs = np.log(probs / probs.sum(axis=1, keepdims=True))
        names = [f"patient-{number}" for number in generator.integers(groups, size=rows)]
        return log_probs, labels, names

    return draw


@pytest.fixture
def clustered() -> Callable[..., Counts]:
    """Rows and right rows [D, G, C] of groups with one class each and a known truth."""

    def draw(
        groups: tuple[int, ...],
        truth: float,
        *,
        sets: int,
        correlation: float,
        largest: int = 40,
        seed: int = 0,
    ) -> Counts:
        generator = np.random.default_rng(seed)
        owner = np.repeat(np.arange(len(groups)), groups)
        shape = (sets, len(owner))
        sizes = np.minimum(np.floor(generator.pareto(1.5, shape) + 1), largest)  # heavy-tailed
        scale = (1 - correlation) / correlation  # beta-binomial
        chance = generator.beta(truth * scale, (1 - truth) * scale, shape)
        right = generator.binomial(sizes.astype(int), chance)
        of_class = np.eye(len(groups))[owner]
        return sizes[..., None] * of_class, right[..., None] * of_class

    return draw
