"""Small classifiers that ask whether something tells the label, in grouped cross-validation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmx.audit.finding import Score
from mmx.audit.subject import FOLDS, Subject
from mmx.audit.traces import Trace
from mmx.evaluation import (
    LogisticFit,
    clustered_shares,
    group_counts,
    logistic_probabilities,
    mean_share,
)
from mmx.interfaces import FeatureRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

FIT = LogisticFit(penalty=0.1)


def linear(subject: Subject, matrix: FeatureRows, index: "Ints") -> "NDArray[np.float64]":
    """Probabilities [m, C] that balanced logistic regression gives the probed rows, out of fold.

    Args:
        subject: gives labels and folds.
        matrix: [d, F], dense or sparse, different rows only, so that equal ones are learned once.
        index: [m], which of them each probed row has.
    """
    truth = subject.labels[subject.probed]
    fold = subject.fold
    classes = len(subject.classes)
    weights = np.zeros((matrix.shape[0], FOLDS, classes))
    for number in range(FOLDS):
        learn = fold != number
        balance = _balance(truth[learn], classes)
        np.add.at(weights[:, number], (index[learn], truth[learn]), balance[truth[learn]])
    return logistic_probabilities(matrix, weights, matrix, FIT)[index, fold]


def frequent(subject: Subject, codes: "Ints") -> "Ints":
    """Labels [m] as a table of value and class predicts them, every class counting the same.

    Args:
        subject: gives labels and folds.
        codes: [m], the value of each probed row, from 0.
    """
    truth = subject.labels[subject.probed]
    fold = subject.fold
    classes = len(subject.classes)
    predicted = np.empty_like(truth)
    values = int(codes.max(initial=0)) + 1
    pairs = codes * classes + truth
    for number in range(FOLDS):
        learn = fold != number
        counts = np.bincount(pairs[learn], minlength=values * classes)
        table = counts.reshape(values, classes)
        shares = (table + 0.5) * _balance(truth[learn], classes)
        predicted[~learn] = shares.argmax(axis=1)[codes[~learn]]
    return predicted


def quick(subject: Subject, predicted: "Ints") -> float:
    """Balanced accuracy of predictions [m] of the probed rows."""
    truth = subject.labels[subject.probed]
    hits = np.bincount(truth[predicted == truth], minlength=len(subject.classes))
    rows = np.bincount(truth, minlength=len(subject.classes))
    return float((hits[rows > 0] / rows[rows > 0]).mean())


def score(subject: Subject, predicted: "Ints", probe: str, traces: Sequence[Trace] = ()) -> Score:
    """Balanced accuracy of predictions [m] of the probed rows, with its 95 % interval.

    Args:
        subject: gives labels and groups.
        predicted: [m].
        probe: what it looked at and how it learned.
        traces: of the same probe.
    """
    truth = subject.labels[subject.probed]
    member = subject.member
    classes = len(subject.classes)
    counts = group_counts(predicted, truth, member, classes)
    value, low, high = map(float, mean_share(clustered_shares(counts.true, counts.hits)))
    here = int(counts.present.sum())
    auroc = max((one.auroc for one in traces), default=None)
    groups = int(member.max()) + 1
    return Score(probe, value, low, high, 1 / here, len(truth), groups, auroc)


def too_few(subject: Subject) -> str:
    """Why there is no probe; empty when there can be one."""
    if len(subject.probed):
        return ""
    return (
        f"not probed: fewer than two classes have 5 {subject.many} or more, "
        "so no score would mean anything"
    )


def _balance(truth: "Ints", classes: int) -> "NDArray[np.float64]":
    """[C], weights that let every class count the same, 1 on average over the rows."""
    counts = np.bincount(truth, minlength=classes)
    present = counts > 0
    weights = np.zeros(classes)
    weights[present] = len(truth) / counts[present] / present.sum()
    return weights
