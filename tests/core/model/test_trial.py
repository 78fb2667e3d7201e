"""A fusion or head that breaks its promise is told so when the model is assembled."""

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn

import mmx
from mmx import FeatureShape, FusionParams, MmxError, PluginError, ShapeError, commands
from mmx.blocks import Softmax
from mmx.interfaces import DecisionFusion
from mmx.model import Model
from mmx.model.trial import check_fusion, try_model

FAULTS = [
    ("type", PluginError, "fusion.faulty: build_pair() gave a Linear; return an instance"),
    ("no dim", PluginError, "fusion.faulty: dim of its module is None; set self.dim in __init__"),
    ("tensor", PluginError, "returned a tensor [2, 6] instead of Features; for a tensor [B, D]"),
    ("rows", ShapeError, "returned pooled [1, 6] for a batch of 2; samples are the first"),
    ("width", ShapeError, "returned pooled [B, 7], but its dim is 6; let its last layer give 6"),
    (
        "input",
        ShapeError,
        "fusion.faulty fails on a batch of 2 (image: tokens [2, 1, 4], text: t",
    ),
]
HEAD_FAULTS = [
    ("type", PluginError, "head.crooked: build() gave a Linear; return an instance of a class"),
    ("tensor", PluginError, "returned a tensor [2, 3] instead of HeadOutput; return HeadOutput("),
    ("classes", ShapeError, "logits [2, 4] for a batch of 2 and 3 classes, not [2, 3]"),
]


@pytest.mark.parametrize(("fault", "kind", "words"), FAULTS)
def test_a_fusion_that_breaks_its_promise_is_told_what_to_change(
    assembled: Callable[..., Model], fault: str, kind: type[MmxError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        assembled(fusion=fault)
    assert words in str(caught.value)
    assert "fusion.faulty" in str(caught.value)


@pytest.mark.parametrize(("fault", "kind", "words"), HEAD_FAULTS)
def test_a_head_that_breaks_its_promise_is_told_what_to_change(
    assembled: Callable[..., Model], fault: str, kind: type[MmxError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        assembled(head=fault)
    assert words in str(caught.value)
    assert "head.crooked" in str(caught.value)


def test_what_a_fusion_raises_is_shown_with_its_line(assembled: Callable[..., Model]) -> None:
    with pytest.raises(ShapeError, match=r"conftest\.py:\d+: RuntimeError: mat1 and mat2") as told:
        assembled(fusion="input")
    assert isinstance(told.value.__cause__, RuntimeError)


def test_a_fusion_of_decisions_must_give_logits_of_each_class() -> None:
    class Sum(DecisionFusion):
        def combine(self, log_probs: Mapping[str, Tensor], present: Tensor) -> Tensor:
            return torch.stack([*log_probs.values()]).sum(dim=(0, 2))

    params, head = mmx.Plugins().find("fusion", "late")(), mmx.Plugins().find("head", "mlp")()
    heads = {side: head.build(4, 3) for side in ("image", "text")}  # type: ignore[attr-defined]
    shapes = {side: FeatureShape(4) for side in heads}
    with pytest.raises(
        ShapeError, match=r"fusion.late: combine\(\) returned a tensor \[2\], not log"
    ):
        try_model((params, Sum()), (head, heads), shapes, Softmax(3))


def test_the_try_leaves_modes_statistics_and_random_numbers_alone(
    assembled: Callable[..., Model], random_state: Tensor
) -> None:
    model = assembled(fusion="asleep")
    fusion = model.fusion
    asleep = [name for name, module in fusion.named_modules() if not module.training]
    assert asleep == ["pair.drop"]
    norm = fusion.get_submodule("pair.norm")
    assert isinstance(norm, nn.BatchNorm1d)
    assert int(norm.num_batches_tracked) == 0  # type: ignore[arg-type]
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("method", mmx.Plugins().installed("fusion"), ids=lambda one: str(one.type))
@pytest.mark.parametrize("head", ["mlp", "attention_pool"])
def test_every_installed_fusion_passes_with_a_head_on_vectors_and_one_on_tokens(
    method: commands.InstalledMethod, head: str
) -> None:
    params = mmx.Plugins().find("fusion", method.long_name)()
    assert isinstance(params, FusionParams)
    shapes = {side: FeatureShape(64, (64, 64, 64)) for side in ("image", "text")}
    fusion = params.build(shapes)
    check_fusion(params, fusion)
    settings = mmx.Plugins().find("head", head)()
    sides = ("image", "text") if isinstance(fusion, DecisionFusion) else ("fused",)
    width = getattr(fusion, "dim", 64)
    heads = {side: settings.build(width, 5) for side in sides}  # type: ignore[attr-defined]
    widths = try_model((params, fusion), (settings, heads), shapes, Softmax(5))
    assert isinstance(fusion, DecisionFusion) == (widths == {})
