"""Random changes of training images, on the whole batch at once.

``light``       flips, small changes of brightness and contrast.
``dermoscopy``  also quarter turns, small rotations, crops with zoom, saturation and colour.

Views that would change the diagnosis are never made: flips and quarter turns come from the views
that the data set allows. Geometry is one affine map per sample, so pixels are resampled once; all
views of a sample change alike, and boxes go along.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from einops import rearrange, reduce, repeat
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from mmx.errors import RunError
from mmx.interfaces import Batch, Images
from mmx.spec import TrainSpec

Kind = Literal["none", "light", "dermoscopy"]
DRAWS = 9  # uniform numbers per sample
# output x, y -> input x, y, of each view of the square
VIEWS = {
    "identity": ((1, 0), (0, 1)),
    "hflip": ((-1, 0), (0, 1)),
    "vflip": ((1, 0), (0, -1)),
    "rot180": ((-1, 0), (0, -1)),
    "rot90": ((0, -1), (1, 0)),
    "rot270": ((0, 1), (-1, 0)),
    "transpose": ((0, 1), (1, 0)),
    "anti_transpose": ((0, -1), (-1, 0)),
}
UPRIGHT = ("identity", "hflip", "vflip", "rot180")


@dataclass(frozen=True, slots=True)
class Strength:
    """How far images change: largest deviations of each property.

    Attributes:
        turn: small rotation, radians.
        zoom: share of width and height that a crop may lose.
        light: brightness (share of white) and contrast (factor around 1).
        saturation: factor around 1.
        colour: gain of each channel around 1.
    """

    turn: float = 0.0
    zoom: float = 0.0
    light: float = 0.1
    saturation: float = 0.0
    colour: float = 0.0


STRENGTHS = {
    "light": Strength(),
    "dermoscopy": Strength(turn=0.26, zoom=0.2, light=0.15, saturation=0.2, colour=0.05),
}


@dataclass(frozen=True)
class Augmentation:
    """Changes images by draws that come in.

    Attributes:
        views: of ``VIEWS``, each drawn with the same chance.
        strength: of all other changes.
    """

    views: tuple[str, ...]
    strength: Strength

    def draw(self, samples: int, generator: torch.Generator) -> Tensor:
        """[B, DRAWS], uniform in [0, 1)."""
        return torch.rand(samples, DRAWS, generator=generator)

    def __call__(self, images: Images, draws: Tensor) -> Images:
        """Change images [B, V, 3, H, W] by draws [B, DRAWS]; the result is float32 in [0, 1]."""
        draws = draws.to(images.pixels.device)
        whole = not images.pixels.is_floating_point()
        if self.strength.turn or self.strength.zoom:
            pixels = images.pixels.float() / 255 if whole else images.pixels.float()
            images = self._move(replace(images, pixels=pixels), draws)
        else:
            images = self._flip(images, draws)
            pixels = images.pixels.float() / 255 if whole else images.pixels.float()
            images = replace(images, pixels=pixels)
        return replace(images, pixels=self._colour(images.pixels, draws))

    def _view(self, draws: Tensor) -> Tensor:
        """[B, 2, 2], the view of each sample."""
        matrices = torch.tensor([VIEWS[name] for name in self.views], device=draws.device)
        return matrices[(draws[:, 0] * len(self.views)).long()].float()

    def _flip(self, images: Images, draws: Tensor) -> Images:
        """Exact flips, without resampling."""
        view, pixels = self._view(draws), images.pixels
        for axis in (0, 1):
            flipped = rearrange(view[:, axis, axis] < 0, "b -> b 1 1 1 1")
            if flipped.any():
                pixels = torch.where(flipped, pixels.flip(-1 - axis), pixels)
        boxes = _moved(images.boxes, view, torch.zeros_like(view[:, 0]))
        return replace(images, pixels=pixels, boxes=boxes)

    def _move(self, images: Images, draws: Tensor) -> Images:
        """View, rotation and crop in one resampling."""
        height, width = images.pixels.shape[-2:]
        views = images.pixels.shape[1]
        matrix, shift = self._affine(draws, width / height)
        theta = torch.cat([matrix, shift[..., None]], dim=2)
        theta = repeat(theta, "b i j -> (b v) i j", v=views)
        flat = rearrange(images.pixels, "b v c h w -> (b v) c h w")
        grid = affine_grid(theta, list(flat.shape), align_corners=False)
        moved = grid_sample(flat, grid, padding_mode="reflection", align_corners=False)
        pixels = rearrange(moved, "(b v) c h w -> b v c h w", v=views)
        return replace(images, pixels=pixels, boxes=_moved(images.boxes, matrix, shift))

    def _affine(self, draws: Tensor, aspect: float) -> tuple[Tensor, Tensor]:
        """Map [B, 2, 2] and shift [B, 2] from output to input, coordinates in [-1, 1]."""
        angle = self.strength.turn * (2 * draws[:, 1] - 1)
        sine, cosine = angle.sin(), angle.cos()
        rotation = rearrange([cosine, -sine, sine, cosine], "(i j) b -> b i j", i=2)
        view = self._view(draws)
        scale = 1 - self.strength.zoom * draws[:, 2]
        # a quarter turn of an image that is not square zooms in, to show nothing from outside
        scale = torch.where(view[:, 0, 0] == 0, scale * min(aspect, 1 / aspect), scale)
        stretch = torch.tensor([aspect, 1.0], device=draws.device)
        matrix = (rotation @ view) * stretch / stretch[:, None]
        shift = (1 - scale)[:, None] * (2 * draws[:, 3:5] - 1) * (self.strength.zoom > 0)
        return matrix * scale[:, None, None], shift

    def _colour(self, pixels: Tensor, draws: Tensor) -> Tensor:
        """Brightness, contrast, saturation and channel gains, in [0, 1]."""
        strength, signed = self.strength, rearrange(2 * draws - 1, "b k -> k b 1 1 1 1")
        contrast, brightness = 1 + strength.light * signed[5], strength.light * signed[6]
        mean = reduce(pixels, "b v c h w -> b 1 1 1 1", "mean")
        changed = torch.addcmul(mean * (1 - contrast) + brightness, pixels, contrast)
        if strength.saturation:
            grey = reduce(changed, "b v c h w -> b v 1 h w", "mean")
            changed = torch.lerp(grey, changed, 1 + strength.saturation * signed[7])
        if strength.colour:
            # red and blue against each other: green carries most of the brightness
            tint = strength.colour * signed[8] * pixels.new_tensor([1.0, 0.0, -1.0]).view(3, 1, 1)
            changed = changed * (1 + tint)
        return changed.clamp(0, 1)


def augmentation(name: Kind, allowed_views: Sequence[str]) -> Augmentation | None:
    """The augmentation of a spec, restricted to the views that a data set allows."""
    if name == "none":
        return None
    known = VIEWS if name == "dermoscopy" else UPRIGHT
    return Augmentation(
        tuple(view for view in known if view == "identity" or view in allowed_views),
        STRENGTHS[name],
    )


def _moved(boxes: Tensor | None, matrix: Tensor, shift: Tensor) -> Tensor | None:
    """Boxes [B, V, 4] around their moved corners; NaN where nothing of them is left in view."""
    if boxes is None:
        return None
    left, top, right, bottom = (2 * boxes - 1).unbind(-1)
    corners = torch.stack(
        [torch.stack([x, y], dim=-1) for x in (left, right) for y in (top, bottom)], dim=-2
    )
    back = torch.linalg.inv(matrix)
    moved = torch.einsum("bij,bvkj->bvki", back, corners - rearrange(shift, "b i -> b 1 1 i"))
    moved = ((moved + 1) / 2).clamp(0, 1)
    result = torch.cat([moved.amin(dim=2), moved.amax(dim=2)], dim=-1)
    gone = (result[..., 2:] <= result[..., :2]).any(dim=-1, keepdim=True)
    return result.masked_fill(gone, torch.nan)


def pick_augmentations(
    train: TrainSpec, allowed_views: Sequence[str], first: Batch
) -> dict[str, Augmentation]:
    """Modality -> changes of its images; RunError where there are no pixels to change."""
    chosen = {name: augmentation(train.changes(name), allowed_views) for name in first.modalities}
    if any(chosen.values()) and not any(isinstance(one, Images) for one in first.inputs.values()):
        raise RunError(
            f"train.augment: {train.augment} changes pixels, but the image features are "
            "cached; set train.augment: none, or model.image.train: last or full"
        )
    return {name: one for name, one in chosen.items() if one is not None}
