"""The spec of an experiment: models, reading with the place of every fault, schema, difference."""

from mmx.spec.choice import Backbone, Chosen, chosen
from mmx.spec.columns import Columns, guess_columns
from mmx.spec.data import CacheSpec, DataSpec, ImageSpec
from mmx.spec.difference import ABSENT, Difference, diff_specs, differences
from mmx.spec.idle import idle_keys
from mmx.spec.load import load_spec
from mmx.spec.model import ModelSpec, ProjectionSpec
from mmx.spec.places import images_named, too_many_images
from mmx.spec.schema import spec_schema
from mmx.spec.split import SplitSpec, part_named
from mmx.spec.template import write_template
from mmx.spec.train import AuditSpec, EvaluationSpec, OptimizerSpec, TrainSpec
from mmx.spec.whole import Spec

__all__ = [
    "ABSENT", "AuditSpec", "Backbone", "CacheSpec", "Chosen", "Columns", "DataSpec", "Difference",
    "EvaluationSpec", "ImageSpec", "ModelSpec", "OptimizerSpec", "ProjectionSpec", "Spec",
    "SplitSpec", "TrainSpec", "chosen", "diff_specs", "differences", "guess_columns", "idle_keys",
    "images_named", "load_spec", "part_named", "spec_schema", "too_many_images", "write_template",
]  # fmt: skip
