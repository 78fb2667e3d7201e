"""Differences of balanced accuracy between two methods on the same test rows, with intervals."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation import compare

Difference = tuple[float, float, float]


def balanced_difference(
    ours: NDArray[Any],
    theirs: NDArray[Any],
    labels: NDArray[Any],
    groups: Sequence[str],
    *,
    flips: int | None = None,
    seed: int = 0,
) -> Difference:
    """Balanced accuracy of ours minus theirs, with its 95 % interval over groups and seeds.

    Args:
        ours: [S, n], names of the predicted classes, one row per training seed.
        theirs: [S, n], of the method to compare with, on the same rows.
        labels: [n], names of the true classes.
        groups: [n], rows of one group change places together.
        flips: how many; None: 4,000.
        seed: of the flips.

    Returns:
        The difference, and the low and the high end of its interval.
    """
    names = [ours.astype(str), theirs.astype(str), labels.astype(str)]
    classes, codes = np.unique(np.concatenate([n.ravel() for n in names]), return_inverse=True)
    first, second, truth = np.split(codes, np.cumsum([ours.size, theirs.size]))
    found = compare(
        {"ours": first.reshape(ours.shape), "theirs": second.reshape(theirs.shape)},
        truth, groups, len(classes), base="theirs", metrics=("balanced_accuracy",),
        fixed=["theirs"] if (theirs == theirs[0]).all() else [], flips=flips, seed=seed,
    ).contrasts["balanced_accuracy"][0].difference  # fmt: skip
    return found.value, found.low, found.high


def points(numbers: Sequence[float], sign: bool = False) -> str:
    """A share with its interval in percent: 71.2 (68.0 to 74.1)."""
    form = "{:+.1f} ({:+.1f} to {:+.1f})" if sign else "{:.1f} ({:.1f} to {:.1f})"
    return form.format(*(100 * number for number in numbers))
