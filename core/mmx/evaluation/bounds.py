"""Intervals of shares at an effective n, and of weighted sums of scores that have intervals."""

import numpy as np
from scipy.special import betaincinv

from mmx.evaluation.confusion import Floats
from mmx.evaluation.effective import ClusteredShares

LEVEL = 0.95
Bounds = tuple[Floats, Floats]


def clopper_pearson(share: Floats, effective: Floats, level: float = LEVEL) -> Bounds:
    """Exact binomial interval of each share; low is 0 at a share of 0, high is 1 at 1.

    Args:
        share: [...], in [0, 1]; NaN gives NaN.
        effective: [...], rows that the share rests on, > 0; need not be whole.
        level: two-sided, so each side misses with (1 - level) / 2.

    Source: Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404.
    """
    tail = (1 - level) / 2
    hits, misses = share * effective, (1 - share) * effective
    with np.errstate(invalid="ignore"):
        low = np.where(share <= 0, 0.0, betaincinv(hits, misses + 1, tail))
        high = np.where(share >= 1, 1.0, betaincinv(hits + 1, misses, 1 - tail))
    missing = ~(effective > 0) | np.isnan(share)
    return np.where(missing, np.nan, low), np.where(missing, np.nan, high)


def jeffreys(share: Floats, effective: Floats, level: float = LEVEL) -> Bounds:
    """Equal-tailed interval of each share under Jeffreys' prior; 0 and 1 at shares of 0 and 1.

    Args:
        share: [...], in [0, 1]; NaN gives NaN.
        effective: [...], rows that the share rests on, > 0; need not be whole.
        level: two-sided.

    Source: Brown, Cai and DasGupta 2001, doi:10.1214/ss/1009213286.
    """
    tail = (1 - level) / 2
    hits, misses = share * effective + 0.5, (1 - share) * effective + 0.5
    with np.errstate(invalid="ignore"):
        low = np.where(share <= 0, 0.0, betaincinv(hits, misses, tail))
        high = np.where(share >= 1, 1.0, betaincinv(hits, misses, 1 - tail))
    missing = ~(effective > 0) | np.isnan(share)
    return np.where(missing, np.nan, low), np.where(missing, np.nan, high)


def alignments(residuals: Floats) -> Floats:
    """How the columns' residuals go together over the groups: [..., C, C], 1 on the diagonal.

    Off the diagonal 0 where a column has no spread, or where no group has rows of both columns.

    Args:
        residuals: [..., G, C].
    """
    products = np.swapaxes(residuals, -1, -2) @ residuals
    size = np.sqrt(np.diagonal(products, axis1=-2, axis2=-1))
    scale = size[..., :, None] * size[..., None, :]
    aligned: Floats = np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)
    diagonal = np.arange(products.shape[-1])
    aligned[..., diagonal, diagonal] = 1.0
    return aligned


def mover(
    value: Floats, bounds: Bounds, weights: Floats, aligned: Floats, *, least: float = 0.0
) -> tuple[Floats, Floats, Floats]:
    """A weighted sum of scores with the interval that theirs imply (method of variance estimates).

    Args:
        value: [..., C].
        bounds: low and high of each, [..., C].
        weights: [..., C], > 0 (0 for a column that is not there; its numbers may be NaN).
        aligned: [..., C, C], how the scores go together; the identity if they are independent.
        least: where the interval is cut below; above it is cut at 1.

    Returns:
        Value, low and high of the sum, each [...].

    Source: Zou and Donner 2008, doi:10.1002/sim.3095; Zou 2007, doi:10.1037/1082-989X.12.4.399.
    """
    here = weights > 0
    centre = np.where(here, value, 0.0)
    total = (weights * centre).sum(axis=-1)
    down, up = (
        weights * np.where(here, side, 0.0) for side in (value - bounds[0], bounds[1] - value)
    )
    reach = [np.einsum("...c,...cd,...d->...", side, aligned, side) for side in (down, up)]
    low, high = (np.sqrt(np.maximum(one, 0.0)) for one in reach)
    return total, np.maximum(total - low, least), np.minimum(total + high, 1.0)


def mean_share(shares: ClusteredShares, level: float = LEVEL) -> tuple[Floats, Floats, Floats]:
    """The mean of the shares over the columns that have rows, as balanced accuracy, with interval.

    Args:
        shares: of C columns, at least one of them with rows.
        level: two-sided.

    Returns:
        Value, low and high, each [...].

    Source: MOVER over exact bounds at the effective n; coverage in docs/benchmarks.md.
    """
    here = shares.rows > 0
    weights = here / here.sum(axis=-1, keepdims=True)
    bounds = clopper_pearson(shares.share, shares.effective, level)
    return mover(shares.share, bounds, weights, alignments(shares.residuals))
