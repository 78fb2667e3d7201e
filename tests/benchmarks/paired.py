"""Differences of balanced accuracy between two methods on the same test rows, with intervals."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Difference = tuple[float, float, float]


def balanced_difference(
    ours: NDArray[Any],
    theirs: NDArray[Any],
    labels: NDArray[Any],
    groups: Sequence[str],
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Difference:
    """Balanced accuracy of ours minus theirs, with the 95 % interval of a paired bootstrap.

    Groups are drawn with replacement, and seeds too, crossed with the groups, when there are two
    or more; draws without one of the classes are drawn again.

    Args:
        ours: [S, n], predicted classes, one row per training seed.
        theirs: [S, n], of the method to compare with, the same seeds and rows.
        labels: [n], true classes.
        groups: [n], rows of one group are drawn together.
        resamples: how many draws.
        seed: of the draws.

    Returns:
        The difference, and the low and the high end of its interval.
    """
    place, gain, count = np.unique(groups, return_inverse=True)[1], [], []
    for label in np.unique(labels):
        of = labels == label
        right = (ours == labels).astype(float) - (theirs == labels)
        gain.append([np.bincount(place[of], row[of], place.max() + 1) for row in right])
        count.append(np.bincount(place[of], minlength=place.max() + 1))
    gains, counts = np.array(gain), np.array(count, dtype=float)  # [C, S, G] and [C, G]
    value = float((gains.sum(axis=2).mean(axis=1) / counts.sum(axis=1)).mean())
    generator = np.random.default_rng(seed)
    drawn = [_draw(gains, counts, generator) for _ in range(resamples)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return value, float(low), float(high)


def _draw(gains: NDArray[Any], counts: NDArray[Any], generator: np.random.Generator) -> float:
    """The difference in one draw of groups and seeds."""
    classes, seeds, groups = gains.shape
    while True:
        weight = np.bincount(generator.integers(groups, size=groups), minlength=groups)
        rows = counts @ weight
        if rows.all():
            break
    chosen = generator.integers(seeds, size=seeds)
    return float(((gains[:, chosen] @ weight).mean(axis=1) / rows).mean())


def verdict(difference: Difference) -> str:
    """The words for it."""
    _, low, high = difference
    return "better" if low > 0 else "worse" if high < 0 else "not distinguishable"


def points(numbers: Sequence[float], sign: bool = False) -> str:
    """A share with its interval in percent: 71.2 (68.0 to 74.1)."""
    form = "{:+.1f} ({:+.1f} to {:+.1f})" if sign else "{:.1f} ({:.1f} to {:.1f})"
    return form.format(*(100 * number for number in numbers))
