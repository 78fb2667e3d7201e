"""Bins of equal mass, and the calibration errors over them."""

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.confusion import Floats

BINS = 15
"""Bins of equal mass of a reliability diagram."""


def equal_mass_bins(values: Floats, bins: int = BINS) -> NDArray[np.int64]:
    """The bin of each value, so that all bins hold about the same number of values.

    Equal values share a bin, so that the result does not depend on the order of the rows; bins may
    then stay empty.

    Args:
        values: [n].
        bins: number of bins, >= 1.

    Returns:
        [n], in 0..bins-1, rising with the value.

    Source: Nguyen and O'Connor 2015, arXiv:1508.05154 (adaptive binning).
    """
    ranked = np.sort(values)
    sizes = [len(part) for part in np.array_split(ranked, min(bins, len(ranked)))]
    starts = np.cumsum(sizes)[:-1]
    return np.searchsorted(ranked[starts], values, side="right").astype(np.int64)


def expected_error(confidence: Floats, right: NDArray[np.bool_]) -> float:
    """ECE: mean absolute gap between confidence and accuracy over bins of equal mass.

    Biased upwards, the more so the fewer rows a bin holds.

    Args:
        confidence: [n], probability of the predicted class.
        right: [n], whether it is the true one.

    Source: Guo et al. 2017, arXiv:1706.04599.
    """
    gaps = np.bincount(equal_mass_bins(confidence), confidence - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def classwise_error(probs: Floats, truth: Floats) -> float:
    """The same gap for the probability of each class, averaged over the classes that have rows.

    Args:
        probs: [n, C].
        truth: [n, C], 1 for the true class.

    Source: Kull et al. 2019, arXiv:1910.12656.
    """
    columns = np.flatnonzero(truth.any(axis=0))
    gaps = [
        np.abs(np.bincount(equal_mass_bins(probs[:, c]), probs[:, c] - truth[:, c])).sum()
        for c in columns
    ]
    return float(np.mean(gaps) / len(probs))
