"""What the encoders of the library transformers share: folders of models, and their halves."""

from mmx_plugins.encoders._transformers.folder import model_folder
from mmx_plugins.encoders._transformers.halves import TextHalf, text_half
from mmx_plugins.encoders._transformers.silence import quiet

__all__ = ["TextHalf", "model_folder", "quiet", "text_half"]
