"""The spec of an experiment: models, reading with the place of every fault, schema, difference."""

from mmx.spec.agreement import corrections
from mmx.spec.choice import PLUGINS, Backbone, MethodChoice, chosen
from mmx.spec.closed import ClosedModel
from mmx.spec.column_record import with_record
from mmx.spec.column_roles import Columns, guess_columns
from mmx.spec.column_splits import torn_by
from mmx.spec.data import CacheSpec, DataSpec, ImageSpec, names_of
from mmx.spec.difference import ABSENT, Difference, diff_specs, differences
from mmx.spec.explain import explain
from mmx.spec.former import check_trainable, former_faults
from mmx.spec.idle import idle_keys
from mmx.spec.load import load_spec
from mmx.spec.merge import override
from mmx.spec.model import ModelSpec, ProjectionSpec
from mmx.spec.named_images import images_named, too_many_images
from mmx.spec.schema import spec_schema
from mmx.spec.short import short_key
from mmx.spec.spec_file import read_text
from mmx.spec.split import PARTS, Seed, SplitSpec, part_named
from mmx.spec.template import write_template
from mmx.spec.train import AuditSpec, EvaluationSpec, OptimizerSpec, TrainSpec
from mmx.spec.tree import Location, Node, read_tree
from mmx.spec.whole import Spec
from mmx.spec.write import inline

__all__ = [
    "ABSENT", "PARTS", "PLUGINS", "AuditSpec", "Backbone", "CacheSpec", "ClosedModel", "Columns",
    "DataSpec", "Difference", "EvaluationSpec", "ImageSpec", "Location", "MethodChoice",
    "ModelSpec", "Node", "OptimizerSpec", "ProjectionSpec", "Seed", "Spec", "SplitSpec",
    "TrainSpec", "check_trainable", "chosen", "corrections", "diff_specs", "differences", "explain",
    "former_faults", "guess_columns", "idle_keys", "images_named", "inline", "load_spec",
    "names_of", "override", "part_named", "read_text", "read_tree", "short_key", "spec_schema",
    "too_many_images", "torn_by", "with_record", "write_template",
]  # fmt: skip
