"""Short forms of keys are the long ones, wherever a key may stand."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

import mmx
from mmx import commands
from mmx.spec import ModelSpec, OptimizerSpec, short_key
from mmx.spec.short import long_path, short_forms
from mmx.spec.whole import Spec

Load = Callable[..., mmx.Spec]
LONG = "encoders: {image: toy_eye, text: toy_ear}"


@pytest.fixture
def long(good: str) -> str:
    return good.replace("  image: toy_eye\n  text: toy_ear\n", f"  {LONG}\n")


def test_both_forms_are_one_spec(load: Load, good: str, long: str) -> None:
    assert long != good
    assert load(good).resolved() == load(long).resolved()
    assert [*load(good).model.encoders] == ["image", "text"]


@pytest.mark.parametrize("key", ["model.image.arch", "model.encoders.image.arch"])
def test_a_value_is_set_by_either_path(load: Load, good: str, long: str, key: str) -> None:
    for written in (good, long):
        assert load(written, f"{key}=big").model.encoders["image"].model_dump()["arch"] == "big"


def test_a_spec_changes_a_base_whichever_form_each_uses(
    load: Load, good: str, long: str, tmp_path: Path
) -> None:
    for written in (good, long):
        (tmp_path / "below.yaml").write_text(written, encoding="utf-8")
        for change in ("image: {arch: big}", "encoders: {image: {arch: big}}"):
            spec = load(f"base: {tmp_path}/below.yaml\nmodel:\n  {change}\n")
            assert spec.model.encoders["image"].model_dump()["arch"] == "big"
            assert [*spec.model.encoders] == ["image", "text"]


def test_short_forms_come_first_in_their_own_order(load: Load, good: str) -> None:
    more = good.replace("  text: toy_ear\n", "  encoders: {photo: toy_eye}\n  text: toy_ear\n")
    assert [*load(more).model.encoders] == ["image", "text", "photo"]
    turned = good.replace(
        "  image: toy_eye\n  text: toy_ear\n", "  text: toy_ear\n  image: toy_eye\n"
    )
    assert [*load(turned).model.encoders] == ["image", "text"]


def test_null_takes_a_modality_out(load: Load, good: str) -> None:
    more = good.replace("  text: toy_ear\n", "  encoders: {photo: toy_eye}\n  text: toy_ear\n")
    assert [*load(more, "model.text=null").model.encoders] == ["image", "photo"]


def test_differences_are_told_in_the_short_form(load: Load, good: str) -> None:
    left, right = load(good), load(good, "model.image.arch=big", "train.optimizer.lr_text=0.5")
    assert [one.key for one in commands.diff_specs(left, right)] == [
        "model.image.arch", "train.optimizer.lr_text",
    ]  # fmt: skip


def test_every_short_key_leads_back() -> None:
    forms = short_forms(Spec)
    assert ("model", "record") in forms
    for short, long in forms.items():
        assert long_path([*short, "x"], Spec) == [*long, "x"]
        assert short_key(".".join([*long, "x"]), Spec) == ".".join([*short, "x"])
    assert short_key("model.encoders.images", Spec) == "model.encoders.images"


def test_plain_data_may_be_short_too() -> None:
    assert OptimizerSpec.model_validate({"lr_image": 0.1, "rates": {"ecg": 1}}).rates == {
        "image": 0.1, "ecg": 1,
    }  # fmt: skip
    with pytest.raises(ValidationError, match=r"lr_image and rates.image say the same"):
        OptimizerSpec.model_validate({"lr_image": 0.1, "rates": {"image": 1}})
    encoders = {f"view_{k}": "timm" for k in range(9)}
    with pytest.raises(ValidationError, match="at most 8 items"):
        ModelSpec.model_validate({"encoders": encoders, "fusion": "concat"})


def test_rates_follow_what_an_encoder_reads() -> None:
    settings = OptimizerSpec(lr=0.7, rates={"ecg": 0.1})
    assert settings.rate_of("clinic", "image") == settings.rate_of("image", "image") == 1e-4
    assert settings.rate_of("history", "text") == 2e-5
    assert settings.rate_of("record", "record") == 0.7
    assert settings.rate_of("ecg", "ecg") == 0.1
