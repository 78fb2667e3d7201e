"""Encoders of images that wrap another one: several views of a sample, one backbone."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from einops import rearrange
from pydantic import model_validator
from torch import Tensor, nn

from mmx.errors import ShapeError
from mmx.interfaces.encoder import Encoder, EncoderParams, ImageEncoder
from mmx.interfaces.features import Features
from mmx.interfaces.inputs import Images, Views, middle_indices
from mmx.interfaces.lora import Training


class WrappingParams(EncoderParams):
    """Settings of an encoder around another one; ``train`` says what learns of the innermost one.

    A subclass types the key as ``backbone: mmx.Backbone``.
    """

    modality: ClassVar[str] = "image"
    backbone: EncoderParams

    @model_validator(mode="after")
    def _say_train_once(self) -> "WrappingParams":
        """``train`` may stand here or in the backbone; afterwards both say the same."""
        inner, here = self.backbone.train, "train" in self.model_fields_set
        if here and "train" in self.backbone.model_fields_set and inner != self.train:
            raise ValueError(
                f"train is {self.train} here and {inner} in the backbone; both mean what learns of "
                "the backbone, so say it once"
            )
        train = self.train if here else inner
        # both are frozen models of this one's own, not yet seen by anybody
        object.__setattr__(self, "train", train)
        object.__setattr__(self, "backbone", self.backbone.model_copy(update={"train": train}))
        return self


@dataclass(frozen=True, slots=True)
class BackboneOutput:
    """What the backbone made of the views of a batch; zeros where a view is absent.

    Attributes:
        tokens: [B, V, N, D].
        token_mask: [B, V, N], bool; True marks a real token of a real view.
        pooled: [B, V, D].
        mask: [B, V], bool; True marks a real view.
        size: height and width of the views in pixels.
        centre: [B], int64: the place that the others stand around, as in ``Images``.
    """

    tokens: Tensor
    token_mask: Tensor
    pooled: Tensor
    mask: Tensor
    size: tuple[int, int]
    # None only until __post_init__
    centre: Tensor = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Without ``centre``, the middle up to the last view of each row."""
        if self.centre is None:
            object.__setattr__(self, "centre", middle_indices(self.mask))


class WrappingEncoder(ImageEncoder):
    """Shows views to a backbone, and learns to make one result of what it gives.

    ``views`` learns nothing, so that features of a frozen backbone are cached view by view.

    Attributes:
        backbone: any image encoder, also another wrapping one; it sees one view at a time.
        recipe: all settings that decide the views; empty when they are the images as they come.
        shown_by_heat: whether an explanation shows the view with the most heat, instead of the one
            that ``looked_at`` names.
        token_views: how many of the first views ``combine`` reads the tokens of; None: of all.
        pretrained: names of its modules that come with weights; all others are new layers.
    """

    recipe: str = ""
    shown_by_heat: bool = False
    token_views: int | None = None
    pretrained: ClassVar[tuple[str, ...]] = ("backbone",)

    def __init__(self, backbone: Encoder) -> None:
        super().__init__()
        if not isinstance(backbone, ImageEncoder):
            raise ShapeError(f"a backbone encodes images; got {type(backbone).__name__}")
        self.backbone: ImageEncoder = backbone
        self.weights = backbone.weights

    def views(self, images: Images) -> Images:
        """[B, U, 3, H, W] -> [B, V, C, H, W]: a fixed function of pixels and boxes."""
        return images

    def view_mask(self, mask: Tensor) -> Tensor:
        """Mask [B, V] of the views, from the mask [B, U] of the images."""
        return mask

    def view_centre(self, mask: Tensor, centre: Tensor) -> Tensor:
        """[B], the place that the views stand around, from the mask and centre of the images.

        Where views are made of the images, it is the middle one.
        """
        return middle_indices(self.view_mask(mask)) if self.recipe else centre

    def looked_at(self, mask: Tensor, centre: int = 0) -> int:
        """Which view of one sample, mask [V], a heat map is laid over; the first real one."""
        return int(mask.int().argmax())

    def made_of(self, mask: Tensor, centre: int, view: int) -> Sequence[int]:
        """Places of the images that a view of one sample is made of, the middle one of which is
        shown for it; none where the view itself is shown.

        Args:
            mask: [U], of the images.
            centre: the place that the images stand around.
            view: which of the views.
        """
        return () if self.recipe else (view,)

    def needs(self, reads: frozenset[str]) -> frozenset[str]:
        """What ``combine`` reads of the backbone (pooled, tokens), given what the fusion reads."""
        return (reads & {"tokens"}) | {"pooled"}

    @abstractmethod
    def combine(self, seen: BackboneOutput) -> Features:
        """The features of samples [B, ...] from those of their views; this learns."""

    def forward(self, images: Images | Views) -> Features:
        """Encode images [B, U, 3, H, W], or what the frozen backbone made of their views."""
        if isinstance(images, Views):
            mask = images.masks[0]
            size = images.size
            found = images.features
            centre = images.centre
            if len(images.masks) > 1:
                found = self.backbone(Views(found, images.masks[1:], size))
        else:
            shown = self.views(images)
            mask, size = shown.mask, (shown.pixels.shape[-2], shown.pixels.shape[-1])
            centre = self.view_centre(images.mask, images.centre)
            found = self.run(one_by_one(shown), mask.shape[1])
        result = self.combine(_seen(found, mask, size, centre))
        penalties = {**{f"view {k}": v for k, v in found.penalties.items()}, **result.penalties}
        explain = {**_by_sample(found.explain, mask.shape[1]), **result.explain}
        return replace(result, penalties=penalties, explain=explain).with_present(mask.any(dim=1))

    def run(self, images: Images, views: int) -> Features:
        """The backbone on real views among [B*V, 1, C, H, W]; zeros for the others.

        Args:
            images: the views of the first sample, of the second, and so on.
            views: V.
        """
        return on_real(self.backbone, images)

    def learn(self, training: Training) -> None:
        """Let nothing, the last stage or everything of the backbone learn; the rest always does."""
        super().learn("full")
        self.backbone.learn(training)


def innermost(encoder: Encoder) -> Encoder:
    """The encoder inside all wrapping ones; itself when it is none."""
    while isinstance(encoder, WrappingEncoder):
        encoder = encoder.backbone
    return encoder


def innermost_params(params: EncoderParams) -> EncoderParams:
    """The settings of the encoder inside all wrapping ones."""
    while isinstance(params, WrappingParams):
        params = params.backbone
    return params


def one_by_one(images: Images) -> Images:
    """[B, V, C, H, W] -> [B*V, 1, C, H, W]."""
    boxes = images.boxes
    return Images(
        rearrange(images.pixels, "b v c h w -> (b v) 1 c h w"),
        rearrange(images.mask, "b v -> (b v) 1"),
        None if boxes is None else rearrange(boxes, "b v k -> (b v) 1 k"),
    )


def on_real(encoder: nn.Module, images: Images) -> Features:
    """Encode the rows of images [M, 1, C, H, W] that are there; the others are absent zeros."""
    real = images.mask[:, 0]
    if bool(real.all()):
        return encoder(images)  # type: ignore[no-any-return]
    rows = real.nonzero().flatten() if bool(real.any()) else torch.zeros_like(real[:1]).long()
    boxes = None if images.boxes is None else images.boxes[rows]
    found: Features = encoder(Images(images.pixels[rows], images.mask[rows], boxes))

    def spread(value: Tensor) -> Tensor:
        return value.new_zeros(len(real), *value.shape[1:]).index_copy(0, rows, value)

    return Features(
        spread(found.tokens), spread(found.mask), spread(found.pooled),
        present=spread(found.present), explain={k: spread(v) for k, v in found.explain.items()},
        penalties=found.penalties,
    )  # fmt: skip


def _seen(found: Features, mask: Tensor, size: tuple[int, int], centre: Tensor) -> BackboneOutput:
    """By sample and view, without what stands in absent views."""
    count = mask.shape[1]
    tokens = rearrange(found.tokens, "(b v) n d -> b v n d", v=count)
    token_mask = rearrange(found.mask, "(b v) n -> b v n", v=count) & mask[..., None]
    pooled = rearrange(found.pooled, "(b v) d -> b v d", v=count)
    if not bool(mask.all()):
        tokens = tokens.masked_fill(~mask[..., None, None], 0)
        pooled = pooled.masked_fill(~mask[..., None], 0)
    return BackboneOutput(tokens, token_mask, pooled, mask, size, centre)


def _by_sample(explain: Mapping[str, Tensor], views: int) -> dict[str, Tensor]:
    """What the backbone explains of each view, [B, V, ...]."""
    return {f"view {k}": rearrange(v, "(b v) ... -> b v ...", v=views) for k, v in explain.items()}
