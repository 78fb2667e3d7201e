"""The half of a model that reads images: all of ViT or Swin, one tower of CLIP and SigLIP."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from mmx.errors import WeightsError, said_by
from mmx_plugins.encoders._transformers.both_towers import both_towers, projection_of
from mmx_plugins.encoders._transformers.halves import loaded
from mmx_plugins.encoders._transformers.vision_family import FAMILIES, TOWERS, VisionFamily

Pool = Literal["cls", "mean", "cls_mean", "native", "shared"]
_LEFT = ("classifier.", "cls_classifier.", "distillation_classifier.", "embeddings.position_ids")


@dataclass(frozen=True, slots=True)
class VisionHalf:
    """A network of transformers that reads images, with its weights.

    Attributes:
        network: gives ``last_hidden_state`` and ``hidden_states``.
        family: what is particular to its kind.
        pool: how tokens become one vector.
        record: where the weights came from.
        notes: sentences on prefixes that were taken off.
        projection: into the space that images share with texts, for ``pool: shared``.
    """

    network: Any
    family: VisionFamily
    pool: Pool
    record: dict[str, str]
    notes: tuple[str, ...]
    projection: nn.Module | None = None

    @property
    def prefix(self) -> int | None:
        """Tokens before those of patches; None: it gives maps."""
        return None if self.family.prefix is None else self.family.prefix(self.network.config)


def vision_half(folder: Path, weights: str | Path, pool: Pool | None) -> VisionHalf:
    """Build the half of a model that reads images, and load its weights.

    Args:
        folder: with ``config.json``.
        weights: default (those of the folder), none, or a file.
        pool: how tokens become one vector; None: the class token, or the model's own way.

    Raises:
        WeightsError: the model is of another kind or has no such pool, or its weights do not fit.
    """
    from transformers import AutoConfig, AutoModel  # seconds of import

    if pool == "shared":
        return _in_shared_space(folder, weights)
    blank: Any = AutoModel.from_config  # it ships no types
    failed = f"image model {str(folder)!r} cannot be loaded; give a folder with config.json"
    with said_by("transformers", failed):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        config = _of_images(config, folder)
        pool = _pool(config, pool)
        if pool != "native":
            config.vision_use_head = False
        network = blank(config, dtype=torch.float32, trust_remote_code=False)
    family = FAMILIES[config.model_type]
    left = _without_idle_parts(network, family, pool)
    record, notes = loaded(network, folder, weights, [*_LEFT, *left])
    return VisionHalf(network.eval(), family, pool, record, notes)


def _in_shared_space(folder: Path, weights: str | Path) -> VisionHalf:
    """The tower of images of a whole model, with what takes it into the space of both."""
    model, record, notes = both_towers(folder, weights)
    family = FAMILIES[model.config.vision_config.model_type]
    return VisionHalf(model.vision_model, family, "shared", record, notes, projection_of(model))


def _pool(config: Any, pool: Pool | None) -> Pool:
    """The pool that was asked for, if a model has it; else its class token or its own way."""
    prefix = FAMILIES[config.model_type].prefix
    classed = prefix is not None and prefix(config) > 0
    if pool in ("cls", "cls_mean") and not classed:
        raise WeightsError(
            f"a model of the kind {config.model_type!r} has no class token; use pool: native or "
            "mean"
        )
    return pool or ("cls" if classed else "native")


def _without_idle_parts(network: object, family: VisionFamily, pool: Pool) -> list[str]:
    """Take off what would take no part, and so never get a gradient; how its names begin."""
    embeddings: Any = getattr(network, "embeddings", None)
    if getattr(embeddings, "mask_token", None) is not None:
        embeddings.mask_token = None  # of the training that made the weights
    left = ["embeddings.mask_token"]
    if family.own and pool != "native":
        setattr(network, family.own, None)
        left.append(f"{family.own}.")
    return left


def _of_images(config: Any, folder: Path) -> Any:
    """The configuration of what reads images: the model's own, or that of its tower of images."""
    if config.model_type in TOWERS:
        config = config.vision_config
    if config.model_type not in FAMILIES:
        raise WeightsError(
            f"{folder} holds a model of the kind {config.model_type!r}, which this method does not "
            f"read; it reads {', '.join(sorted({*FAMILIES, *TOWERS}))}"
        )
    return config
