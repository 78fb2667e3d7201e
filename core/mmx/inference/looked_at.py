"""What an explanation shows of the images of a case: one of them, small, under its heat."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from mmx.inference.heat import along_slices
from mmx.interfaces import Images, WrappingEncoder
from mmx.report import ExplainedImage

Pixels = NDArray[np.uint8]
_SIDE = 192  # pixels, the longer side of a picture
_WARM = np.array([214.0, 62.0, 0.0])


@dataclass(frozen=True, slots=True)
class View:
    """One picture that an encoder saw.

    Attributes:
        pixels: [3, H, W], of an image or of what was made of it.
        numbers: which images of the case it is made of, from 1; empty where that is not known.
    """

    pixels: Tensor
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LookedAt:
    """The pictures of one case that an encoder saw.

    Attributes:
        views: those that are there, in their order.
        usual: the place of the one that is shown where heat does not decide.
        by_heat: whether the one with the most heat is shown.
        count: images of the case that are there.
        volume: whether they are slices that the encoder reads together.
    """

    views: Sequence[View]
    usual: int
    by_heat: bool
    count: int
    volume: bool = False

    def shown(self, heat: Tensor | None) -> ExplainedImage:
        """One picture, under its heat [V, h, w] >= 0 if there is any."""
        maps = None if heat is None else self._of_views(heat)
        if heat is None or maps is None:
            numbers = self.views[self.usual].numbers
            return ExplainedImage(
                _jpeg(_picture(self.views[self.usual])), None, self._told(numbers)
            )
        sums = maps.sum(dim=(1, 2))
        most = torch.isclose(sums, sums.max(), atol=0)  # so are all slices of one cell
        by_heat = self.by_heat and 0 < int(most.sum()) < len(most)
        place = self._nearest(most) if by_heat else self.usual
        picture, own = _picture(self.views[place]), maps[place]
        marked = _overlay(picture, own / own.max().clamp(min=1e-12))
        numbers = self.views[place].numbers
        if self.volume and len(heat) == 1:
            numbers = tuple(number for view in self.views for number in view.numbers)
        words = self._told(numbers, sums / sums.sum() if by_heat else None, place)
        return ExplainedImage(_jpeg(picture), _jpeg(marked), words)

    def _nearest(self, most: Tensor) -> int:
        """Of the places with the most heat, [V], the one that is nearest to the usual one.

        Slices outside the centres of the first and the last cell have the heat of that cell: the
        one at its centre stands for them, and not the outermost one.
        """
        places: list[int] = most.nonzero()[:, 0].tolist()
        return min(places, key=lambda place: abs(place - self.usual))

    def _of_views(self, heat: Tensor) -> Tensor | None:
        """One map for each view; of the several that a backbone makes of a view, the first."""
        views, cells = len(self.views), len(heat)
        if self.volume:
            return along_slices(heat, views)
        return heat[:: cells // views] if cells % views == 0 else None

    def _told(self, numbers: Sequence[int], shares: Tensor | None = None, place: int = 0) -> str:
        """Which of several images is shown; empty where there is one, or where it is not known."""
        if self.count < 2 or not numbers:
            return ""
        if len(set(numbers)) > 1:
            middle = numbers[len(numbers) // 2]
            read = f"images {min(numbers)} to {max(numbers)} are read as one"
            return f"image {middle} of {self.count}; {read}"
        words = f"image {numbers[0]} of {self.count}"
        if shares is None:
            return words
        words = f"{words}, with the most heat ({shares[place]:.0%})"
        first, last = (self.views[end].numbers for end in half_of(shares.tolist()))
        if not first or not last:
            return words
        where = f"image {first[0]}" if first == last else f"images {first[0]} to {last[0]}"
        return f"{words}; half of it lies in {where}"


def half_of(shares: Sequence[float]) -> tuple[int, int]:
    """The shortest run of places that holds half of a sum of 1: its first and its last place."""
    count, ends = len(shares), np.concatenate([[0.0], np.cumsum(shares)])
    for length in range(1, count):
        held = ends[length:] - ends[:-length]
        if held.max() >= 0.5:
            first = int(held.argmax())
            return first, first + length - 1
    return 0, count - 1


def looked_at(encoder: nn.Module, images: Images) -> LookedAt | None:
    """What an encoder sees of one case; None where the case has no image.

    Args:
        encoder: of images.
        images: of one row.
    """
    numbers = {place: n for n, place in enumerate(images.mask[0].nonzero()[:, 0].tolist(), 1)}
    if not numbers:
        return None
    if not isinstance(encoder, WrappingEncoder):  # one image, or the slices of a volume
        slices = [View(images.pixels[0, place], (n,)) for place, n in numbers.items()]
        count, several = len(slices), len(slices) > 1
        return LookedAt(slices, count // 2, by_heat=several, count=count, volume=several)
    made = encoder.views(images)
    places = made.mask[0].nonzero()[:, 0].tolist()
    views = list[View]()
    for place in places:
        sources = encoder.made_of(images.mask[0], int(images.centre[0]), place)
        own = images.pixels[0, sources[len(sources) // 2]] if sources else made.pixels[0, place]
        views.append(View(own, tuple(numbers[one] for one in sources)))
    centre = encoder.view_centre(images.mask, images.centre)
    usual = places.index(encoder.looked_at(made.mask[0], int(centre[0])))
    return LookedAt(views, usual, by_heat=encoder.shown_by_heat, count=len(numbers))


def _picture(view: View) -> Pixels:
    """[H, W, 3], small."""
    pixels = view.pixels
    if pixels.is_floating_point():
        pixels = (pixels * 255).round().clamp(0, 255).to(torch.uint8)
    if len(pixels) != 3:  # channels that are no colours: the middle one
        pixels = pixels[len(pixels) // 2].expand(3, -1, -1)
    whole = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    whole.thumbnail((_SIDE, _SIDE))
    return np.asarray(whole)


def _overlay(picture: Pixels, heat: Tensor) -> Pixels:
    """The picture in grey under its heat [h, w] in [0, 1]."""
    height, width = picture.shape[:2]
    shown = Image.fromarray((heat.numpy() * 255).astype(np.uint8))
    alpha = np.asarray(shown.resize((width, height), Image.Resampling.BICUBIC)) / 255 * 0.75
    grey = picture.mean(axis=2, keepdims=True)
    mixed: NDArray[np.float64] = grey * (1 - alpha[..., None]) + _WARM * alpha[..., None]
    return mixed.round().clip(0, 255).astype(np.uint8)


def _jpeg(picture: Pixels) -> bytes:
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
