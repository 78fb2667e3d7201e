"""From the parts that a spec names to one trainable model."""

from mmx.model.assembly import assemble, build_image_encoder
from mmx.model.model import SIDES, Model
from mmx.model.projection import Projection

__all__ = ["SIDES", "Model", "Projection", "assemble", "build_image_encoder"]
