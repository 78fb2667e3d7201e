"""Frames that encoders bring with their weights take the place of those of the data."""

from collections.abc import Mapping

from mmx.errors import MmxError
from mmx.interfaces import EncoderParams, ImageFrame
from mmx.spec.data import FRAME_KEYS, DataSpec, ImageSpec


def with_own_frames(
    data: DataSpec, encoders: Mapping[str, EncoderParams]
) -> tuple[DataSpec, dict[tuple[str, ...], str]]:
    """The data with the frames of encoders that bring one, and faults by the path of their key."""
    images, faults = dict(data.images), dict[tuple[str, ...], str]()
    for name, params in encoders.items():
        try:
            own = params.frame
        except MmxError as error:
            faults["model", "encoders", name] = str(error)
            continue
        if own is None:
            continue
        wrong = _contradicted(data.images.get(name), own)
        if wrong:
            faults["data", "images", name] = (
                f"{params.entry_point} is shown images as its own files say, with {wrong}; leave "
                f"the key out, or see what `mmx plugins show {params.entry_point}` lets you change"
            )
        images[name] = data.frame(name).shown_to(own)
    return data.model_copy(update={"images": images}), faults


def _contradicted(stated: ImageSpec | None, own: ImageFrame) -> str:
    """The first key that is stated otherwise than the encoder wants it, with what it wants."""
    if stated is None:
        return ""
    wrong = [
        f"{key}: {_told(getattr(own, key))}"
        for key in FRAME_KEYS
        if key in stated.model_fields_set and getattr(stated, key) != getattr(own, key)
    ]
    return next(iter(wrong), "")


def _told(value: object) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)
