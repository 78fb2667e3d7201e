"""A loss that breaks its promise is told so when a run begins."""

from typing import Any, Literal

import pytest
import torch
from pydantic import Field
from torch import Tensor, nn

import mmx
from mmx import Loss, LossParams, LossValue, MmxError, Outputs, PluginError, ShapeError, commands
from mmx.testing.targets import question_of
from mmx.training import try_loss


class FaultyParams(LossParams):
    """Settings of a cross-entropy with a chosen fault."""

    type: Literal["faulty"] = "faulty"
    fault: str = Field(default="", description="what is wrong")

    def build(self, class_counts: Tensor) -> Loss:
        if self.fault == "type":
            return nn.CrossEntropyLoss()  # type: ignore[return-value]
        return Faulty(self.fault)


class Faulty(Loss):
    """Cross-entropy, per sample or mean."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> Any:
        each = nn.functional.cross_entropy(outputs.logits, target, reduction="none")
        if self.fault == "part":
            return outputs.part_logits["image"]
        total: Tensor | float = each if self.fault == "shape" else each.mean()
        total = 1.0 if self.fault == "number" else total
        return total if self.fault == "tensor" else LossValue(total, {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("type", PluginError, "build() gave a CrossEntropyLoss; return an instance of a class"),
        ("tensor", PluginError, "returned a Tensor instead of LossValue; return LossValue("),
        ("shape", ShapeError, "a total of shape [2] for a batch of 2, not a scalar; take its mean"),
        ("number", ShapeError, "a total of type float for a batch of 2, not a scalar"),
        ("part", ShapeError, "fails on a batch of 2 (logits [2, 3]): "),
    ],
)
def test_a_loss_that_breaks_its_promise_is_told_what_to_change(
    fault: str, kind: type[MmxError], words: str
) -> None:
    params = FaultyParams(fault=fault)
    with pytest.raises(kind) as caught:
        try_loss(
            params, params.build(torch.ones(3)), torch.zeros(2, 3), torch.zeros(2, dtype=torch.long)
        )
    assert words in str(caught.value)
    assert str(caught.value).startswith("loss.faulty")


def test_a_part_that_is_not_declared_is_told_with_its_line() -> None:
    params = FaultyParams(fault="part")
    with pytest.raises(ShapeError, match=r"test_loss_trial\.py:\d+: KeyError: 'image'"):
        try_loss(
            params, params.build(torch.ones(3)), torch.zeros(2, 3), torch.zeros(2, dtype=torch.long)
        )


@pytest.mark.parametrize("method", mmx.Plugins().installed("loss"), ids=lambda one: str(one.type))
def test_every_installed_loss_passes_and_keeps_its_mode(method: commands.InstalledMethod) -> None:
    params = mmx.Plugins().find("loss", method.long_name)()
    assert isinstance(params, LossParams)
    question = question_of(params)
    loss, outputs = params.build(question.counts), question.outputs(2)
    before = torch.get_rng_state()
    try_loss(params, loss, outputs.logits, question.target[:2])
    assert loss.training
    assert torch.equal(torch.get_rng_state(), before)
