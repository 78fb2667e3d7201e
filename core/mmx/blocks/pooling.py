"""Fewer tokens out of many, and the order of real ones."""

from math import isqrt, log

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool1d, adaptive_avg_pool2d


def pool_grid(tokens: Tensor, mask: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """At most side * side tokens: means over the cells of a grid laid over an image.

    Tokens of a square map, row by row, are pooled in two dimensions. Of any other number the
    height and width are not known, and runs of neighbours in a row are pooled instead.

    Args:
        tokens: [B, N, D]; what stands at masked places does not matter.
        mask: [B, N], bool; True marks a real token.
        side: cells along each edge.

    Returns:
        Tokens [B, M, D] and mask [B, M]; as they were when N <= side * side.
    """
    count = tokens.shape[1]
    if count <= side * side:
        return tokens, mask
    kept = tokens.masked_fill(~mask[..., None], 0).transpose(1, 2)
    share = _pool(mask[:, None].to(kept.dtype), side)  # of each cell, what is real
    pooled = _pool(kept, side) / share.clamp(min=1 / count)  # a cell without a real token is 0
    return pooled.transpose(1, 2), share[:, 0] > 0


def _pool(channels: Tensor, side: int) -> Tensor:
    """Mean of [B, D, N] over cells: [B, D, side * side]."""
    edge = isqrt(channels.shape[-1])
    if edge * edge == channels.shape[-1]:
        grid = rearrange(channels, "b d (h w) -> b d h w", h=edge)
        return rearrange(adaptive_avg_pool2d(grid, side), "b d h w -> b d (h w)")
    return adaptive_avg_pool1d(channels, side * side)


def real_first(mask: Tensor) -> Tensor:
    """Order [B, N] that moves real tokens to the front and keeps their order among themselves."""
    return torch.argsort((~mask).to(torch.uint8), dim=1, stable=True)


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last axis; weight exactly 0 where the mask is False, also for empty rows."""
    # the smallest number instead of -inf: a row of -inf alone would give NaN
    lowest = torch.finfo(scores.dtype).min
    return scores.masked_fill(~mask, lowest).softmax(dim=-1).masked_fill(~mask, 0)


def near_grid(count: int, ratio: float) -> tuple[int, int] | None:
    """Rows and columns of ``count`` tokens nearest to height / width; None when none is near."""
    rows, columns = token_grid(count, ratio)
    # maps round up, so a side may be one larger than the ratio says
    near = (rows - 1) / columns <= ratio <= rows / max(columns - 1, 0.5)
    return (rows, columns) if near else None


def token_grid(count: int, ratio: float) -> tuple[int, int]:
    """Rows and columns of a map of ``count`` tokens that come nearest to height / width."""
    sides = [(rows, count // rows) for rows in range(1, count + 1) if count % rows == 0]
    return min(sides, key=lambda side: abs(log(side[0] / side[1] / ratio)))
