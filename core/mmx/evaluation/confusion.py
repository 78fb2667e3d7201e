"""Scores that follow from counts of true and predicted classes."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def divide(part: NDArray[np.number], whole: NDArray[np.number]) -> Floats:
    """Share ``part / whole`` element by element; NaN where the whole is 0."""
    shares = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    np.divide(part, whole, out=shares, where=whole != 0)
    return shares


def class_shares(confusion: NDArray[np.int64] | Floats) -> dict[str, Floats]:
    """One-against-rest scores of every class.

    Args:
        confusion: [..., C, C], counts or weights; row = true class, column = predicted class.

    Returns:
        sensitivity, specificity, precision and f1, each [..., C] in [0, 1]; NaN for a class without
        samples, and the precision of a class that is never predicted.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    true, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    total = true.sum(axis=-1, keepdims=True)
    here = true > 0
    scores = {
        "sensitivity": divide(hits, true),
        "specificity": divide(total - true - predicted + hits, total - true),
        "precision": divide(hits, predicted),
        "f1": divide(2 * hits, true + predicted),
    }
    return {name: np.where(here, score, np.nan) for name, score in scores.items()}


def count_confusion(log_probs: Floats, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """[C, C] counts; row = true class, column = the most probable class (the first among equals).

    Args:
        log_probs: [n, C].
        labels: [n], in 0..C-1.
    """
    return confusion_of(log_probs.argmax(axis=1), labels, log_probs.shape[1])


def confusion_of(
    answers: NDArray[np.int64], labels: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """[C, C] counts of answers [n] for labels [n]; row = true class, column = answer."""
    cells = labels * classes + answers
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def quick_scores(log_probs: NDArray[np.generic], labels: NDArray[np.int64]) -> dict[str, float]:
    """The scores that training looks at after each epoch, without intervals.

    Args:
        log_probs: [n, C], n >= 1; each row's exponentials sum to 1.
        labels: [n], in 0..C-1.

    Returns:
        balanced_accuracy, accuracy, macro_f1 (over the classes that have samples), and in nats nll
        and balanced_nll, the mean over these classes of the mean over their samples.
    """
    log_probs = floored(log_probs)
    loss = -log_probs[np.arange(len(labels)), labels]
    counts = np.bincount(labels)
    of_classes = np.bincount(labels, weights=loss)[counts > 0] / counts[counts > 0]
    confusion = count_confusion(log_probs, labels)
    shares = class_shares(confusion)
    return {
        "balanced_accuracy": float(np.nanmean(shares["sensitivity"])),
        "accuracy": float(np.trace(confusion) / confusion.sum()),
        "macro_f1": float(np.nanmean(shares["f1"])),
        "nll": float(loss.mean()),
        "balanced_nll": float(of_classes.mean()),
    }


def floored(log_probs: NDArray[np.generic]) -> Floats:
    """Log probabilities of at least the logarithm of the smallest normal number, about -708.

    A probability of exactly 0 for the true class would make the NLL of the whole sample infinite.
    """
    return np.maximum(np.asarray(log_probs, dtype=np.float64), np.log(np.finfo(np.float64).tiny))
