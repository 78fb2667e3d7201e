"""Whoever makes views of a picture asks the data set first which ones leave the diagnosis alone."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from mmx.blocks import TURNS, unit_pixels
from mmx.errors import DataError
from mmx.interfaces import (
    Encoder,
    EncoderParams,
    Images,
    InferenceParams,
    WrappingEncoder,
    WrappingParams,
    one_by_one,
)
from mmx.spec import Spec


def check_views(spec: Spec, allowed: Sequence[str]) -> None:
    """Refuse encoders and inference hooks whose settings make views that the data do not allow.

    Raises:
        DataError: names the views, and those that are allowed.
    """
    for params in _asking(spec):
        _refuse(params.entry_point, params.views_made, allowed)
    for hook in spec.inference:
        hook.check(tuple(allowed))


def check_pictures(spec: Spec, encoders: Mapping[str, Encoder], allowed: Sequence[str]) -> None:
    """The same of what wrapping encoders really show, whatever their settings say.

    Raises:
        DataError: as ``check_views``.
    """
    for name, encoder in encoders.items():
        frame = spec.data.frame(name)
        params, inner = spec.model.encoders[name], encoder
        while isinstance(inner, WrappingEncoder) and isinstance(params, WrappingParams):
            _refuse(params.entry_point, seen_turns(inner, frame.height, frame.width), allowed)
            inner, params = inner.backbone, params.backbone


def _asking(spec: Spec) -> Iterator[EncoderParams | InferenceParams]:
    for params in spec.model.encoders.values():
        inner = params
        while isinstance(inner, WrappingParams):
            yield inner
            inner = inner.backbone
        yield inner
    yield from spec.inference


def _refuse(key: str, made: Sequence[str], allowed: Sequence[str]) -> None:
    wrong = [name for name in made if name not in {"identity", *allowed}]
    if wrong:
        raise DataError(
            f"{key} makes the views {', '.join(wrong)}, which would change the diagnosis on this "
            f"data set; it allows {', '.join({'identity': 0, **dict.fromkeys(allowed)})}. Choose "
            "settings that make no others, or a method that makes none"
        )


def seen_turns(encoder: WrappingEncoder, height: int, width: int) -> tuple[str, ...]:
    """Which of the eight mirrored and turned views an encoder shows of one picture of noise."""
    noise = torch.randint(
        256, (1, 1, 3, height, width), generator=torch.Generator().manual_seed(0)
    ).to(torch.uint8)
    with torch.inference_mode():
        shown = encoder.views(Images(noise, torch.ones(1, 1, dtype=torch.bool)))
    views = unit_pixels(one_by_one(shown).pixels)[:, 0]
    picture = unit_pixels(noise)[0, 0]
    turns = {name: turn(picture) for name, turn in TURNS.items()}
    return tuple(name for name, turn in turns.items() if any(_same(view, turn) for view in views))


def _same(view: Tensor, picture: Tensor) -> bool:
    return view.shape == picture.shape and bool(torch.isclose(view, picture, atol=1e-3).all())
