"""How many independent rows clustered rows are worth: shares with their effective n."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmx.evaluation.confusion import Floats, divide


@dataclass(frozen=True, slots=True)
class ClusteredShares:
    """Shares of C columns whose rows come in G groups; leading axes are data sets of their own.

    Attributes:
        share: [..., C], right rows by rows; NaN for a column without rows.
        rows: [..., C].
        groups: [..., C], groups that have rows of the column.
        largest: [..., C], the share of the column's rows that its largest group holds.
        residuals: [..., G, C], right rows of a group minus what the share expects of it.
        correlation: [...], one for all columns, between rows of a group (rho), in [0, 1].
        effective: [..., C], n*: independent rows that would tell as much; never rounded.
    """

    share: Floats
    rows: Floats
    groups: Floats
    largest: Floats
    residuals: Floats
    correlation: Floats
    effective: Floats


def clustered_shares(rows: NDArray[np.generic], right: NDArray[np.generic]) -> ClusteredShares:
    """Shares and their effective n, from the counts of each group.

    One correlation is estimated for all columns, so that a column that is all right borrows it from
    the others, and it is drawn towards 1 (a group is one observation) where few rows are wrong. It
    is 1 where no column has two groups, for then nothing is known of the spread between groups.

    Args:
        rows: [..., G, C], rows of each group that the share of a column is about.
        right: [..., G, C], how many of them are right; need not be whole.

    Source: Kish 1965, Survey Sampling (design effect); Donner and Klar 2000 (estimating the
        correlation within groups); evaluation-2, 1.1.
    """
    each, hits = np.asarray(rows, dtype=np.float64), np.asarray(right, dtype=np.float64)
    total, squares = each.sum(axis=-2), (each**2).sum(axis=-2)
    groups = (each > 0).sum(axis=-2).astype(np.float64)
    share = divide(hits.sum(axis=-2), total)
    known = np.nan_to_num(share)
    residuals = hits - known[..., None, :] * each
    correlation = _correlation(residuals, known * (1 - known), total, squares, groups)
    inflation = 1 + correlation[..., None] * (np.nan_to_num(divide(squares, total), nan=1.0) - 1)
    return ClusteredShares(
        share=share,
        rows=total,
        groups=groups,
        largest=divide(each.max(axis=-2), total),
        residuals=residuals,
        correlation=correlation,
        effective=total / inflation,
    )


def _correlation(
    residuals: Floats, spread: Floats, total: Floats, squares: Floats, groups: Floats
) -> Floats:
    """[...], the correlation within groups: the moment estimate, drawn to 1 where errors are few.

    Args:
        residuals: [..., G, C].
        spread: [..., C], p (1 - p).
        total: [..., C], rows.
        squares: [..., C], sum over groups of squared rows.
        groups: [..., C].
    """
    between = (residuals**2).sum(axis=-2) * np.where(groups > 1, divide(groups, groups - 1), 0)
    excess = (between - total * spread).sum(axis=-1)
    possible = (spread * (squares - total)).sum(axis=-1)
    moment = np.clip(np.nan_to_num(divide(excess, possible), nan=1.0), 0, 1)
    moment = np.where((groups > 1).any(axis=-1), moment, 1.0)
    errors = (total * spread).sum(axis=-1)
    drawn: Floats = (errors * moment + 1) / (errors + 1)
    return drawn
