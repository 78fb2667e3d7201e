"""The tower of images: a ViT of open_clip, or a network of timm inside it."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

from mmx.errors import WeightsError, said_by
from mmx_plugins.encoders._open_clip.both_towers import with_towers
from mmx_plugins.encoders._open_clip.folder import ClipFolder
from mmx_plugins.encoders._open_clip.resnet import Resnet
from mmx_plugins.encoders._open_clip.timm_trunk import TimmTrunk
from mmx_plugins.encoders._open_clip.trunk import ImageTrunk, Tower
from mmx_plugins.encoders._open_clip.vit import Vit

Pool = Literal["trunk", "shared"]
ImageTower = Tower[ImageTrunk]


def image_tower(
    folder: ClipFolder, weights: str | Path, size: int | None, fractions: Sequence[float]
) -> ImageTower:
    """Build the tower of images and load its weights.

    Args:
        folder: of the model.
        weights: default (those of the folder), none, or a file.
        size: height and width of the images, pixels; None: the model's own.
        fractions: depths of the levels of a transformer.

    Raises:
        WeightsError: it is of a kind that is not read, or its weights do not fit.
    """
    stated = {**folder.part("vision_cfg"), "timm_model_pretrained": False, "patch_dropout": 0.0}
    _check(stated, folder.path)
    failed = f"the tower of images of {folder.path} cannot be built"
    with said_by("open_clip", failed):
        visual = with_towers(folder.model, images=stated).visual
    record, notes = folder.load(visual, weights, "visual.")
    if size is not None:
        with said_by("open_clip", f"{failed} for images of {size} pixels"):
            visual = _resized(visual, folder, stated, size)
    trunk, width = _trunk(visual, fractions), int(folder.model["embed_dim"])
    return ImageTower(trunk, trunk.take_projection(), width, record, notes)


def _trunk(visual: Any, fractions: Sequence[float]) -> ImageTrunk:
    """What stands in front of the projection, by the kind of network."""
    if hasattr(visual, "trunk"):
        return TimmTrunk(visual, fractions)
    return Resnet(visual) if hasattr(visual, "attnpool") else Vit(visual, fractions)


def _check(stated: dict[str, Any], path: Path) -> None:
    """Refuse towers whose pooled vector is made of other things than their tokens."""
    several = ("abs_attn", "rot_attn")
    twice = isinstance(stated.get("attentional_pool"), str)  # parallel or cascade
    if twice or stated.get("timm_pool") in several:
        raise WeightsError(
            f"{path} pools its images by attention that ends in the projection, which this method "
            "does not read; it reads a ViT or a ResNet of open_clip and networks of timm whose "
            f"timm_pool is none of {', '.join(several)}"
        )
    if stated.get("pool_type", "tok") not in ("tok", "avg"):
        raise WeightsError(f"{path} has pool_type {stated['pool_type']!r}; tok and avg are read")


def _resized(visual: Any, folder: ClipFolder, stated: dict[str, Any], size: int) -> Any:
    """The same tower for images of another size, positions interpolated as the library does."""
    if hasattr(visual, "set_input_size"):
        visual.set_input_size((size, size))
        return visual
    if hasattr(visual, "attnpool"):
        raise WeightsError(
            f"{folder.path} holds a ResNet whose attention has places for {visual.image_size} x "
            f"{visual.image_size} pixels alone; leave size out"
        )
    from open_clip.model import resize_pos_embed  # an extra

    other = with_towers(folder.model, images={**stated, "image_size": size}).visual
    state = {f"visual.{name}": value for name, value in visual.state_dict().items()}
    resize_pos_embed(state, SimpleNamespace(visual=other))
    other.load_state_dict({name.removeprefix("visual."): value for name, value in state.items()})
    return other
