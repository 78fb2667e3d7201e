"""Laws of fusions of two in a model of more: what joining other modalities may change."""

import torch

from mmx.interfaces import FusionParams, PairFusionParams
from mmx.testing.law import same
from mmx.testing.subjects import FusionSubject

TWO = ("image", "text")
THREE = ("image", "text", "record")
TURNED = ("image", "record", "text")


def absent_joined(params: FusionParams) -> str | None:
    """Of a fusion of two: a joined modality that is absent everywhere changes nothing."""
    if not _joins(params):
        return "joins nothing"
    small, large = FusionSubject(params, TWO), FusionSubject(params, THREE)
    module, wide = small.awake(), large.build()
    wide.load_state_dict(module.state_dict(), strict=False)  # but the marks, which start at 0
    image, text, record = large.inputs()
    record = record.with_present(torch.zeros_like(record.present))
    for given in ((image, text), small.lacking((image, text))):
        wanted = {"result": small.fuse(module, given).pooled}
        got = {"result": large.fuse(wide, (*given, record)).pooled}
        same(got, wanted, "beside a record that is absent everywhere")
    return None


def order_of_joined(params: FusionParams) -> str | None:
    """Of a fusion of two: the order of the modalities that are joined does not matter."""
    if not _joins(params):
        return "joins nothing"
    one, other = FusionSubject(params, THREE), FusionSubject(params, TURNED)
    module, turned = one.awake(), other.build()
    state = dict(module.state_dict())
    state["marks"] = state["marks"].flip(0)
    turned.load_state_dict(state)
    image, text, record = one.lacking(one.inputs())
    wanted = {"result": one.fuse(module, (image, text, record)).pooled}
    got = {"result": other.fuse(turned, (image, record, text)).pooled}
    same(got, wanted, "with the joined modalities in another order")
    return None


def _joins(params: FusionParams) -> bool:
    most = params.takes[1]
    return isinstance(params, PairFusionParams) and (most is None or most >= len(THREE))
