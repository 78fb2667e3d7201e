"""Bins of equal mass for calibration errors."""

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.confusion import Floats

BINS = 15


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
