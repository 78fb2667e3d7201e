"""How often answers of similar confidence are right, with intervals for clustered rows."""

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.bounds import jeffreys
from mmx.evaluation.calibration import BINS, equal_mass_bins
from mmx.evaluation.confusion import Floats
from mmx.evaluation.counts import by_group
from mmx.evaluation.effective import clustered_shares
from mmx.evaluation.results import Interval, ReliabilityBin

Ints = NDArray[np.int64]


def reliability(
    confidence: Floats, right: NDArray[np.bool_] | Ints, member: Ints
) -> list[ReliabilityBin]:
    """Bins of equal mass, from low to high confidence.

    Args:
        confidence: [n], in [0, 1].
        right: [n], whether what was predicted with it is true.
        member: [n], the group of each row, in 0..G-1.
    """
    index, hits = equal_mass_bins(confidence), right.astype(np.float64)
    counts, totals = np.bincount(index, minlength=BINS), np.bincount(index, confidence, BINS)
    ones = np.ones(len(right))
    shares = clustered_shares(
        by_group(member, index, ones, BINS), by_group(member, index, hits, BINS)
    )
    low, high = jeffreys(shares.share, shares.effective)
    return [
        ReliabilityBin(int(counts[b]), float(totals[b] / counts[b]), Interval(*map(float, ends)))
        for b, ends in enumerate(zip(shares.share, low, high, strict=True))
        if counts[b]
    ]
