"""One row of a batch, as it would come alone."""

from dataclasses import replace

import torch
from einops import rearrange
from torch import Tensor

from mmx.errors import ShapeError
from mmx.interfaces import Batch, Features, Images, Inputs, Texts, Views


def alone(batch: Batch, row: int, times: int = 1) -> Batch:
    """A batch of one row, so many times over, without the padding that other rows asked for.

    Args:
        batch: any rows.
        row: which of them.
        times: B of the result.
    """
    return Batch(
        inputs={name: _own(given, row, times) for name, given in batch.inputs.items()},
        present=_repeated(batch.present[row : row + 1], times),
        group=batch.group[row : row + 1] * times,
    )


def _own(given: Inputs, row: int, times: int) -> Inputs:
    if isinstance(given, Features):
        return _features(given, row, times)
    if isinstance(given, Views):
        return _views(given, row, times)
    if isinstance(given, Texts):
        return _texts(given, row, times)
    if isinstance(given, Images):
        return _images(given, row, times)
    raise ShapeError(f"one row of {type(given).__name__} cannot be taken out of a batch")


def _images(image: Images, row: int, times: int) -> Images:
    own, views = slice(row, row + 1), _length(image.mask[row])
    return Images(
        _repeated(image.pixels[own, :views], times),
        _repeated(image.mask[own, :views], times),
        None if image.boxes is None else _repeated(image.boxes[own, :views], times),
        _repeated(image.centre[own], times),
    )


def _views(seen: Views, row: int, times: int) -> Views:
    """Of the views, and of those inside each, only as many as the row has."""
    rows, views = seen.masks[0].shape
    kept = _length(seen.masks[0][row])

    def own(values: Tensor) -> Tensor:
        by_view = rearrange(values, "(b v k) ... -> b v k ...", b=rows, v=views)
        return _repeated(by_view[row, :kept].flatten(end_dim=1), times)

    masks = [_repeated(seen.masks[0][row : row + 1, :kept], times), *map(own, seen.masks[1:])]
    found = seen.features
    features = Features(own(found.tokens), own(found.mask), own(found.pooled))
    features = features.with_present(own(found.present))
    return Views(features, tuple(masks), seen.size, _repeated(seen.centre[row : row + 1], times))


def _features(found: Features, row: int, times: int) -> Features:
    own, count = slice(row, row + 1), _length(found.mask[row])
    return replace(
        found,
        tokens=_repeated(found.tokens[own, :count], times),
        mask=_repeated(found.mask[own, :count], times),
        pooled=_repeated(found.pooled[own], times),
        levels=tuple(_features(level, row, times) for level in found.levels),
        present=_repeated(found.present[own], times),
        parts={name: _repeated(part[own], times) for name, part in found.parts.items()},
        explain={name: _repeated(value[own], times) for name, value in found.explain.items()},
    )


def _texts(texts: Texts, row: int, times: int) -> Texts:
    own, count = slice(row, row + 1), _length(texts.mask[row])
    return Texts(
        _repeated(texts.ids[own, :count], times), _repeated(texts.mask[own, :count], times)
    )


def _length(mask: Tensor) -> int:
    """Places of a mask [N] up to the last real one; at least 1."""
    indices = torch.arange(1, len(mask) + 1, device=mask.device)
    return max(1, int((indices * mask).max()))


def _repeated(row: Tensor, times: int) -> Tensor:
    return row.repeat(times, *[1] * (row.ndim - 1))
