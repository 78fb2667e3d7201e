"""Linear models on features that are given, for the controls of studies."""

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.confusion import Floats
from mmx.evaluation.logistic import LogisticFit, logistic_probabilities
from mmx.interfaces import FeatureRows

SLOPE = 1e-4  # of the mean loss, at which a probe is fitted
STEPS = 2000  # of L-BFGS, at most
TOGETHER = 16  # labels that are learned at once; the memory that it takes grows with them


def class_probe(
    train: FeatureRows, labels: NDArray[np.int64], test: FeatureRows, prior: Floats, strength: float
) -> Floats:
    """[m, C], probabilities of classes by logistic regression.

    The objective is that of scikit-learn's LogisticRegression, which of two classes penalises the
    difference of their weights.

    Args:
        train: [n, F], features, sparse or not.
        labels: [n], their classes.
        test: [m, F].
        prior: [C], share of each class in the loss.
        strength: inverse weight of the penalty |w|^2 / 2 beside the sum of the losses of rows.
    """
    shares = np.bincount(labels, minlength=len(prior)) / len(labels)
    weights = prior[labels] / shares[labels]
    classes, index = np.unique(labels, return_inverse=True)
    counted = np.zeros((len(labels), 1, len(classes)))
    counted[np.arange(len(labels)), 0, index] = weights * (1 / weights.mean())
    fit = LogisticFit((2 if len(classes) == 2 else 1) / strength, SLOPE, STEPS)
    found = np.zeros((test.shape[0], len(prior)))
    found[:, classes] = logistic_probabilities(_double(train), counted, test, fit)[:, 0]
    return found


def label_probe(
    train: FeatureRows,
    target: NDArray[np.int64],
    test: FeatureRows,
    absent: Floats,
    strength: float,
) -> Floats:
    """[m, L], probability of each label by logistic regression on the rows in which it is known.

    Args:
        train: [n, F], features, sparse or not.
        target: [n, L] in {0, 1, -1}, -1 for unknown.
        test: [m, F].
        absent: [L], for labels that are of one kind only.
        strength: as for ``class_probe``.
    """
    found = np.tile(absent, (test.shape[0], 1))
    both = ((target == 0).any(axis=0) & (target == 1).any(axis=0)).nonzero()[0]
    fit, train = LogisticFit(2 / strength, SLOPE, STEPS), _double(train)
    for first in range(0, len(both), TOGETHER):
        some = both[first : first + TOGETHER]
        counted = (target[:, some, None] == np.arange(2)).astype(np.float64)
        found[:, some] = logistic_probabilities(train, counted, test, fit)[:, :, 1]
    return found


def _double(features: FeatureRows) -> FeatureRows:
    """In the precision of the weights: each step would have to convert them anew."""
    if isinstance(features, np.ndarray):
        return np.asarray(features, dtype=np.float64)
    return features
