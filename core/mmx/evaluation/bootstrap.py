"""Resampling of groups with replacement: intervals that respect repeated looks at one patient."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmx.evaluation.confusion import Floats

CHUNK = 64  # resamples at a time: 64 x 8,000 rows of float64 are 4 MB, which a cache holds
DRAWS_PER_RESAMPLE = 20  # a part whose classes rest on single groups would be redrawn for ever


@dataclass(slots=True)
class Draws:
    """How many resamples were kept, and how many were thrown away for want of a class."""

    kept: int = 0
    redrawn: int = 0


def resampled_weights(labels: Any, resamples: int, seed: int, draws: Draws) -> Iterator[Floats]:
    """Draw G groups with replacement, again and again.

    A draw that lacks a class that the part has is thrown away and counted in ``draws.redrawn``; the
    drawing ends early when DRAWS_PER_RESAMPLE times ``resamples`` draws were not enough.

    Args:
        labels: [G, C] sparse, rows per group and class.
        resamples: how many to keep, >= 0.
        seed: of the draws.
        draws: is counted up.

    Yields:
        [R, G], how often each group was drawn, R <= CHUNK.

    Source: Field and Welsh 2007, doi:10.1111/j.1467-9868.2007.00593.x (cluster bootstrap).
    """
    generator = np.random.default_rng(seed)
    groups, present = labels.shape[0], labels.sum(axis=0) > 0
    for _ in range(-(-resamples * DRAWS_PER_RESAMPLE // CHUNK)):
        if draws.kept >= resamples:
            return
        drawn = generator.integers(groups, size=(CHUNK, groups))
        drawn += groups * np.arange(CHUNK)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=CHUNK * groups)
        weights = counts.reshape(CHUNK, groups).astype(np.float64)
        whole = ((weights @ labels)[:, present] > 0).all(axis=1)
        wanted = resamples - draws.kept
        # of the last chunk, only draws before the last one that is kept were looked at
        seen = np.searchsorted(np.cumsum(whole), wanted) + 1
        kept = weights[:seen][whole[:seen]]
        draws.kept += len(kept)
        draws.redrawn += int((~whole[:seen]).sum())
        if len(kept):
            yield kept


def percentile_interval(values: Floats) -> tuple[Floats, Floats]:
    """2.5 % and 97.5 % percentiles over the first axis, of the values that are defined.

    Args:
        values: [R, ...]; NaN where a score was not defined in a resample.

    Returns:
        Two arrays [...]; NaN where no resample has a value.
    """
    flat = values.reshape(len(values), -1)
    bounds = np.full((2, flat.shape[1]), np.nan)
    defined = ~np.isnan(flat)
    for column in np.flatnonzero(defined.any(axis=0)):
        bounds[:, column] = np.percentile(flat[defined[:, column], column], [2.5, 97.5])
    low, high = bounds.reshape(2, *values.shape[1:])
    return low, high
