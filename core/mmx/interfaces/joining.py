"""The rule by which several modalities become one modality of a fusion of two."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mmx.errors import ShapeError
from mmx.interfaces.features import Features, FeatureShape


def joined_shape(shapes: Mapping[str, FeatureShape]) -> FeatureShape:
    """What ``join`` gives for features of these shapes; of one modality its own.

    Raises:
        ShapeError: widths differ.
    """
    if len(shapes) == 1:
        return next(iter(shapes.values()))
    depth = max(len(shape.level_dims) for shape in shapes.values())
    levels = [_same([_level_dim(one, k, depth) for one in shapes.values()], shapes)
              for k in range(depth)]  # fmt: skip
    return FeatureShape(_same([one.dim for one in shapes.values()], shapes), tuple(levels))


def join(features: Sequence[Features], marks: Tensor) -> Features:
    """Several modalities as one: tokens [X_m + e_m]_m, one after the other, and masks alike.

    pooled is the mean over present m of x_m + e_m, not over tokens: 200 words would drown the one
    token of a table. A sample is present where any modality is. With L levels at most, level k is
    joined of level round(k (L_m - 1) / (L - 1)) of each m, and of its tokens where it has none;
    levels of another width carry no e_m.

    Args:
        features: [B, N_m, D] of each modality.
        marks: [M, D], what tells modalities apart: e_m.
    """
    present = torch.stack([one.present for one in features], dim=1)[..., None]  # [B, M, 1]
    masks = [one.mask & one.present[:, None] for one in features]
    tokens = [
        (one.tokens + mark).masked_fill(~mask[..., None], 0)
        for one, mark, mask in zip(features, marks, masks, strict=True)
    ]
    pooled = torch.stack([one.pooled for one in features], dim=1) + marks  # [B, M, D]
    total = pooled.masked_fill(~present, 0).sum(dim=1)
    mean = total / present.sum(dim=1).clamp(min=1)  # a sample without any would divide by zero
    depth = max(len(one.levels) for one in features)
    levels = [_joined([_level(one, k, depth) for one in features], marks) for k in range(depth)]
    there = present.any(dim=1)[:, 0]
    return Features(torch.cat(tokens, dim=1), torch.cat(masks, dim=1), mean, tuple(levels), there)


def _joined(levels: Sequence[Features], marks: Tensor) -> Features:
    """One level of all; where it has another width than the tokens, without marks."""
    width = levels[0].tokens.shape[-1]
    fit = width == marks.shape[1]
    return join(levels, marks if fit else marks.new_zeros(len(marks), width))


def level_index(k: int, depth: int, own: int) -> int:
    """Which of its ``own`` levels a modality gives at level k of ``depth``; halves go deeper."""
    return int(k * (own - 1) / max(depth - 1, 1) + 0.5)


def _level(features: Features, k: int, depth: int) -> Features:
    if not features.levels:
        return Features(features.tokens, features.mask, features.pooled, present=features.present)
    return features.levels[level_index(k, depth, len(features.levels))].with_present(
        features.present
    )


def _level_dim(shape: FeatureShape, k: int, depth: int) -> int:
    own = shape.level_dims
    return own[level_index(k, depth, len(own))] if own else shape.dim


def _same(widths: Sequence[int], shapes: Mapping[str, FeatureShape]) -> int:
    if len(set(widths)) != 1:
        told = ", ".join(f"{name} {width}" for name, width in zip(shapes, widths, strict=True))
        raise ShapeError(
            f"modalities that become one must have the same width, got {told}; set "
            "model.projection to a width, such as 256"
        )
    return widths[0]
