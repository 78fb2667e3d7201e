"""Small models of open_clip in folders, every number drawn afresh."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, processors
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import BertConfig, PreTrainedTokenizerFast

from mmx_plugins.encoders.open_clip import OpenClipEncoder, OpenClipParams
from mmx_plugins.encoders.open_clip_text import OpenClipTextEncoder, OpenClipTextParams

afresh: Callable[..., Any] = sys.modules["afresh"].afresh

VIT: dict[str, Any] = {
    "image_size": 32, "layers": 3, "width": 16, "head_width": 8, "patch_size": 8,
}  # fmt: skip
TEXT: dict[str, Any] = {
    "context_length": 12, "vocab_size": 40, "width": 16, "heads": 2, "layers": 3,
    "hf_tokenizer_name": "words",
}  # fmt: skip
BERT: dict[str, Any] = {
    "hf_model_name": "somebody/bert", "hf_tokenizer_name": "somebody/bert", "context_length": 12,
    "hf_proj_type": "mlp", "hf_pooler_type": "cls_last_hidden_state_pooler",
}  # fmt: skip
SIGLIP = {**TEXT, "no_causal_mask": True, "pool_type": "last", "pad_id": 1, "proj_bias": True}
CLIPS: dict[str, Any] = {
    "vision_cfg": VIT, "custom_text": True,
    "text_cfg": {**TEXT, "tokenizer_mode": "clips", "pool_type": "last", "no_causal_mask": True},
}  # fmt: skip
"""A class token stands behind the padding."""
COCA_TEXT = {**TEXT, "context_length": 11, "embed_cls": True, "output_tokens": True}
MODELS: dict[str, dict[str, Any]] = {
    "clip": {"vision_cfg": VIT, "text_cfg": TEXT},
    "quick": {
        "vision_cfg": {**VIT, "pool_type": "avg", "final_ln_after_pool": True, "no_ln_pre": True},
        "text_cfg": {**TEXT, "pool_type": "eos", "eos_id": 3},
        "quick_gelu": True, "custom_text": True,
    },
    "mean": {
        "vision_cfg": {**VIT, "pool_type": "avg", "ls_init_value": 0.1},
        "text_cfg": {**TEXT, "pool_type": "first", "no_causal_mask": True},
        "custom_text": True,
    },
    "resnet": {
        "vision_cfg": {"image_size": 64, "layers": [1, 2, 1, 1], "width": 8, "head_width": 64},
        "text_cfg": TEXT,
    },
    "biomed": {
        "vision_cfg": {"timm_model_name": "test_vit", "timm_pool": "", "timm_proj": "linear",
                       "image_size": 160},
        "text_cfg": BERT,
    },
    "pooler": {
        "vision_cfg": {"timm_model_name": "test_convnext", "timm_proj": "mlp", "image_size": 160},
        "text_cfg": {**BERT, "hf_pooler_type": "cls_pooler", "hf_proj_type": "linear"},
    },
    "siglip": {
        "vision_cfg": {"timm_model_name": "test_vit3", "timm_pool": "map", "timm_proj": "none",
                       "image_size": 160},
        "text_cfg": SIGLIP, "custom_text": True, "init_logit_bias": -10,
    },
    "coca": {
        "vision_cfg": {**VIT, "attentional_pool": True, "attn_pooler_queries": 5,
                       "attn_pooler_heads": 2, "output_tokens": True},
        "text_cfg": COCA_TEXT, "custom_text": True,
        "multimodal_cfg": {"width": 16, "context_length": 11, "vocab_size": 40, "layers": 1,
                           "heads": 2},
    },
    "plain coca": {
        "vision_cfg": {**VIT, "output_tokens": True},
        "text_cfg": COCA_TEXT, "custom_text": True,
        "multimodal_cfg": {"width": 16, "context_length": 11, "vocab_size": 40, "layers": 1,
                           "heads": 2},
    },
}  # fmt: skip


def reference(config: dict[str, Any], folder: Path) -> Any:
    """The library's own model."""
    import open_clip

    given = {"embed_dim": config.get("embed_dim", 8), **config}
    plain = not given.pop("custom_text", False) and "hf_model_name" not in given["text_cfg"]
    if "hf_model_name" in given["text_cfg"]:
        given["text_cfg"] = {
            **given["text_cfg"], "hf_model_name": str(folder), "hf_model_pretrained": False
        }  # fmt: skip
    build: Any = open_clip.CLIP if plain else open_clip.CustomTextCLIP
    build = open_clip.CoCa if "multimodal_cfg" in given else build
    return build(**given)


def write(folder: Path, name: str, preprocess: dict[str, Any] | None = None) -> Any:
    """Write the folder of a model, laid out as BiomedCLIP is, and give the library's own."""
    config = CLIPS if name == "clips" else MODELS[name]
    if name == "siglip":  # a head by attention pools to the width of the network
        config = {**config, "embed_dim": 96}
    folder.mkdir(exist_ok=True)
    BertConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=3, num_attention_heads=2,
        intermediate_size=24, max_position_embeddings=20,
    ).save_pretrained(folder)  # fmt: skip
    words(folder, 1 if name == "siglip" else 0, ends=name == "clips")
    network = reference(config, folder).eval()  # its mask of the future is a buffer, not drawn
    network.load_state_dict(afresh(reference(config, folder)).state_dict())
    told = {"model_cfg": {"embed_dim": 8, **config}, "preprocess_cfg": preprocess or {}}
    (folder / "open_clip_config.json").write_text(json.dumps(told))
    torch.save(network.state_dict(), folder / "open_clip_pytorch_model.bin")
    return network


def image_encoder(folder: Path, **settings: Any) -> OpenClipEncoder:
    """What reads images of the model in a folder."""
    params = OpenClipParams.model_validate({"model": folder, **settings})
    return params.build().eval()  # type: ignore[return-value]


def text_encoder(folder: Path, **settings: Any) -> OpenClipTextEncoder:
    """What reads texts of the model in a folder."""
    params = OpenClipTextParams.model_validate({"model": folder, **settings})
    return params.build().eval()  # type: ignore[return-value]


def words(folder: Path, padding: int, *, ends: bool = False) -> None:
    """A tokenizer of eight words; texts begin with [CLS] and end with [END], the highest id."""
    known = {word: n for n, word in enumerate(["[PAD]", "[PAD2]", "[CLS]", "[SEP]", *"abcdefgh"])}
    known |= {"[UNK]": 38, "[END]": 39}
    rules = Tokenizer(WordLevel(known, unk_token="[UNK]"))
    rules.pre_tokenizer = Whitespace()
    rules.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP] [END]",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3), ("[END]", 39)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=rules, unk_token="[UNK]", pad_token="[PAD2]" if padding else "[PAD]",
        model_max_length=20,
        **({"bos_token": "[SEP]", "eos_token": "[END]", "cls_token": "[CLS]"} if ends else {}),
    ).save_pretrained(folder)  # fmt: skip
