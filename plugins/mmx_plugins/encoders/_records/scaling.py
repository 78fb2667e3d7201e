"""From numbers as they stand in a table to numbers of one scale.

u = (clip(x, low, high) - mean) / sd. Clipping is ours: without it one typing error, an age of 710,
would move the logits without bound. ``quantile`` gives the normal quantile of the share of training
values below x, as scikit-learn's QuantileTransformer does.
"""

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from mmx_plugins.encoders._records.columns import Scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEPS = 1000  # quantiles that are kept; scikit-learn's default
_EDGE = 1e-7  # a share of 0 or 1 would be infinite; scikit-learn's bound


def fit_scale(values: "NDArray[np.float64]", *, quantile: bool) -> Scale:
    """The statistics of known training values [n]."""
    steps = np.linspace(0, 1, min(_STEPS, len(values)))
    return Scale(
        mean=float(values.mean()),
        sd=float(values.std()),
        low=float(values.min()),
        high=float(values.max()),
        quantiles=tuple(np.quantile(values, steps).tolist()) if quantile else (),
    )


def scaled(values: "NDArray[np.float64]", scale: Scale) -> "NDArray[np.float64]":
    """u of numbers [n]; NaN stays NaN."""
    clipped = values.clip(scale.low, scale.high)
    if not scale.quantiles:
        return (clipped - scale.mean) / scale.sd
    steps = np.array(scale.quantiles)
    shares = np.linspace(0, 1, len(steps))
    # equal quantiles have several shares: the middle between the first and the last of them
    low = np.interp(clipped, steps, shares)
    high = -np.interp(-clipped, -steps[::-1], -shares[::-1])
    return np.asarray(ndtri(((low + high) / 2).clip(_EDGE, 1 - _EDGE)), np.float64)


def bin_edges(u: "NDArray[np.float64]", bins: int) -> tuple[float, ...]:
    """Different quantiles of u at equal steps: one more than there are bins.

    As ``compute_bins`` of rtdl_num_embeddings does, equal quantiles are one edge. They are compared
    in single precision, which is how the layers see them.
    """
    quantiles = np.quantile(u, np.linspace(0, 1, bins + 1)).astype(np.float32)
    return tuple(np.unique(quantiles).tolist())
