"""Images at one size of pixel: what measures a millimetre in one does so in all."""

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from mmx.data.middle_cut import FILTERS, framed
from mmx.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmx.spec import ImageSpec

_ROUNDING = 1e-6  # of a pixel


def cut_at_spacing(
    image: Image.Image, own: tuple[float, float] | None, spec: "ImageSpec", name: str
) -> "NDArray[np.generic]":
    """The middle of an upright image, each pixel ``spec.spacing`` mm high and wide.

    The scale is exact: what is shown is cut between pixels where it must. Smaller images are
    antialiased, and bars stand beside those that measure less than what is shown.

    Args:
        image: RGB, or grey in mode F from 0 to 65535.
        own: mm between its rows and between its columns; None where its file does not say it.
        spec: states the spacing, height and width.
        name: of the file, for messages.

    Returns:
        [height, width, 3], or [height, width] in mode F.

    Raises:
        DataError: the file states no spacing, or none that can be.
    """
    assert spec.spacing is not None
    if own is None:
        raise DataError(
            f"{name} does not say what its pixels measure, and data.image.spacing asks for pixels "
            f"of {spec.spacing[0]:g} x {spec.spacing[1]:g} mm; leave its row out, or leave spacing "
            "out, and images are scaled whatever they measure"
        )
    if not all(np.isfinite(one) and one > 0 for one in own):
        raise DataError(f"{name} states pixels of {own[0]:g} x {own[1]:g} mm, which cannot be")
    top, bottom, tall = _middle(image.height, spec.height, own[0] / spec.spacing[0])
    left, right, wide = _middle(image.width, spec.width, own[1] / spec.spacing[1])
    part = image.resize((wide, tall), FILTERS[spec.interpolation], box=(left, top, right, bottom))
    corner = (spec.width - wide) // 2, (spec.height - tall) // 2
    return framed(part, corner, (spec.width, spec.height), spec.fill)


def _middle(size: int, shown: int, scale: float) -> tuple[float, float, int]:
    """Where the middle begins and ends in the pixels of a side, and how many are made of it."""
    made = max(1, min(shown, int(size * scale + _ROUNDING)))
    length = min(made / scale, size)
    return (size - length) / 2, (size + length) / 2, made
