"""How a folder of open_clip says that images are prepared for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmx.errors import WeightsError
from mmx.interfaces import ImageFrame, Resize
from mmx_plugins.encoders._open_clip.folder import FILE, ClipFolder

_MEAN = (0.48145466, 0.4578275, 0.40821073)  # of the first CLIP, where a file is silent
_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """From pixels to what a tower reads.

    Attributes:
        frame: how an image is scaled and cut.
        trained: height and width of the images that the tower was trained on.
        mean: [3], of pixels in [0, 1].
        std: [3].
    """

    frame: ImageFrame
    trained: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]


def preprocessing(folder: ClipFolder, size: int | None) -> Preprocessing:
    """Read ``preprocess_cfg``, with what the library takes where it is silent.

    The size is that of the tower, whatever ``preprocess_cfg`` says, as in the library.

    Args:
        folder: of the model.
        size: height and width of the images, pixels; None: the model's own.

    Raises:
        WeightsError: it asks for steps that are not known here.
    """
    stated, where = folder.preprocess, folder.path / FILE
    height, width = _sides(folder.part("vision_cfg").get("image_size", 224), where)
    trained = (height, width)
    if size is not None:
        height = width = size
    interpolation = stated.get("interpolation") or "bicubic"
    if interpolation not in ("bicubic", "bilinear", "random"):
        raise WeightsError(f"{where}: interpolation {interpolation!r} is not known")
    resize, fill = _resize(stated, (height, width), where)
    linear = interpolation == "bilinear" and resize != "cover"  # which the library leaves bicubic
    frame = ImageFrame(
        height, width, resize,
        "bilinear" if linear else "bicubic",  # random: in training alone
        "half_even", fill,
    )  # fmt: skip
    return Preprocessing(
        frame, trained, _three(stated.get("mean"), _MEAN), _three(stated.get("std"), _STD)
    )


def _resize(stated: Mapping[str, Any], shown: tuple[int, int], where: object) -> tuple[Resize, int]:
    """How an image is scaled to height and width, and the grey of the bars beside it."""
    way, fill = stated.get("resize_mode") or "shortest", stated.get("fill_color") or 0
    if way == "shortest":
        return shown[0] if shown[0] == shown[1] else "cover", 0
    if way == "squash":
        return shown, 0
    if way != "longest" or not isinstance(fill, int) or not 0 <= fill <= 255:
        raise WeightsError(
            f"{where}: images are scaled by resize_mode {way!r} with fill_color {fill!r}, which is "
            "not known; shortest, squash, and longest with one grey from 0 to 255 are"
        )
    return "contain", fill


def _sides(stated: Any, where: object) -> tuple[int, int]:
    """Height and width."""
    sides = [stated, stated] if isinstance(stated, int) else stated
    if not isinstance(sides, Sequence) or len(sides) != 2:
        raise WeightsError(f"{where}: image_size {stated!r} is no size")
    return int(sides[0]), int(sides[1])


def _three(stated: Any, usual: tuple[float, ...]) -> tuple[float, ...]:
    """One number a colour; a number alone stands for all three."""
    if not stated:
        return usual
    return tuple(stated) if isinstance(stated, Sequence) else (float(stated),) * 3
