"""What the image encoders of transformers differ in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class VisionFamily:
    """One kind of model.

    Attributes:
        prefix: tokens before those of patches, by its configuration; None: it gives maps.
        norm: the last norm, where the library leaves tokens without it.
        interpolates: whether it has to be asked to interpolate its positions.
        own: whether it pools in a way of its own, with weights.
    """

    prefix: Callable[[Any], int] | None
    norm: str = ""
    interpolates: bool = False
    own: str = ""


def _one(_: object) -> int:
    return 1


def _registers(config: Any) -> int:
    return 1 + int(config.num_register_tokens)


FAMILIES = {
    "vit": VisionFamily(_one, interpolates=True, own="pooler"),
    "deit": VisionFamily(lambda _: 2, interpolates=True, own="pooler"),
    "dinov2": VisionFamily(_one),
    "dinov2_with_registers": VisionFamily(_registers),
    "dinov3_vit": VisionFamily(_registers),
    "siglip_vision_model": VisionFamily(lambda _: 0, interpolates=True, own="head"),
    "clip_vision_model": VisionFamily(_one, norm="post_layernorm", interpolates=True),
    "swin": VisionFamily(None),
    "convnext": VisionFamily(None),
    "convnextv2": VisionFamily(None),
}
TOWERS = {"clip", "siglip"}  # models of pictures and texts whose tower of pictures is read
