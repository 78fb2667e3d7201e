"""What a fusion cannot do with the modalities of a model is told at its line."""

from pathlib import Path
from typing import Any

import pytest

import mmx
from mmx.errors import Fault

TINY = Path(__file__).parents[2] / "tiny" / "spec.yaml"
ENCODERS = TINY.parent / "encoders.py"


def fault(*changes: str) -> Fault:
    with pytest.raises(mmx.SpecError) as told:
        mmx.load_spec(TINY, overrides=changes, plugins=[ENCODERS])
    (found,) = told.value.faults
    assert found.key == "model.fusion"
    return found


@pytest.mark.parametrize(
    ("fusion", "words"),
    [
        (
            "{type: cross_attention, first: clinic}",
            "no modality 'clinic'; modalities of",
        ),
        ("{type: mlb, second: [txt]}", "no modality 'txt'"),
        ("{type: ibfa, first: image, second: [image]}", "one modality that stands first"),
        ("{type: film, first: clinic}", "no modality 'clinic'"),
        ("{type: only, modality: clinic}", "no modality 'clinic'"),
        ("{type: late, weights: {image: 1}}", "no weight of text"),
        ("{type: late, temperatures: {txt: 2}}", "no modality 'txt'"),
        ("{type: tfn, inner: 400}", "set inner to 315 or less, or use fusion: low_rank"),
        ("{type: hierarchical, inner: {type: film, first: clinic}}", "no modality 'clinic'"),
    ],
)
def test_names_and_sizes_that_do_not_fit_are_refused_before_anything_is_built(
    fusion: str, words: str
) -> None:
    assert words in fault(f"model.fusion={fusion}").message


def test_a_wrong_name_is_told_alone_whatever_else_asks_what_the_fusion_reads() -> None:
    told = fault("loss=mp", "model.fusion={type: only, modality: clinic}").message
    assert "no modality 'clinic'" in told
    told = fault("inference=[tta]", "model.fusion={type: only, modality: clinic}").message
    assert "no modality 'clinic'" in told


@pytest.mark.parametrize("fusion", ["text_only", "film", "tfn", "mlb"])
def test_a_model_of_one_image_refuses_what_needs_more(fusion: str) -> None:
    told = fault("model.text=null", f"model.fusion={fusion}").message
    assert "modalities of this model: image" in told or "first: image" in told or "fuses 2" in told


@pytest.mark.parametrize("fusion", ["image_only", "only", "concat", "gated", "late", "perceiver"])
def test_a_model_of_one_image_takes_what_needs_no_more(fusion: str) -> None:
    changes: Any = ("model.text=null", f"model.fusion={fusion}")
    spec = mmx.load_spec(TINY, overrides=changes, plugins=[ENCODERS])
    assert spec.model.used == ("image",)


def test_a_loss_that_cannot_score_the_modalities_is_told_at_its_line() -> None:
    changes = ("model.text=null", "model.fusion=concat", "loss=symmetric_kl")
    with pytest.raises(mmx.SpecError) as told:
        mmx.load_spec(TINY, overrides=changes, plugins=[ENCODERS])
    (found,) = told.value.faults
    assert found.key == "loss"
    assert "the fusion reads image alone" in found.message
