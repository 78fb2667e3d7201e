"""Random features, images and texts that the laws are tried on."""

from dataclasses import replace

import torch
from torch import Tensor

from mmx.interfaces import Batch, Features, FeatureShape, Images, Inputs, Texts

ROWS, LENGTH = 5, 7


def features(
    shape: FeatureShape,
    rows: int = ROWS,
    length: int = LENGTH,
    *,
    seed: int = 0,
    grad: bool = False,
    level_tokens: int = 4,
) -> Features:
    """Random features; the last token of the first sample is padding if there are several."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(rows, length, shape.dim, generator=generator).requires_grad_(grad)
    mask = torch.ones(rows, length, dtype=torch.bool)
    if length > 1:
        mask[0, -1] = False
    levels = []
    for width in shape.level_dims:
        of_level = torch.randn(rows, level_tokens, width, generator=generator).requires_grad_(grad)
        levels.append(Features(of_level, torch.ones(rows, level_tokens, dtype=torch.bool)))
    return Features(tokens, mask, levels=tuple(levels))


def leaves(given: Features) -> list[Tensor]:
    """The tensors that everything else of these features follows from."""
    return [given.tokens, *(level.tokens for level in given.levels)]


def rows_of(given: Features, rows: Tensor) -> Features:
    """These rows of some features."""
    levels = tuple(rows_of(level, rows) for level in given.levels)
    return Features(
        given.tokens[rows], given.mask[rows], given.pooled[rows], levels, given.present[rows]
    )


def with_gaps(given: Features) -> Features:
    """The same features with masked tokens in front, inside and behind, differing by row.

    A set of fewer than three tokens stays as it is.
    """
    mask, count = given.mask.clone(), given.mask.shape[1]
    if count > 2:
        mask[1, 0] = False
        mask[2, 1] = False
        mask[3, -1] = False
        mask[4, : count - 1] = False
    levels = tuple(with_gaps(level) for level in given.levels)
    return Features(given.tokens, mask, None, levels, given.present)  # type: ignore[arg-type]


def masked_noise(given: Features, *, seed: int = 13) -> Features:
    """The same features with other content at every masked place."""
    drawn = torch.randn(given.tokens.shape, generator=torch.Generator().manual_seed(seed))
    tokens = torch.where(given.mask[..., None], given.tokens, 30 * drawn)
    levels = tuple(masked_noise(level, seed=seed + 1) for level in given.levels)
    return replace(given, tokens=tokens, levels=levels)


def padded(given: Features, extra: int = 3, *, seed: int = 9) -> Features:
    """The same features with masked tokens of random content behind."""
    rows, _, dim = given.tokens.shape
    noise = 5 * torch.randn(rows, extra, dim, generator=torch.Generator().manual_seed(seed))
    return Features(
        torch.cat([given.tokens, noise], dim=1),
        torch.cat([given.mask, torch.zeros(rows, extra, dtype=torch.bool)], dim=1),
        given.pooled,
        tuple(padded(level, extra, seed=seed + 1) for level in given.levels),
        given.present,
    )


def scrambled(given: Features, absent: Tensor) -> Features:
    """The same features with other content in the rows [B] that are absent."""
    generator = torch.Generator().manual_seed(11)

    def other(x: Tensor) -> Tensor:
        noise = 50 * torch.randn(x.shape, generator=generator)
        return torch.where(absent.view(-1, *[1] * (x.ndim - 1)), noise, x)

    levels = tuple(scrambled(level, absent) for level in given.levels)
    return replace(given, tokens=other(given.tokens), pooled=other(given.pooled), levels=levels)


def copied(given: Features) -> list[Tensor]:
    """Copies of all tensors, to see later whether somebody changed them."""
    own = [given.tokens, given.mask, given.pooled, given.present]
    return [x.clone() for x in own] + [x for level in given.levels for x in copied(level)]


def batch(rows: int = 4, side: int = 32) -> Batch:
    """Random images [B, 1, 3, side, side] and texts of up to 6 tokens; all are present."""
    generator = torch.Generator().manual_seed(3)
    pixels = torch.randint(256, (rows, 1, 3, side, side), generator=generator).to(torch.uint8)
    ids = torch.randint(100, (rows, 6), generator=generator)
    mask = torch.ones(rows, 6, dtype=torch.bool)
    images = Images(pixels, torch.ones(rows, 1, dtype=torch.bool))
    both = torch.ones(rows, 2, dtype=torch.bool)
    inputs: dict[str, Inputs] = {"image": images, "text": Texts(ids, mask)}
    return Batch(inputs, both, tuple(f"group {i}" for i in range(rows)))
