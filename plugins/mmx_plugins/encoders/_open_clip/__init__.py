"""What the two encoders of the library open_clip share: folders of models, and their towers."""

from mmx_plugins.encoders._open_clip.folder import ClipFolder, clip_folder
from mmx_plugins.encoders._open_clip.images import ImageTower, Pool, image_tower
from mmx_plugins.encoders._open_clip.processor import Preprocessing, preprocessing
from mmx_plugins.encoders._open_clip.prompts import encoded_prompts
from mmx_plugins.encoders._open_clip.texts import TextTower, text_side
from mmx_plugins.encoders._open_clip.tokens import ClipTokenizer

__all__ = [
    "ClipFolder", "ClipTokenizer", "ImageTower", "Pool", "Preprocessing", "TextTower",
    "clip_folder", "encoded_prompts", "image_tower", "preprocessing", "text_side",
]  # fmt: skip
