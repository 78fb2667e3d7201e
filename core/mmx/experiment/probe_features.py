"""Pooled features of frozen encoders, as one table for a probe."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from torch import Tensor

from mmx.data import CachedFeatures, CachedViews, Source
from mmx.interfaces import Features, Views

ROWS = 4096  # that are gathered at a time


def frozen_names(sources: Mapping[str, Source]) -> tuple[str, ...]:
    """Modalities whose features are kept, so that nothing of their encoder learns."""
    return tuple(
        name for name, one in sources.items() if isinstance(one, CachedFeatures | CachedViews)
    )


def pooled_features(
    sources: Mapping[str, Source], names: Sequence[str], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """[n, sum of D + len(names)]: pooled features side by side, and whether each is there.

    A modality that is missing in a row is zeros. Of several views of a modality the mean over
    those that are there stands.

    Args:
        sources: of the batches, by modality.
        names: of ``frozen_names``.
        rows: of the manifest.
    """
    columns = []
    for name in names:
        parts = [
            _pooled(sources[name], rows[start : start + ROWS].tolist())
            for start in range(0, len(rows), ROWS)
        ]
        columns += [torch.cat([pooled for pooled, _ in parts])]
        columns += [torch.cat([present for _, present in parts]).float()[:, None]]
    return torch.cat(columns, dim=1).numpy()


def _pooled(source: Source, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
    """[B, D] of these rows, zeros where the modality is missing, and [B], whether it is there."""
    found = source.collate(rows)
    features = found.features if isinstance(found, Views) else found
    assert isinstance(features, Features)  # of frozen_names alone
    pooled = rearrange(features.pooled, "(b v) d -> b v d", b=len(rows))
    there = rearrange(features.present, "(b v) -> b v", b=len(rows)).float()
    total = torch.einsum("bvd,bv->bd", torch.nan_to_num(pooled), there)
    count = there.sum(dim=1)
    return total / count.clamp(min=1)[:, None], count > 0
