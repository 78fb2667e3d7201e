"""From the parts that a spec names to one trainable model."""

from mmx.model.assembly import assemble, build_encoder, build_untaught_encoder, random_stream
from mmx.model.encoder_trial import (
    built_encoder,
    kind_of,
    reads_size,
    try_encoder,
    without_download,
)
from mmx.model.head_norm import HeadNorm
from mmx.model.model import Model
from mmx.model.projection import Projection
from mmx.model.shared_names import told_apart
from mmx.model.trying import check_spec, tried_encoder, tried_encoders

__all__ = [
    "HeadNorm", "Model", "Projection", "assemble", "build_encoder", "build_untaught_encoder",
    "built_encoder", "check_spec", "kind_of", "random_stream", "reads_size", "told_apart",
    "tried_encoder", "tried_encoders", "try_encoder", "without_download",
]  # fmt: skip
