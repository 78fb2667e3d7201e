"""Folders of transformers as a user would have them, with networks of a few thousand weights."""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "lesion", "on", "the", "back", "."]
ENCODERS = Path(__file__).parents[1] / "plugins" / "encoders"
SMALL: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24,
}  # fmt: skip


def text_folder(folder: Path) -> Path:
    """A BERT with its words."""
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    BertModel(BertConfig(vocab_size=len(WORDS), **SMALL)).save_pretrained(folder)
    return folder


def image_folder(folder: Path) -> Path:
    """A ViT of 32 x 32 pixels."""
    from transformers import ViTConfig, ViTModel

    ViTModel(ViTConfig(image_size=32, patch_size=8, **SMALL)).save_pretrained(folder)
    shown = {
        "image_processor_type": "ViTImageProcessor", "do_resize": True, "resample": 2,
        "size": {"height": 32, "width": 32}, "do_normalize": True, "do_rescale": True,
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(shown))
    return folder


def clip_folder(folder: Path) -> Path:
    """A CLIP of 32 x 32 pixels and twelve words, as the tests of its encoders write it."""
    sys.path.insert(0, str(ENCODERS))
    try:
        import_module("afresh")  # the next one expects it
        import_module("clip_folders").write(folder, "clip")
    finally:
        sys.path.remove(str(ENCODERS))
    return folder
