"""Sentences in the space that images and texts share."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn.functional import normalize

from mmx.interfaces import EncodedPrompts
from mmx_plugins.encoders._open_clip.folder import ClipFolder
from mmx_plugins.encoders._open_clip.texts import text_side


def encoded_prompts(
    folder: ClipFolder, weights: str | Path, prompts: Sequence[str]
) -> EncodedPrompts:
    """What the tower of texts makes of prompts, with the scale and the bias of the model.

    Args:
        folder: of the model.
        weights: default (those of the folder), none, or a file.
        prompts: none of them is empty.
    """
    scale, bias = folder.scale(weights)
    tower, tokenizer = text_side(folder, weights, ())
    tower.trunk.eval()
    vectors = []
    for row in tokenizer.rows(prompts):
        ids = torch.tensor([row])
        _, pooled, _ = tower.trunk(ids, torch.ones_like(ids, dtype=torch.bool))
        vectors.append(normalize(tower.projection(pooled).float(), dim=-1))
    return EncodedPrompts(torch.cat(vectors), scale, bias, tokenizer.count(prompts))
