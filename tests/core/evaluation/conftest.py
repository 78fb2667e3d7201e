from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

Predictions = tuple[NDArray[np.float64], NDArray[np.int64], list[str]]


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
