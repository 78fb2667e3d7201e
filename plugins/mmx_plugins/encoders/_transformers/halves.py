"""The half of a model that reads texts: BERT, the encoder of T5 and BART, a tower of CLIP."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmx.blocks import WeightsFile, find_weights, folder_tensors, read_tensors
from mmx.errors import WeightsError, said_by
from mmx_plugins.encoders._transformers.names import load_published
from mmx_plugins.encoders._transformers.siglip import KIND, SiglipTexts, siglip_network

_TOWERS = {"clip", "siglip"}  # models of pictures and texts whose tower of texts is read
_HEADS = ("cls.", "lm_head.", "classifier.", "qa_outputs.")  # of tasks that a model learned before
_COUNTER = "embeddings.position_ids"  # which old versions wrote down
_WANTED = (
    "this method reads encoders of texts, such as BERT, RoBERTa, MiniLM, T5, BART, CLIP or SigLIP"
)


@dataclass(frozen=True, slots=True)
class TextHalf:
    """A network of transformers that reads texts, with its weights.

    Attributes:
        network: gives ``last_hidden_state`` and ``hidden_states``.
        record: where the weights came from.
        notes: sentences on prefixes that were taken off.
    """

    network: Any
    record: dict[str, str]
    notes: tuple[str, ...] = ()


def text_half(folder: Path, weights: str | Path | WeightsFile, *, pooler: bool) -> TextHalf:
    """Build the half of a model that reads texts, and load its weights.

    Args:
        folder: with ``config.json``.
        weights: default (those of the folder), none, a file, or one that was found already.
        pooler: whether the model's own pooling layer is used; else it needs no weights.

    Raises:
        WeightsError: the model is of another kind, or its weights do not fit.
    """
    from transformers import AutoConfig, AutoModel  # seconds of import

    blank: Any = AutoModel.from_config  # it ships no types
    failed = (
        f"text model {str(folder)!r} cannot be loaded; give bundled, a folder with config.json, "
        "tokenizer and weights, or the name of a model on the hub"
    )
    with said_by("transformers", failed):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        config = _of_texts(config, folder)
        told = _in_full(config, folder)
        build: Any = siglip_network if config.model_type == KIND else blank
        whole = build(config, dtype=torch.float32, trust_remote_code=False)
    if not pooler and isinstance(getattr(whole, "pooler", None), nn.Module):
        # it would take no part, and so never get a gradient; some models call it all the same
        whole.pooler = nn.Identity()
    network = whole.get_encoder() if _has_decoder(whole) else whole
    _check_kind(network, folder)
    record, notes = _load(whole, folder, weights, pooler=pooler)
    if network.config.model_type == KIND:
        network = SiglipTexts(network, pooler=pooler)
    return TextHalf(network.eval(), record, (*notes, *told))


def _of_texts(config: Any, folder: Path) -> Any:
    """The configuration of what reads texts: the model's own, or that of its tower of texts."""
    inner = getattr(config, "text_config", None)
    if inner is None or isinstance(getattr(config, "hidden_size", None), int):
        return config
    if config.model_type not in _TOWERS:
        raise WeightsError(
            f"{folder} holds a model of the kind {config.model_type!r}, whose half for texts is "
            f"not read; {_WANTED}"
        )
    return inner


def _in_full(config: Any, folder: Path) -> tuple[str, ...]:
    """Let all tokens of a text attend to each other; a sentence where the files say otherwise.

    The library attends in blocks to long texts, until a short one comes: from then on in full. So
    an answer would depend on what was asked before.
    """
    if getattr(config, "attention_type", None) != "block_sparse":
        return ()
    config.attention_type = "original_full"
    return (
        f"{folder}: all tokens of a text attend to each other; the model was trained to attend in "
        "blocks (block_sparse), which the library does for some texts and not for others",
    )


def _has_decoder(whole: object) -> bool:
    return all(isinstance(getattr(whole, name, None), nn.Module) for name in ("encoder", "decoder"))


def _check_kind(network: Any, folder: Path) -> None:
    """Refuse what is no encoder of texts, by the kind of model that was found."""
    config = network.config
    kind = f"{folder} holds a model of the kind {getattr(config, 'model_type', '?')!r}"
    if getattr(network, "main_input_name", "input_ids") != "input_ids":
        raise WeightsError(f"{kind}, which reads no texts; {_WANTED}")
    sizes = ("num_hidden_layers", "hidden_size")
    if any(not isinstance(getattr(config, name, None), int) for name in sizes):
        raise WeightsError(f"{kind}, which has no layers of one width; {_WANTED}")


def _load(
    whole: object, folder: Path, weights: str | Path | WeightsFile, *, pooler: bool
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Load the folder's weights or a file, and say where they came from."""
    unused = [_COUNTER, *_HEADS]
    unused += [] if pooler and getattr(whole, "pooler", None) is not None else ["pooler."]
    unused += ["decoder."] if _has_decoder(whole) else []
    return loaded(whole, folder, weights, unused)


def loaded(
    network: object, folder: Path, weights: str | Path | WeightsFile, unused: Sequence[str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Load the weights of a folder or a file into a network; where they came from, and notes."""
    if weights == "none":
        return {"origin": "none", "sha256": ""}, ()
    if weights in ("default", "bundled"):
        tensors, record = folder_tensors(folder)
    else:
        found = weights if isinstance(weights, WeightsFile) else find_weights(weights)
        tensors, record = read_tensors(found.path), found.record()
    return record, load_published(network, tensors, record["origin"], unused)
