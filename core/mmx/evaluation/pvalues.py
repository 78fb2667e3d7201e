"""P-values: for discordant pairs, and corrected for their number."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# scipy.stats has the same figures and takes a second to import
from scipy.special import bdtr, chdtrc

from mmx.interfaces import McNemar

EXACT_BELOW = 25  # discordant pairs; with fewer the chi-squared distribution fits badly


def mcnemar(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> McNemar:
    """McNemar's test: exact below 25 discordant pairs, else with continuity correction.

    Args:
        ours: [n], True where our answer is right.
        theirs: [n], the same of the other method.

    Source: McNemar 1947, doi:10.1007/BF02295996; Edwards 1948, doi:10.1007/BF02289261.
    """
    gained, lost = int((ours & ~theirs).sum()), int((~ours & theirs).sum())
    pairs = gained + lost
    if pairs == 0:
        return McNemar(0, 0, 1.0, exact=True)
    if pairs < EXACT_BELOW:
        p = min(2 * float(bdtr(min(gained, lost), pairs, 0.5)), 1.0)
        return McNemar(gained, lost, p, exact=True)
    statistic = max(abs(gained - lost) - 1, 0) ** 2 / pairs
    return McNemar(gained, lost, float(chdtrc(1, statistic)), exact=False)


def floor(flips: int) -> float:
    """The smallest p-value that so many random flips can give."""
    return 1 / (1 + flips)


def holm(values: Sequence[float]) -> list[float]:
    """P-values corrected for their number, in the order given.

    Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    corrected, largest = [1.0] * len(values), 0.0
    for place, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        largest = max(largest, min(1.0, (len(values) - place) * values[index]))
        corrected[index] = largest
    return corrected
