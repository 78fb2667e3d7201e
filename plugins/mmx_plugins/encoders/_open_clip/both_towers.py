"""The library open_clip, which an extra installs."""

from collections.abc import Mapping
from typing import Any

from mmx.errors import MissingExtraError

# a whole model is built, of which one tower is kept; the other is as small as the library lets it
_SMALL_IMAGES = {"layers": 1, "width": 8, "head_width": 8, "patch_size": 1, "image_size": 1}
_SMALL_TEXTS = {"layers": 1, "width": 8, "heads": 1, "vocab_size": 2, "context_length": 1}


def with_towers(
    model: Mapping[str, Any],
    images: Mapping[str, Any] | None = None,
    texts: Mapping[str, Any] | None = None,
) -> Any:
    """A model of open_clip with random weights; a tower that is None is small.

    Args:
        model: what ``model_cfg`` says.
        images: what ``vision_cfg`` says.
        texts: what ``text_cfg`` says.
    """
    try:
        from open_clip import CustomTextCLIP  # an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("open_clip", "mmx[open-clip]") from error
    build: Any = CustomTextCLIP  # it takes mappings where its types say settings
    return build(
        embed_dim=int(model["embed_dim"]),
        vision_cfg=dict(images or _SMALL_IMAGES),
        text_cfg=dict(texts or _SMALL_TEXTS),
        quick_gelu=bool(model.get("quick_gelu", False)),
    )
