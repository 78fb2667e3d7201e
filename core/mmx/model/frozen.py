"""What a frozen encoder gives, always in the form in which the feature cache keeps it.

A model learns from cached features and is asked about new pictures; both must look alike, or the
answer to a case would depend on whether it was in the cache.
"""

import torch
from torch import Tensor

from mmx.blocks import pool_level
from mmx.errors import DataError
from mmx.interfaces import (
    Encoder,
    Features,
    Images,
    Inputs,
    Views,
    WrappingEncoder,
    on_real,
    one_by_one,
)


def frozen_features(encoder: Encoder, inputs: Inputs, want: frozenset[str]) -> Features | Views:
    """Features of a frozen encoder, or of the views that wrapping ones show the backbone in them.

    Args:
        encoder: of which nothing learns, or nothing of the backbone inside.
        inputs: of a batch.
        want: what is read of it: any of pooled, tokens, levels.
    """
    if not isinstance(inputs, Images):
        return as_kept(encoder(inputs), want, None)
    if not isinstance(encoder, WrappingEncoder):
        return as_kept(encoder(inputs), want, _size(inputs))
    centre = encoder.view_centre(inputs.mask, inputs.centre)
    shown = inputs
    masks = list[Tensor]()
    inner = encoder.backbone
    size = _size(inputs)
    want = encoder.needs(want)
    wrapper: Encoder = encoder
    while isinstance(wrapper, WrappingEncoder):
        # views are inputs: they are made in fp32, as those that are encoded for the cache
        with torch.autocast(inputs.pixels.device.type, enabled=False):
            shown = wrapper.views(shown)
        masks.append(shown.mask)
        size = _size(shown)
        shown = one_by_one(shown)
        inner = wrapper.backbone
        wrapper = inner
    found = as_kept(on_real(inner, shown), want, size)
    return Views(found.with_present(shown.mask[:, 0]), tuple(masks), size, centre)


def _size(images: Images) -> tuple[int, int]:
    return images.pixels.shape[-2], images.pixels.shape[-1]


def as_kept(found: Features, want: frozenset[str], size: tuple[int, int] | None) -> Features:
    """The same features as if they came from the cache.

    Args:
        found: of a frozen encoder.
        want: what the cache would hold: any of pooled, tokens, levels.
        size: height and width of images; None for others, whose levels keep their tokens.

    Raises:
        DataError: a number that the cache could not hold.
    """
    levels: tuple[Features, ...] = ()
    if "levels" in want:
        levels = tuple(_level(level, size) for level in found.levels)
    pooled = _rounded(found.pooled) if "pooled" in want else None
    if "tokens" in want:
        tokens, mask = _rounded(found.tokens), found.mask
    elif pooled is not None:
        tokens, mask = pooled[:, None], found.present[:, None]
    else:
        deepest = next(reversed(levels))
        tokens, mask = deepest.tokens, deepest.mask
    return Features(
        tokens, mask, pooled, levels, found.present, found.parts, found.explain  # type: ignore[arg-type]
    )  # fmt: skip


def _level(level: Features, size: tuple[int, int] | None) -> Features:
    kept = level if size is None else pool_level(level, *size)
    return Features(
        _rounded(kept.tokens), kept.mask, _rounded(level.pooled), present=level.present
    )  # fmt: skip


def _rounded(values: Tensor) -> Tensor:
    """Float32 numbers that float16 can hold; their gradient passes as it is."""
    exact = values.detach().float()
    kept = exact.half().float()
    if not bool(kept.isfinite().all()):
        raise DataError(
            f"a feature of a frozen encoder is {float(exact.abs().max()):g}, which float16 cannot "
            "hold; check the picture, and the weights where it is not finite"
        )
    return values.float() + (kept - exact) if values.requires_grad else kept
