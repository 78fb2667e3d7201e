"""Image encoder: one expert for the lesion, one for its surroundings, and a gate between them.

h = g h_L + (1 - g) h_C with g = sigmoid(w^T [h_L; h_C] + b), one number per sample. The lesion is
what the data set's box shows with a margin; where there is no box, the middle of the image, or a
region around the centre of mass of the strongest tokens of the whole image, after SCDA (Wei et al.
2017, arXiv:1604.04994). The context is the image with that region blurred or filled. The experts
and their gate are defined in the source document, no paper.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import ClassVar, Literal, cast

import torch
from einops import rearrange, reduce
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import grid_sample

from mmx import (
    Backbone,
    DataError,
    Encoder,
    EncoderParams,
    Features,
    FeatureShape,
    Images,
    Params,
    ShapeError,
    hookimpl,
)
from mmx.blocks import blurred, token_grid, unit_pixels
from mmx.interfaces import BackboneOutput, Training, WrappingEncoder, WrappingParams, on_real

Fill = Literal["blur", "mean"]


class DualExpertParams(WrappingParams):
    """Settings of two experts and their gate."""

    most_images: ClassVar[int | None] = 1

    type: Literal["dual_expert"] = "dual_expert"
    reads_boxes = True
    backbone: Backbone = Field(
        default=cast(EncoderParams, "timm"),  # checked like what is given
        validate_default=True,
        description="encoder of the lesion and of the context",
    )
    shared: bool = Field(
        default=True, description="one backbone for both; false needs one that learns"
    )
    margin: float = Field(
        default=0.1, ge=0, description="around the box, as a share of its width and height"
    )
    crop: float = Field(
        default=0.6, gt=0, le=1, description="middle of an image without a box, share of its sides"
    )
    without_box: Literal["centre", "saliency"] = Field(
        default="centre",
        description="where the crop lies then: in the middle, or where the frozen backbone's "
        "tokens of the whole image are strong",
    )
    fill: Fill = Field(default="blur", description="what the context shows in the lesion's place")
    auxiliary: float = Field(
        default=0.3, ge=0, description="weight of a cross-entropy on each expert; 0: none"
    )
    gate: float | None = Field(
        default=None, ge=0, le=1, description="fixed share of the lesion; null: learned per sample"
    )

    @model_validator(mode="after")
    def _two_that_differ(self) -> "DualExpertParams":
        if not self.shared and self.train == "frozen":
            raise ValueError("shared: false with train: frozen makes two equal copies; set train")
        if self.without_box == "saliency" and self.train != "frozen":
            raise ValueError(
                "without_box: saliency needs train: frozen, or the crops would move while it learns"
            )
        return self

    @property
    def auxiliary_defaults(self) -> Mapping[str, float]:
        return {"lesion": self.auxiliary, "context": self.auxiliary} if self.auxiliary else {}

    def build(self) -> "DualExpert":
        return DualExpert(self, self.backbone.build())


class DualExpert(WrappingEncoder):
    """[B, 1, 3, H, W] -> tokens [B, N, D], pooled [B, D]; parts ``lesion`` and ``context``."""

    pretrained: ClassVar[tuple[str, ...]] = ("backbone", "context_backbone")

    def __init__(self, params: DualExpertParams, backbone: Encoder) -> None:
        super().__init__(backbone)
        dim = backbone.shape.dim
        self.shape = FeatureShape(dim)
        self.parts = {"lesion": dim, "context": dim}
        self.margin, self.crop = params.margin, params.crop
        self.fill: Fill = params.fill
        self.salient = params.without_box == "saliency"
        self.recipe = repr(("dual_expert", self.margin, self.crop, self.fill))
        if self.salient:
            self.recipe += " saliency"
        self.context_backbone = None if params.shared else deepcopy(backbone)
        self.fixed = params.gate
        self.gate = nn.Linear(2 * dim, 1)
        nn.init.zeros_(self.gate.weight)  # starts as the mean of both
        nn.init.zeros_(self.gate.bias)

    def check_views(self, most: int) -> None:
        if most > 1:
            raise DataError(
                f"samples have up to {most} images and encoder.dual_expert reads one; use one "
                "image per sample, or make it the backbone of encoder.sequence"
            )

    def view_mask(self, mask: Tensor) -> Tensor:
        return mask.expand(-1, 2)

    def views(self, images: Images) -> Images:
        if images.pixels.shape[1] != 1:
            raise ShapeError(
                f"encoder.dual_expert reads one image, got {images.pixels.shape[1]} views"
            )
        pixels = unit_pixels(images.pixels[:, 0])
        boxes = self._boxes(images)
        lesion, context = cropped(pixels, boxes), without(pixels, boxes, self.fill)
        return Images(torch.stack([lesion, context], dim=1), self.view_mask(images.mask))

    def _boxes(self, images: Images) -> Tensor:
        """[B, 4], the lesion's region as shares of the image."""
        if images.boxes is None:
            return self._own(images)
        boxes = images.boxes[:, 0].float()
        unknown = boxes.isnan().any(dim=1)
        around = self.margin * (boxes[:, 2:] - boxes[:, :2])
        found = torch.cat([boxes[:, :2] - around, boxes[:, 2:] + around], dim=1).clamp(0, 1)
        if bool(unknown.any()):
            found[unknown] = self._own(Images(images.pixels[unknown], images.mask[unknown]))
        return found

    def _own(self, images: Images) -> Tensor:
        """[B, 4], a region of images without a box: their middle, or their salient part."""
        pixels, half = images.pixels, self.crop / 2
        centre = pixels.new_full((len(pixels), 2), 0.5, dtype=torch.float32)
        if self.salient:
            device = next(self.backbone.parameters(), pixels).device
            with torch.no_grad():
                shown = Images(pixels.to(device), images.mask.to(device))
                seen = on_real(self.backbone, shown)
            strength = seen.tokens.float().norm(dim=-1).to(pixels.device)
            centre = centre_of_mass(strength, pixels.shape[-2] / pixels.shape[-1])
        centre = centre.clamp(half, 1 - half)
        return torch.cat([centre - half, centre + half], dim=1)

    def run(self, images: Images, views: int) -> Features:
        if self.context_backbone is None:
            return super().run(images, views)
        both = [
            on_real(expert, Images(images.pixels[index::2], images.mask[index::2]))
            for index, expert in enumerate((self.backbone, self.context_backbone))
        ]
        tokens, mask, pooled, present = (
            torch.stack([getattr(one, name) for one in both], dim=1).flatten(end_dim=1)
            for name in ("tokens", "mask", "pooled", "present")
        )
        return Features(tokens, mask, pooled, present=present)

    def learn(self, training: Training) -> None:
        super().learn(training)
        if self.context_backbone is not None:
            self.context_backbone.learn(training)

    def combine(self, seen: BackboneOutput) -> Features:
        lesion, context = seen.pooled.unbind(dim=1)
        g = self.gate(torch.cat([lesion, context], dim=1)).sigmoid()  # [B, 1]
        if self.fixed is not None:
            g = torch.full_like(g, self.fixed)
        tokens = g[..., None] * seen.tokens[:, 0] + (1 - g)[..., None] * seen.tokens[:, 1]
        return Features(
            tokens,
            seen.token_mask.all(dim=1),
            g * lesion + (1 - g) * context,
            parts={"lesion": lesion, "context": context},
            explain={"gate": g[:, 0].detach()},
        )


def centre_of_mass(strength: Tensor, ratio: float) -> Tensor:
    """[B, 2], x and y as shares: of the places above the mean in maps [B, N] of height / width.

    The middle, where all places are equally strong.
    """
    rows, columns = token_grid(strength.shape[1], ratio)
    above = (strength - strength.mean(dim=1, keepdim=True)).clamp(min=0)
    total = above.sum(dim=1, keepdim=True)
    weights = torch.where(total > 0, above / total.clamp(min=1e-12), 1 / strength.shape[1])
    y, x = torch.meshgrid(
        (torch.arange(rows, device=strength.device) + 0.5) / rows,
        (torch.arange(columns, device=strength.device) + 0.5) / columns,
        indexing="ij",
    )
    return weights @ torch.stack([x.flatten(), y.flatten()], dim=1)


def cropped(pixels: Tensor, boxes: Tensor) -> Tensor:
    """The region [M, 4] of each image [M, 3, H, W], brought to H x W."""
    centre, half = (boxes[:, 2:] + boxes[:, :2]) - 1, boxes[:, 2:] - boxes[:, :2]  # in [-1, 1]
    ys, xs = (
        (torch.arange(size, device=pixels.device) * 2 + 1) / size - 1 for size in pixels.shape[-2:]
    )
    y, x = torch.meshgrid(ys, xs, indexing="ij")
    grid = torch.stack([x, y], dim=-1) * half[:, None, None] + centre[:, None, None]
    return grid_sample(pixels, grid, padding_mode="border", align_corners=False)


def without(pixels: Tensor, boxes: Tensor, fill: Fill) -> Tensor:
    """Images [M, 3, H, W] with the region [M, 4] blurred, or in the mean colour around it."""
    inside = _inside(boxes, *pixels.shape[-2:])
    if fill == "blur":
        return torch.where(inside, blurred(pixels, min(pixels.shape[-2:]) / 8), pixels)
    around = torch.where(inside.all(dim=-1, keepdim=True).all(dim=-2, keepdim=True), True, ~inside)
    total = reduce(pixels * around, "m c h w -> m c 1 1", "sum")
    mean = total / reduce(around.to(pixels.dtype), "m 1 h w -> m 1 1 1", "sum")
    return torch.where(inside, mean, pixels)


def _inside(boxes: Tensor, height: int, width: int) -> Tensor:
    """[M, 1, H, W], pixels whose centre lies in the region [M, 4]."""
    x = (torch.arange(width, device=boxes.device) + 0.5) / width
    y = (torch.arange(height, device=boxes.device) + 0.5) / height
    left, top, right, bottom = rearrange(boxes, "m k -> k m 1")
    across, down = (x >= left) & (x <= right), (y >= top) & (y <= bottom)
    inside: Tensor = (down[:, :, None] & across[:, None, :])[:, None]
    return inside


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [DualExpertParams]
