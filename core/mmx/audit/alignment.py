"""Whether two pictures are the same one, moved a little, mirrored or turned.

A copy keeps its fine structure: the normalised cross-correlation of the middle of one picture with
all places of the other, without what is slower than a twentieth of the side, is near 1 for copies
and near 0 for others, whatever the brightness. The structure is divided by its local strength, so
that a round black frame, which many pictures of one camera share, counts no more than skin.

Source: Lewis 1995, Fast normalized cross-correlation, Vision Interface; local contrast as in
Jarrett et al. 2009, doi:10.1109/ICCV.2009.5459469.
"""

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_Pixel = TypeVar("_Pixel", bound=np.generic)

VIEWS = (
    "as it is", "turned by 90 degrees", "turned by 180 degrees", "turned by 270 degrees",
    "mirrored left to right", "mirrored and turned by 90 degrees", "mirrored top to bottom",
    "mirrored and turned by 270 degrees",
)  # fmt: skip
"""The eight ways to turn and mirror a picture, in the order of ``view``."""

_SPREAD = 3.0  # pixels of 64, of the blur that is taken away
_AROUND, _NOISE = 6.0, 2.0  # pixels of local strength, and grey levels that are no structure
_MARGIN = 6  # pixels of 64 that a picture may be moved by
_LEAST = 1e-3  # below this product of lengths there is nothing to compare
_CHUNK = 512  # pairs at a time


def view(pictures: "NDArray[_Pixel]", number: int) -> "NDArray[_Pixel]":
    """Pictures [B, S, S] in one of the eight views."""
    shown = pictures[:, :, ::-1] if number >= 4 else pictures
    return np.rot90(shown, number % 4, axes=(1, 2))


def view_each(pictures: "Floats", numbers: "NDArray[np.int64]") -> "Floats":
    """Pictures [B, S, S], each in a view of its own."""
    turned = pictures.copy()
    for number in np.unique(numbers).tolist():
        turned[numbers == number] = view(pictures[numbers == number], number)
    return turned


def structure(small: "NDArray[np.generic]") -> "Floats":
    """Grey pictures [B, S, S] without what changes slowly, everywhere equally strong."""
    # a tenth of a second of import
    from scipy.ndimage import gaussian_filter

    def blurred(values: "Floats", spread: float) -> "Floats":
        found = gaussian_filter(values, (0, spread, spread), mode="nearest")
        return np.asarray(found, dtype=np.float32)

    shown = small.astype(np.float32)
    fine = shown - blurred(shown, _SPREAD)
    strength = np.sqrt(blurred(fine**2, _AROUND) + _NOISE**2)
    return np.asarray(fine / strength, dtype=np.float32)


def correlation(left: "Floats", right: "Floats") -> "Floats":
    """[P], the largest correlation of the middle of left [P, S, S] with any place of right."""
    found = [
        _of_chunk(left[start : start + _CHUNK], right[start : start + _CHUNK])
        for start in range(0, len(left), _CHUNK)
    ]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.float32)


def _of_chunk(left: "Floats", right: "Floats") -> "Floats":
    inner = left.shape[1] - 2 * _MARGIN
    middle = left[:, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    middle = middle - middle.mean(axis=(1, 2), keepdims=True)
    length, others = np.sqrt((middle**2).sum(axis=(1, 2))), _lengths(right, inner)
    best = np.full(len(left), -1, dtype=np.float32)
    for down in range(2 * _MARGIN + 1):
        for across in range(2 * _MARGIN + 1):
            window = right[:, down : down + inner, across : across + inner]
            product = np.einsum("phw,phw->p", middle, window)  # the middle has mean 0
            scale = np.maximum(length * others[:, down, across], _LEAST)
            best = np.maximum(best, product / scale)
    return best


def _lengths(pictures: "Floats", inner: int) -> "Floats":
    """[P, places, places], length of every window without its mean, from sums of the picture."""

    def sums(values: "Floats") -> "Floats":
        total = np.pad(values.astype(np.float64), ((0, 0), (1, 0), (1, 0))).cumsum(1).cumsum(2)
        tall = total[:, inner:] - total[:, :-inner]
        return np.asarray(tall[:, :, inner:] - tall[:, :, :-inner])

    spread = sums(pictures**2) - sums(pictures) ** 2 / inner**2
    return np.sqrt(np.maximum(spread, 0)).astype(np.float32)
