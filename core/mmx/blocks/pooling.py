"""Fewer tokens out of many, and the order of real ones."""

from math import log

import torch
from einops import einsum, rearrange
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool1d, adaptive_avg_pool2d

from mmx.interfaces import Features

SIDE = 4  # image levels of a frozen encoder are kept as at most SIDE x SIDE tokens


def pool_grid(tokens: Tensor, mask: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """At most side * side tokens: means over the cells of a grid laid over an image.

    Tokens of a square map, row by row, are pooled in two dimensions. Of any other number the
    height and width are not known, and runs of neighbours in a row are pooled instead. What counts
    is the number up to a sample's last real token: masked ones behind it are there for the sake of
    other samples. A sample with few tokens keeps them as they are.

    Args:
        tokens: [B, N, D]; what stands at masked places does not matter.
        mask: [B, N], bool; True marks a real token.
        side: cells along each edge.

    Returns:
        Tokens [B, M, D] and mask [B, M]; as they were when N <= side * side.
    """
    if tokens.shape[1] <= side * side:
        return tokens, mask
    inside = _cells(mask, side) & mask[:, None]  # [B, M, N]
    weights = inside / inside.sum(dim=2, keepdim=True).clamp(min=1)  # an empty cell is 0
    kept = tokens.masked_fill(~mask[..., None], 0)
    pooled = einsum(weights.to(kept.dtype), kept, "b m n, b n d -> b m d")
    return pooled, inside.any(dim=2)


def _cells(mask: Tensor, side: int) -> Tensor:
    """[B, side * side, N], bool: which places each cell covers, of the mask [B, N] of each sample.

    The cells of a length n are those of torch's adaptive pooling, in two dimensions where n is a
    square; it is done by comparing numbers since lengths differ by sample.
    """
    count, cells = mask.shape[1], side * side
    indices = torch.arange(count, device=mask.device)
    length = ((indices + 1) * mask).amax(dim=1)[:, None, None]  # [B, 1, 1]
    cell = torch.arange(cells, device=mask.device)[:, None]
    edge = length.double().sqrt().round().long().clamp(min=1)
    flat = _covers(cell, indices, length, cells)
    square = _covers(cell // side, indices // edge, edge, side)
    square = square & _covers(cell % side, indices % edge, edge, side)
    few = cell == indices
    return torch.where(length <= cells, few, torch.where(edge * edge == length, square, flat))


def _covers(cell: Tensor, index: Tensor, length: Tensor, cells: int) -> Tensor:
    """Whether the cell, of so many over a length, covers a place, by adaptive pooling's rule."""
    return (index >= cell * length // cells) & (index * cells < (cell + 1) * length)


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


def pool_level(level: Features, height: int, width: int) -> Features:
    """A level of an image with at most 4 x 4 tokens: means over the real tokens in cells of a grid.

    The grid of the tokens is the one whose sides are nearest to those of the image. Tokens that
    form no such grid are pooled along their row.

    Args:
        level: tokens [B, h*w, D], row by row.
        height: of the image that was encoded, in pixels.
        width: of the image that was encoded, in pixels.
    """
    real = level.mask[..., None].float()
    tokens = level.tokens.float().masked_fill(~level.mask[..., None], 0)
    share = _pooled(real, height, width)
    means = _pooled(tokens, height, width) / share.clamp(min=1e-6)
    return Features(means, share[..., 0] > 0)


def _pooled(tokens: Tensor, height: int, width: int) -> Tensor:
    """Means [B, n, D] over the cells of a grid of at most 4 x 4, or of a row of at most 16."""
    count, grid = tokens.shape[1], near_grid(tokens.shape[1], height / width)
    if grid is None:
        flat = rearrange(tokens, "b n d -> b d n")
        pooled = adaptive_avg_pool1d(flat, min(count, SIDE * SIDE))
    else:
        rows, columns = grid
        flat = rearrange(tokens, "b (h w) d -> b d h w", h=rows, w=columns)
        pooled = adaptive_avg_pool2d(flat, (min(rows, SIDE), min(columns, SIDE))).flatten(2)
    return rearrange(pooled, "b d n -> b n d")
