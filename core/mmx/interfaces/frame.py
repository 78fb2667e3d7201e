"""How an encoder wants to be shown images, where its weights were trained in one way."""

from dataclasses import dataclass
from typing import Literal

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
"""How pixels between pixels are made when an image is scaled."""
Resize = int | tuple[int, int] | Literal["cover", "contain"]
"""Length of the shorter side after scaling; height and width; or until an image covers what is
shown, or lies inside of it, in its own shape."""
Corner = Literal["down", "half_even"]
"""Where the middle begins if it lies between pixels: rounded down, or half to even."""


@dataclass(frozen=True, slots=True)
class ImageFrame:
    """An image is scaled, and the middle of it is shown.

    Attributes:
        height: of what is shown, in pixels.
        width: of what is shown, in pixels.
        resize: length of the shorter side after scaling, or height and width; at least what is
            shown. Or ``cover``: until it covers what is shown; or ``contain``: until all of it lies
            inside, in its own shape, with bars of one grey beside it.
        interpolation: how pixels between pixels are made; smaller images are antialiased.
        corner: where the middle begins if it lies between pixels; transformers rounds down,
            torchvision (so timm and open_clip) rounds half to even.
        fill: grey of the bars, from 0 to 255.
    """

    height: int
    width: int
    resize: Resize
    interpolation: Interpolation = "bicubic"
    corner: Corner = "down"
    fill: int = 0
