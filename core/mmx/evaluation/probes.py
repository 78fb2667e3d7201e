"""Linear models on features that are given, for the controls of runs and studies."""

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.confusion import Floats
from mmx.interfaces import FeatureRows

STEPS = 2000  # of logistic regression, at most


def class_probe(
    train: FeatureRows, labels: NDArray[np.int64], test: FeatureRows, prior: Floats, strength: float
) -> Floats:
    """[m, C], probabilities of classes by logistic regression.

    Args:
        train: [n, F], features, sparse or not.
        labels: [n], their classes.
        test: [m, F].
        prior: [C], share of each class in the loss.
        strength: inverse weight of the penalty |w|^2 / 2 beside the sum of the losses of rows.

    Source: scikit-learn, LogisticRegression.
    """
    from sklearn.linear_model import LogisticRegression  # a second of import

    shares = np.bincount(labels, minlength=len(prior)) / len(labels)
    weights = prior[labels] / shares[labels]
    model = LogisticRegression(C=strength, max_iter=STEPS)
    model.fit(train, labels, sample_weight=weights * (1 / weights.mean()))
    found = np.zeros((test.shape[0], len(prior)))
    found[:, model.classes_] = model.predict_proba(test)
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

    Source: scikit-learn, LogisticRegression.
    """
    from sklearn.linear_model import LogisticRegression  # a second of import

    found = np.tile(absent, (test.shape[0], 1))
    for label, column in enumerate(target.T):
        known = column >= 0
        if len(set(column[known].tolist())) == 2:
            model = LogisticRegression(C=strength, max_iter=STEPS)
            model.fit(train[known], column[known])
            found[:, label] = model.predict_proba(test)[:, 1]
    return found
