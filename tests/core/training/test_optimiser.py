"""Learning rates and weight decay by kind of layer."""

from typing import Any

import pytest
import torch

from mmx.errors import RunError
from mmx.spec import OptimizerSpec
from mmx.training.optimiser import build_optimizer, parameter_groups, set_rates

SETTINGS = OptimizerSpec(lr=1.0, rates={"image": 0.1, "text": 0.01}, weight_decay=0.5)


def rates_and_decays(model: Any) -> dict[str, tuple[float, float]]:
    places = {
        id(parameter): (group["lr"], group["weight_decay"])
        for group in parameter_groups(model, SETTINGS)
        for parameter in group["params"]
    }
    return {n: places[id(p)] for n, p in model.named_parameters() if id(p) in places}


def test_each_kind_of_layer_has_its_rate_and_vectors_no_decay(tiny: Any) -> None:
    found = rates_and_decays(tiny.Tiny())
    assert found["encoders.image.0.weight"] == (0.1, 0.5)
    assert found["encoders.image.0.bias"] == found["encoders.image.1.weight"] == (0.1, 0.0)
    assert found["encoders.text.weight"] == (0.01, 0.5)
    assert found["head.2.weight"] == (1.0, 0.5)
    assert found["head.0.weight"] == (1.0, 0.0)
    assert len(found) == len(list(tiny.Tiny().parameters()))


def test_an_encoder_of_another_name_learns_at_the_rate_of_its_kind(tiny: Any) -> None:
    model = tiny.Tiny()
    model.encoders["clinic"] = model.encoders.pop("image")
    for settings, kinds, rate in (
        (OptimizerSpec(lr=1.0), {"clinic": "image"}, 1e-4),
        (OptimizerSpec(lr=1.0), {"clinic": "ecg"}, 1.0),
        (OptimizerSpec(lr=1.0, rates={"clinic": 0.3}), {"clinic": "image"}, 0.3),
    ):
        groups = {one["kind"]: one["lr"] for one in parameter_groups(model, settings, kinds)}
        assert groups == {"text": 2e-5, "clinic": rate, "new": 1.0}


def test_a_parameter_may_ask_for_no_decay(tiny: Any) -> None:
    model = tiny.Tiny()
    model.head[2].weight.no_weight_decay = True
    assert rates_and_decays(model)["head.2.weight"] == (1.0, 0.0)


def test_frozen_parameters_are_left_out(tiny: Any) -> None:
    model = tiny.Tiny()
    model.encoders["image"].requires_grad_(False)
    assert not any(name.startswith("encoders.image") for name in rates_and_decays(model))
    with pytest.raises(RunError, match="no parameter"):
        build_optimizer(model.requires_grad_(False), SETTINGS)


def test_a_factor_scales_every_rate_from_its_own_start(tiny: Any) -> None:
    optimizer = build_optimizer(tiny.Tiny(), SETTINGS)
    for factor in (0.5, 0.25):
        set_rates(optimizer, factor)
    assert {group["lr"] for group in optimizer.param_groups} == {0.25, 0.025, 0.0025}


@pytest.mark.parametrize(("name", "oracle"), [("adamw", "AdamW"), ("adam", "Adam"), ("sgd", "SGD")])
def test_a_step_is_that_of_plain_torch(name: str, oracle: str, tiny: Any) -> None:
    settings = OptimizerSpec.model_validate(
        {"type": name, "lr": 0.1, "lr_image": 0.1, "lr_text": 0.1, "weight_decay": 0}
    )
    ours, theirs = tiny.Tiny(plain=True), tiny.Tiny(plain=True)
    extra = {"momentum": 0.9} if name == "sgd" else {}
    reference = getattr(torch.optim, oracle)(
        theirs.parameters(), lr=0.1, weight_decay=0, foreach=False, **extra
    )
    for model, optimizer in ((ours, build_optimizer(ours, settings)), (theirs, reference)):
        for _ in range(3):
            batch, target = tiny.TinyPart(20, 0).batch(range(20))
            torch.nn.functional.cross_entropy(model(batch).logits, target).backward()
            optimizer.step()
            optimizer.zero_grad()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, atol=1e-6, rtol=1e-4)
