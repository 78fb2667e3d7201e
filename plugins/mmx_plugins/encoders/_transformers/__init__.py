"""What the encoders of the library transformers share: folders of models, and their halves."""

from mmx_plugins.encoders._transformers.both_towers import encoded_prompts
from mmx_plugins.encoders._transformers.folder import model_folder
from mmx_plugins.encoders._transformers.halves import TextHalf, text_half
from mmx_plugins.encoders._transformers.last_stage import last_layer
from mmx_plugins.encoders._transformers.processor import Preprocessing, preprocessing
from mmx_plugins.encoders._transformers.silence import quiet
from mmx_plugins.encoders._transformers.text_checks import (
    TextPool,
    check_alone,
    check_pool,
    check_vocabulary,
)
from mmx_plugins.encoders._transformers.tokenizer import folder_tokenizer
from mmx_plugins.encoders._transformers.vision import Pool, VisionHalf, vision_half
from mmx_plugins.encoders._transformers.vision_family import VisionFamily

__all__ = [
    "Pool", "Preprocessing", "TextHalf", "TextPool", "VisionFamily", "VisionHalf", "check_alone",
    "check_pool", "check_vocabulary", "encoded_prompts", "folder_tokenizer", "last_layer",
    "model_folder", "preprocessing", "quiet", "text_half", "vision_half",
]  # fmt: skip
