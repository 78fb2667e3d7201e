"""Score predictions of ordered levels, with intervals that hold for clustered rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.confusion import class_shares, confusion_of, floored
from mmx.evaluation.counts import group_sums
from mmx.evaluation.evaluate import evaluate
from mmx.evaluation.jackknife import mean_loss
from mmx.evaluation.kappa import kappas, moments, quadratic_kappa
from mmx.evaluation.level_error import macro_absolute_error
from mmx.evaluation.results import Evaluation

Decision = Literal["median", "argmax", "mean"]
LEAST = 1e-9  # of a probability above 1/2: sums of the same numbers differ in their last digits


def decide_level(
    log_probs: NDArray[np.float64], decision: Decision = "median"
) -> NDArray[np.int64]:
    """The level that each row is answered.

    Args:
        log_probs: [n, C]; each row's exponentials sum to 1.
        decision: median: the largest k with P(y >= k) > 1/2, which makes the mean absolute error
            smallest; argmax: the most probable level; mean: the expected level, rounded.

    Returns:
        [n], in 0..C-1.
    """
    probs = np.exp(np.asarray(log_probs, dtype=np.float64))
    if decision == "argmax":
        return np.asarray(probs.argmax(axis=1), dtype=np.int64)
    if decision == "mean":
        expected = probs @ np.arange(probs.shape[1]) / probs.sum(axis=1)
        return np.asarray(np.floor(expected + 0.5), dtype=np.int64)
    reached = probs[:, ::-1].cumsum(axis=1)[:, ::-1]  # P(y >= k)
    return np.asarray((reached[:, 1:] > 0.5 + LEAST).sum(axis=1), dtype=np.int64)


def evaluate_levels(
    log_probs: NDArray[np.float64],
    labels: NDArray[np.int64],
    groups: Sequence[str],
    levels: Sequence[str],
    *,
    decision: Decision = "median",
) -> Evaluation:
    """Score predictions of ordered levels, with 95 % intervals that allow for groups of rows.

    Beside the scores of ``evaluate``, for the levels that are decided: quadratic_kappa,
    macro_absolute_error and ranked_probability (the squared gap of the cumulative probabilities,
    summed over the thresholds).

    Args:
        log_probs: [n, C], n >= 1; each row's exponentials sum to 1.
        labels: [n], in 0..C-1.
        groups: n names.
        levels: C names, in their order.
        decision: how a level is decided: see ``decide_level``.

    Raises:
        DataError: as ``evaluate``.

    Source: mmx.evaluation.kappa and .level_error; Epstein 1969,
        doi:10.1175/1520-0450(1969)008<0985:ASSFPF>2.0.CO;2 (ranked probability score).
    """
    answers = decide_level(log_probs, decision)
    plain = evaluate(log_probs, labels, groups, levels, answers=answers)
    labels = np.asarray(labels).astype(np.int64)
    member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1].astype(np.int64)
    rows = group_sums(member, np.ones(len(labels)))
    gaps = group_sums(member, _ranked(log_probs, labels))
    first = {
        "quadratic_kappa": quadratic_kappa(answers, labels, member),
        "macro_absolute_error": macro_absolute_error(answers, labels, member, len(levels)),
    }
    last = {"ranked_probability": mean_loss(gaps, rows, most=len(levels) - 1.0)}
    return replace(plain, metrics={**first, **plain.metrics, **last})


def quick_levels(
    log_probs: NDArray[np.float64], labels: NDArray[np.int64], decision: Decision = "median"
) -> dict[str, float]:
    """The scores that training looks at after each epoch, without intervals.

    Args:
        log_probs: [n, C], n >= 1; each row's exponentials sum to 1.
        labels: [n], in 0..C-1.
        decision: how a level is decided.

    Returns:
        quadratic_kappa, macro_absolute_error, balanced_accuracy, accuracy and nll in nats.
    """
    answers, classes = decide_level(log_probs, decision), np.asarray(log_probs).shape[1]
    labels, alone = np.asarray(labels), np.zeros(len(answers), dtype=np.int64)
    shares = class_shares(confusion_of(answers, labels, classes))
    rows, off = np.bincount(labels), np.bincount(labels, np.abs(answers - labels))
    return {
        "quadratic_kappa": float(kappas(moments(answers, labels, alone)[0])),
        "macro_absolute_error": float((off[rows > 0] / rows[rows > 0]).mean()),
        "balanced_accuracy": float(np.nanmean(shares["sensitivity"])),
        "accuracy": float((answers == labels).mean()),
        "nll": float(-floored(log_probs)[np.arange(len(labels)), labels].mean()),
    }


def _ranked(log_probs: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum over thresholds of the squared gap of the cumulative probabilities, [n]."""
    below = np.exp(np.asarray(log_probs, dtype=np.float64)).cumsum(axis=1)[:, :-1]
    truth = labels[:, None] <= np.arange(below.shape[1])
    gaps: NDArray[np.float64] = ((below - truth) ** 2).sum(axis=1)
    return gaps
