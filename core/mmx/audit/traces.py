"""Whether something tells one class from all others, with a p value corrected for all comparisons.

A perfect trace of one class among seven moves balanced accuracy by a seventh at most, so each class
is held against the rest: the AUROC of an out-of-fold score, one value for each group; a group whose
rows have several classes gives one for each of them. A p value is multiplied by the number of
classes (of levels in order, of further comparisons), and by the number of labels where each row has
several, so that a thing which tells nothing is told in 1 of 1,000 cases at most, whatever it is
held against (Bonferroni).

Source: Mann and Whitney 1947, doi:10.1214/aoms/1177730491, with the variance for ties; the bound is
the fifth method of Newcombe 2006, doi:10.1002/sim.2324.
"""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mmx.audit.subject import FOLDS, Subject
from mmx.evaluation import newcombe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

LEAST = 5  # groups of a class, and of the rest
SURE = 1e-3
SPREAD = 0.65  # AUROC from which a trace that should not be there is told
_PRIOR = 2.0  # groups that a code's share of a class is drawn to the base rate by


@dataclass(frozen=True, slots=True)
class Trace:
    """How well a score tells one class from the rest.

    Attributes:
        label: place of the class.
        auroc: over groups, in [0, 1]; 0.5 tells nothing.
        p: of an AUROC as large by chance, times the number of comparisons.
        low: lower end of the 95 % interval of the AUROC.
        youden: sensitivity plus specificity minus 1 at the best threshold.
        groups: of the class.
        above: whether it is not the class that is told, but the levels above it from the rest.
    """

    label: int
    auroc: float
    p: float
    low: float
    youden: float
    groups: int
    above: bool = False

    @property
    def what(self) -> tuple[int, bool]:
        """Which comparison it is."""
        return self.label, self.above

    def tells(self, least: float) -> bool:
        """Whether the AUROC is at least ``least`` and no accident."""
        return self.p <= SURE and self.auroc >= least


def one_against_rest(subject: Subject, scores: "Floats") -> list[Trace]:
    """A trace for each class with five groups or more, the clearest first.

    Of two classes, which are told from each other, the second one. Where the classes are levels in
    order, also for the levels above each one that has two or more on either side: a trend shows
    there, and less in a level against all others.

    Args:
        subject: gives labels and groups.
        scores: [m, C] of the probed rows; higher where a class is more likely.
    """
    unit, truth = subject.unit, subject.unit_labels
    rows, found = np.bincount(unit, minlength=len(truth)), []
    for label, above in _comparisons(subject):
        own, score = _one_and_score(truth, scores, label, above)
        if LEAST <= own.sum() <= len(own) - LEAST:
            mean = np.bincount(unit, score, minlength=len(truth)) / rows
            found.append(replace(_trace(label, mean, own, _family(subject)), above=above))
    return sorted(found, key=lambda one: -one.auroc)


def _comparisons(subject: Subject) -> list[tuple[int, bool]]:
    """Class, and whether it is the levels above it that are told from the rest."""
    classes = len(subject.classes)
    if classes == 2:
        return [(1, False)]
    inner = range(1, classes - 2) if subject.ordered else ()
    return [*((label, False) for label in range(classes)), *((label, True) for label in inner)]


def _family(subject: Subject) -> int:
    """Tests that are made: two classes count as two, for either may be the more frequent one."""
    return max(len(_comparisons(subject)), 2) * subject.family


def _one_and_score(
    truth: "Ints", scores: "Floats", label: int, above: bool
) -> "tuple[NDArray[np.bool_], Floats]":
    """[units], which are told from the rest; and [m], how likely each row is one of them."""
    if above:
        return truth > label, scores[:, label + 1 :].sum(axis=1)
    return truth == label, scores[:, label]


def code_scores(subject: Subject, codes: "Ints") -> "Floats":
    """[m, C], share of each class among the groups with a row's code, learned from other folds.

    Args:
        subject: gives labels, groups and folds.
        codes: [m], the value of each probed row, from 0.
    """
    truth = subject.labels[subject.probed]
    fold = subject.fold
    classes = len(subject.classes)
    weight = 1.0 / np.bincount(subject.unit)[subject.unit]  # a group counts once
    scores = np.empty((len(truth), classes))
    values = int(codes.max(initial=0)) + 1
    pairs = codes * classes + truth
    for number in range(FOLDS):
        learn = fold != number
        counts = np.bincount(pairs[learn], weight[learn], minlength=values * classes)
        table = counts.reshape(values, classes)
        base = table.sum(axis=0) / max(table.sum(), 1)
        share = (table + _PRIOR * base) / (table.sum(axis=1, keepdims=True) + _PRIOR)
        scores[~learn] = share[codes[~learn]]
    return scores


def _trace(label: int, score: "Floats", own: "NDArray[np.bool_]", family: int) -> Trace:
    total, positive = len(own), int(own.sum())
    negative = total - positive
    order, counts = np.unique(score.round(12), return_inverse=True, return_counts=True)[1:]
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[order.ravel()]
    auroc = float((ranks[own].sum() - positive * (positive + 1) / 2) / (positive * negative))
    ties = float((counts.astype(np.float64) ** 3 - counts).sum()) / (float(total) ** 3 - total)
    variance = (total + 1) * (1 - ties) / (12 * positive * negative)
    chance = 1.0
    if variance > 0:
        chance = math.erfc((auroc - 0.5) / math.sqrt(2 * variance)) / 2
    above = np.cumsum(np.bincount(order.ravel(), own)[::-1]) / positive
    wrong = np.cumsum(np.bincount(order.ravel(), ~own)[::-1]) / negative
    low, _ = newcombe(auroc, np.array([positive, negative], dtype=np.float64))
    youden = float((above - wrong).max())
    return Trace(label, auroc, min(1.0, family * chance), low, youden, positive)
