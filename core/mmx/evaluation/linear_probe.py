"""Logistic regression on features that nothing trains: what any run has to reach.

Source: Alain & Bengio 2016, Understanding intermediate layers using linear classifier probes,
arXiv:1610.01644; the solver is scikit-learn's LogisticRegression (L-BFGS).
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Inverse strengths of the penalty that are tried, the strongest penalty first."""
WORSE = 2  # so many strengths in a row that are worse than the best end the search
STEPS, EXACT = 200, 1e-3  # of L-BFGS: most steps, and the gradient at which it ends
LEAST = np.finfo(np.float32).tiny  # probability of a class that no training row has


@dataclass(frozen=True, slots=True)
class ProbeRows:
    """Rows of one part.

    Attributes:
        features: [n, D], as they come from the encoders; NaN-free.
        labels: [n] for each stratum, places in its classes; -1 where it is not known.
    """

    features: NDArray[np.float32]
    labels: Sequence[NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class ProbeAnswers:
    """What the probe says.

    Attributes:
        strength: inverse strength of the penalty that was best on validation.
        validation: [n, C] log-probabilities for each stratum.
        test: the same for the test part.
    """

    strength: float
    validation: Sequence[NDArray[np.float64]]
    test: Sequence[NDArray[np.float64]]

    def to_json(self) -> dict[str, Any]:
        """Plain data for a file."""
        parts = {"validation": self.validation, "test": self.test}
        told = {part: [one.tolist() for one in found] for part, found in parts.items()}
        return {"strength": self.strength, **told}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "ProbeAnswers":
        """What ``to_json`` gave.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        parts = [[np.asarray(one, dtype=float) for one in kept[part]] for part in _PARTS]
        return cls(float(kept["strength"]), *parts)


_PARTS = ("validation", "test")

Quality = Callable[[Sequence[NDArray[np.float64]]], float]
"""Score of the answers to the validation rows, [n, C] for each stratum: higher is better."""


def linear_probe(
    train: ProbeRows,
    validation: NDArray[np.float32],
    test: NDArray[np.float32],
    classes: Sequence[int],
    quality: Quality,
) -> ProbeAnswers:
    """Class-balanced logistic regression on standardised features, its strength from validation.

    log p(c | x) = log_softmax(W z + b)_c with z = (x - mean) / sd of the training rows, and
    min over W, b of mean_i w_i CE_i + |W|^2 / (2 C n), w_i = n / (classes * rows of i's class).
    Two classes have one vector w instead, and a sigmoid.

    Args:
        train: features and labels to learn from.
        validation: [n, D], rows on which ``quality`` chooses.
        test: [n, D].
        classes: of each stratum.
        quality: of answers to the validation rows.
    """
    mean, spread = train.features.mean(axis=0), train.features.std(axis=0)
    spread[spread < 1e-6] = 1  # a channel that never changes says nothing
    known, chosen, asked = ((x - mean) / spread for x in (train.features, validation, test))
    best, top = None, -np.inf
    worse = 0
    for strength in STRENGTHS:
        found = [
            _fitted(known, labels, count, strength, (chosen, asked))
            for labels, count in zip(train.labels, classes, strict=True)
        ]
        answers = ProbeAnswers(strength, [one[0] for one in found], [one[1] for one in found])
        reached = quality(answers.validation)
        if best is None or reached > top:
            best, top = answers, reached
            worse = 0
        elif (worse := worse + 1) == WORSE:
            break
    assert best is not None
    return best


def _fitted(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: int,
    strength: float,
    asked: Sequence[NDArray[np.float32]],
) -> list[NDArray[np.float64]]:
    """[n, C] log-probabilities of each array of rows; one class alone is answered always."""
    from sklearn.exceptions import ConvergenceWarning  # a second of import
    from sklearn.linear_model import LogisticRegression  # a second of import

    rows = labels >= 0
    here = np.unique(labels[rows])
    found = [np.full((len(x), classes), np.log(LEAST)) for x in asked]
    if len(here) < 2:
        shares = np.bincount(labels[rows], minlength=classes) / max(1, rows.sum())
        value = np.log(np.maximum(shares, LEAST)) if len(here) else np.log(1 / classes)
        return [np.broadcast_to(value, one.shape).copy() for one in found]
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=STEPS, tol=EXACT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # validation judges what it reached
        model.fit(features[rows], labels[rows])
    for one, x in zip(found, asked, strict=True):
        one[:, here] = np.maximum(model.predict_log_proba(x), np.log(LEAST))
    return found
