"""A model of images and texts of transformers, whole: CLIP and SigLIP."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmx.blocks import token_count
from mmx.errors import WeightsError, said_by
from mmx.interfaces import EncodedPrompts
from mmx_plugins.encoders._transformers.halves import loaded
from mmx_plugins.encoders._transformers.tokenizer import end_of_text, folder_tokenizer

SHARED = ("clip", "siglip")  # models whose towers end in one space
_COUNTERS = ("text_model.embeddings.position_ids", "vision_model.embeddings.position_ids")


def both_towers(folder: Path, weights: str | Path) -> tuple[Any, dict[str, str], tuple[str, ...]]:
    """The model with its weights, where these came from, and notes on prefixes.

    Args:
        folder: with ``config.json``.
        weights: default (those of the folder), none, or a file.

    Raises:
        WeightsError: it has no space that images and texts share, or its weights do not fit.
    """
    from transformers import AutoConfig, AutoModel  # seconds of import

    blank: Any = AutoModel.from_config  # it ships no types
    with said_by("transformers", f"the model in {str(folder)!r} cannot be loaded"):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        if config.model_type not in SHARED:
            raise WeightsError(
                f"{folder} holds a model of the kind {config.model_type!r}, whose images stand in "
                f"no space with texts; pool: shared is for {' and '.join(SHARED)} with both towers"
            )
        model = blank(config, dtype=torch.float32, trust_remote_code=False)
    record, notes = loaded(model, folder, weights, _COUNTERS)
    return model.eval(), record, notes


def projection_of(model: Any) -> nn.Module:
    """What takes the pooled vector of an image into the space; a SigLIP's head ends there."""
    found: nn.Module = getattr(model, "visual_projection", None) or nn.Identity()
    return found


def encoded_prompts(folder: Path, weights: str | Path, prompts: Sequence[str]) -> EncodedPrompts:
    """What the tower of texts makes of prompts, with the scale and the bias of the model.

    Args:
        folder: of the model, with its tokenizer.
        weights: as for ``both_towers``.
        prompts: none of them is empty.

    Raises:
        WeightsError: as ``both_towers``; or the tokenizer is absent or of another model.
    """
    model, _, _ = both_towers(folder, weights)
    tokenizer = folder_tokenizer(folder)
    rows = _ids(folder, model, tokenizer, prompts)
    projection = getattr(model, "text_projection", None) or nn.Identity()
    vectors = [projection(model.text_model(input_ids=row).pooler_output) for row in rows]
    scale, bias = model.logit_scale.detach(), getattr(model, "logit_bias", None)
    added = None if bias is None else float(bias.detach())
    plain = tokenizer(list(prompts), add_special_tokens=False)["input_ids"]
    positions = model.config.text_config.max_position_embeddings
    room = max(positions - tokenizer.num_special_tokens_to_add(), 0)
    count = token_count(tokenizer, plain, room)
    return EncodedPrompts(torch.cat(vectors).float(), float(scale.exp()), added, count)


def _ids(folder: Path, model: Any, tokenizer: Any, prompts: Sequence[str]) -> list[Tensor]:
    """Ids [1, N] of each prompt; a SigLIP reads all of its positions, as in its training."""
    config = model.config.text_config
    whole = model.config.model_type == "siglip"
    found = tokenizer(
        list(prompts), truncation=True, max_length=config.max_position_embeddings,
        padding="max_length" if whole else False,
    )["input_ids"]  # fmt: skip
    known, largest = config.vocab_size, max(map(max, found))
    if largest >= known:
        raise WeightsError(
            f"{folder}: the tokenizer writes the token {largest}, the model knows {known}: they do "
            "not belong together"
        )
    end = end_of_text(tokenizer, config)
    if not whole and any(row[-1] != end for row in found):
        raise WeightsError(
            f"{folder}: the model pools at the token {end}, which ends a text, and the tokenizer "
            "writes none; use the tokenizer that belongs to the model"
        )
    return [torch.tensor([row]) for row in found]
