"""What the encoders of the library transformers share: folders of models, and their halves."""

from mmx_plugins.encoders._transformers.both_towers import encoded_prompts
from mmx_plugins.encoders._transformers.folder import model_folder
from mmx_plugins.encoders._transformers.halves import TextHalf, text_half
from mmx_plugins.encoders._transformers.processor import Preprocessing, preprocessing
from mmx_plugins.encoders._transformers.silence import quiet
from mmx_plugins.encoders._transformers.tokenizer import end_of_text, folder_tokenizer
from mmx_plugins.encoders._transformers.vision import Pool, VisionHalf, vision_half
from mmx_plugins.encoders._transformers.vision_family import VisionFamily

__all__ = [
    "Pool", "Preprocessing", "TextHalf", "VisionFamily", "VisionHalf", "encoded_prompts",
    "end_of_text", "folder_tokenizer", "model_folder", "preprocessing", "quiet", "text_half",
    "vision_half",
]  # fmt: skip
