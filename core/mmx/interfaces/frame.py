"""How an encoder wants to be shown images, where its weights were trained in one way."""

from dataclasses import dataclass
from typing import Literal

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
"""How pixels between pixels are made when an image is scaled."""
Corner = Literal["down", "half_even"]
"""Where the middle begins if it lies between pixels: rounded down, or half to even."""


@dataclass(frozen=True, slots=True)
class ImageFrame:
    """An image is scaled, and the middle of it is shown.

    Attributes:
        height: of what is shown, in pixels.
        width: of what is shown, in pixels.
        resize: length of the shorter side after scaling, or height and width; at least what is
            shown.
        interpolation: how pixels between pixels are made; smaller images are antialiased.
        corner: where the middle begins if it lies between pixels; transformers rounds down,
            torchvision (so timm and open_clip) rounds half to even.
    """

    height: int
    width: int
    resize: int | tuple[int, int]
    interpolation: Interpolation = "bicubic"
    corner: Corner = "down"
