"""Words for what is measured in a picture: colour, symmetry, border and size of its dark region.

A fixed function of the pixels: nothing is learned, and no label can reach it. The terms are those
of the ABCD rule (Nachbar et al. 1994, doi:10.1016/S0190-9622(94)70061-3); the thresholds are ours.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from mmx.data.grey_range import measured_range
from mmx.data.images import PIXEL_LIMIT, read_image
from mmx.interfaces import ImageRequest, ImageSource, PackedImage

if TYPE_CHECKING:
    from numpy.typing import NDArray


SIDE = 64  # pixels, the longer side of what is measured
# sRGB prototypes of the six colours of the ABCD rule
COLOURS = {
    "white": (225, 215, 215), "red": (190, 80, 80), "light brown": (175, 125, 95),
    "dark brown": (95, 60, 50), "blue-grey": (105, 110, 130), "black": (35, 28, 30),
}  # fmt: skip
LEAST = 0.08  # share of the region that a colour needs
GREY = 12.0  # mean difference of the channels, 0..255, below which a picture is grey


@dataclass(frozen=True, slots=True)
class Appearance:
    """What is measured.

    Attributes:
        colours: names, the commonest first; of a grey picture dark, grey or bright.
        asymmetry: share of the region that mirroring moves away, 0 to 1.
        irregularity: perimeter squared / (4 pi area), 1 for a disc.
        size: share of the picture, 0 to 1.
    """

    colours: tuple[str, ...]
    asymmetry: float
    irregularity: float
    size: float

    @property
    def words(self) -> str:
        """All four in words, such as 'dark brown, uneven halves, a ragged border, large'."""
        halves = _step(self.asymmetry, (0.2, 0.35), ("even halves", "uneven halves", "asymmetry"))
        border = _step(
            self.irregularity, (1.6, 2.4), ("a smooth border", "a wavy border", "a ragged border")
        )
        size = _step(self.size, (0.12, 0.35), ("small", "medium in size", "large"))
        return f"{' and '.join(self.colours)}, {halves}, {border}, {size}"


def appearance_of(image: ImageSource) -> Appearance:
    """Measure an image file or a computed picture.

    Of a file with more than 8 bits, black and white are those of the bits that it uses itself.
    """
    if not isinstance(image, Path | PackedImage):
        return measure(image.pixels())
    own = measured_range([image], ImageRequest("", PIXEL_LIMIT))
    return measure(read_image(image, grey_range=own[0] if own else None))


def measure(pixels: "NDArray[np.uint8]") -> Appearance:
    """Measure pixels [H, W, 3], RGB."""
    small = _small(pixels)
    region = dark_region(small)
    grey = float(np.ptp(small, axis=2).mean()) < GREY
    inside = small[region]
    return Appearance(
        colours=_brightness(inside) if grey else _colours(inside),
        asymmetry=_asymmetry(region),
        irregularity=_irregularity(region),
        size=float(region.mean()),
    )


def _small(pixels: "NDArray[np.uint8]") -> "NDArray[np.float64]":
    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(image).astype(np.float64)


def dark_region(pixels: "NDArray[Any]") -> "NDArray[np.bool_]":
    """[h, w], the largest connected region darker than Otsu's threshold; all when there is none."""
    # a tenth of a second of import
    from scipy import ndimage as untyped

    ndimage: Any = untyped

    grey = pixels.mean(axis=2)
    dark = grey < otsu(grey)
    labels, count = ndimage.label(ndimage.binary_opening(dark, iterations=1))
    if not count:
        return np.ones(grey.shape, dtype=bool)
    sizes = np.bincount(labels.ravel())[1:]
    filled: NDArray[np.bool_] = ndimage.binary_fill_holes(labels == 1 + int(sizes.argmax()))
    return filled


def otsu(grey: "NDArray[np.float64]") -> float:
    """The threshold with the largest variance between the two sides (Otsu 1979)."""
    counts, edges = np.histogram(grey, bins=64, range=(0, 256))
    middle = (edges[:-1] + edges[1:]) / 2
    below = counts.cumsum()
    above = below[-1] - below
    sums = (counts * middle).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = sums / below - (sums[-1] - sums) / above
    between = np.nan_to_num(below * above * gap**2)
    return float(edges[1 + int(between.argmax())])


def _colours(inside: "NDArray[np.float64]") -> tuple[str, ...]:
    """Names of the colours of pixels [n, 3], the commonest first."""
    distance = ((inside[:, None] - np.array(list(COLOURS.values()))) ** 2).sum(axis=2)
    shares = np.bincount(distance.argmin(axis=1), minlength=len(COLOURS)) / len(inside)
    order = np.argsort(-shares, kind="stable")
    names = list(COLOURS)
    return tuple(names[index] for index in order if shares[index] >= LEAST)[:3]


def _brightness(inside: "NDArray[np.float64]") -> tuple[str, ...]:
    return (_step(float(inside.mean()), (60, 130), ("dark", "grey", "bright")),)


def _asymmetry(region: "NDArray[np.bool_]") -> float:
    """1 - overlap with the mirror images through the centre of mass, mean of both axes."""
    moved = []
    for axis in (0, 1):
        centre = (np.nonzero(region)[axis]).mean()
        shift = round(2 * centre - (region.shape[axis] - 1))
        mirrored = np.roll(np.flip(region, axis=axis), shift, axis=axis)
        moved.append(1 - (region & mirrored).sum() / (region | mirrored).sum())
    return float(np.mean(moved))


def _irregularity(region: "NDArray[np.bool_]") -> float:
    """Perimeter squared / (4 pi area), with pi / 4 of the pixel edges as perimeter."""
    framed = np.pad(region, 1)
    edges = sum(int((np.diff(framed.astype(np.int8), axis=axis) != 0).sum()) for axis in (0, 1))
    perimeter = edges * np.pi / 4  # exact on average over all directions
    return float(perimeter**2 / (4 * np.pi * region.sum()))


def _step(value: float, limits: tuple[float, float], words: tuple[str, str, str]) -> str:
    return words[sum(value >= limit for limit in limits)]
