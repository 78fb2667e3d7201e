"""The models of a spec, used from Python."""

from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ValidationError

from mmx import FusionParams, Plugins, Spec
from mmx.spec import AuditSpec, ModelSpec, SplitSpec, TrainSpec


def _tables(model: type[BaseModel]) -> set[type[BaseModel]]:
    inner = [field.annotation for field in model.model_fields.values()]
    tables = {one for one in inner if isinstance(one, type) and issubclass(one, BaseModel)}
    return {model} | {deep for one in tables for deep in _tables(one)}


def test_every_field_is_described() -> None:
    tables = [one for one in _tables(Spec) if one.__module__.startswith("mmx.spec")]
    assert len(tables) >= 9
    for table in tables:
        for name, field in table.model_fields.items():
            assert field.description, f"{table.__name__}.{name}"


def test_every_table_is_closed_and_frozen() -> None:
    for table in _tables(Spec):
        assert table.model_config.get("extra") == "forbid"
        assert table.model_config.get("frozen")


def test_every_default_is_valid_by_itself() -> None:
    assert TrainSpec() == TrainSpec.model_validate({"sampler": "shuffle", "optimizer": "adamw"})
    with pytest.raises(ValidationError, match="must be 1, they are 0.8"):
        SplitSpec(train=0.5)
    assert SplitSpec(train=0.6, calibration=0.1).calibration == 0.1


def test_methods_may_be_given_as_they_are(toys: Path) -> None:
    plugins = Plugins(files=[toys])
    eye, ear = plugins.find("encoder", "toy_eye")(), plugins.find("encoder", "toy_ear")()
    mix = plugins.find("fusion", "toy_mix")()
    given = {"image": eye, "text": ear, "fusion": mix, "head": "toy_top"}
    model = ModelSpec.model_validate(given, context={"plugins": plugins})
    assert model.fusion is mix


def test_the_modality_of_a_method_given_as_it_is_counts_too(toys: Path) -> None:
    plugins = Plugins(files=[toys])
    with pytest.raises(ValidationError, match="an encoder of text is needed"):
        ModelSpec.model_validate({"text": plugins.find("encoder", "toy_eye")()})


def test_a_kind_is_not_taken_for_another() -> None:
    class Odd(FusionParams):
        type: Literal["odd"] = "odd"

        def build(self, shapes: object) -> None: ...  # type: ignore[override]

    with pytest.raises(ValidationError, match="a loss is a name or a mapping with a type"):
        Spec.model_validate({"name": "a", "loss": Odd(dim=8)})


def test_a_waiver_by_the_former_name_of_a_check_still_counts() -> None:
    assert AuditSpec(waive={"empty_side": "known"}).waive == {"empty_modality": "known"}
    with pytest.raises(ValidationError, match="old name of empty_modality"):
        AuditSpec(waive={"empty_side": "known", "empty_modality": "known"})
