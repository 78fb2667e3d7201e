"""Settings by modality: a stranger is refused at its place, and null takes one out of a base."""

from pathlib import Path

import pytest

import mmx
from mmx.errors import Fault

BASE = """\
name: base
data:
  dataset: {type: synthetic, images: [image, clinic]}
  narrative: {type: column, column: text}
  images: {clinic: {height: 64, width: 64}}
model:
  encoders: {image: tiny_image, clinic: tiny_image, text: tiny_text}
  fusion: concat
train:
  optimizer: {rates: {clinic: 1.0e-4, text: 1.0e-5}}
  augment: {clinic: light, image: none}
  modality_dropout: {clinic: 0.2, text: 0.1}
"""
PLACES = {
    "data.images": "data: {images: {NAME: {height: 8, width: 8}}}",
    "train.optimizer.rates": "train: {optimizer: {rates: {NAME: 0.1}}}",
    "train.augment": "train: {augment: {NAME: light}}",
    "train.modality_dropout": "train: {modality_dropout: {NAME: 0.1}}",
}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The folder of the base."""
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def faults(path: Path, text: str, plugin: Path) -> list[Fault]:
    """What is wrong with a spec on top of the base."""
    file = path / "spec.yaml"
    file.write_text(f"name: top\nbase: base.yaml\n{text}\n")
    with pytest.raises(mmx.SpecError) as caught:
        mmx.load_spec(file, plugins=[plugin])
    return caught.value.faults


@pytest.mark.parametrize("key", PLACES)
def test_a_name_that_is_almost_a_modality_is_told_with_the_nearest(
    written: Path, tiny_plugin: Path, key: str
) -> None:
    (fault,) = faults(written, PLACES[key].replace("NAME", "clinnic"), tiny_plugin)
    assert fault.key == f"{key}.clinnic"
    assert fault.file is not None
    assert (fault.file.name, fault.line) == ("spec.yaml", 3)
    assert "nearest: clinic; the modalities" in fault.message


def test_all_that_names_a_modality_which_is_taken_out_is_told_at_once(
    written: Path, tiny_plugin: Path
) -> None:
    found = faults(written, "model: {encoders: {clinic: null}}", tiny_plugin)
    assert {fault.key for fault in found} == {f"{key}.clinic" for key in PLACES}
    assert all(fault.file and fault.file.name == "base.yaml" and fault.line for fault in found)


def test_a_name_that_no_modality_can_have_is_refused_in_words(
    written: Path, tiny_plugin: Path
) -> None:
    file = written / "spec.yaml"
    file.write_text("name: top\nbase: base.yaml\ntrain: {modality_dropout: {皮肤: 0.1}}\n")
    with pytest.raises(mmx.SpecError, match="'皮肤' cannot name a modality: a name has lower-case"):
        mmx.load_spec(file, plugins=[tiny_plugin])


def test_null_takes_the_settings_of_a_modality_out_with_it(
    written: Path, tiny_plugin: Path
) -> None:
    file = written / "spec.yaml"
    file.write_text(
        "name: top\nbase: base.yaml\nmodel: {encoders: {clinic: null}}\n"
        "data: {images: {clinic: null}}\ntrain: {optimizer: {rates: {clinic: null}}, "
        "augment: {clinic: null}, modality_dropout: {clinic: null}}\n"
    )
    spec = mmx.load_spec(file, plugins=[tiny_plugin])
    assert spec.data.images == {}
    assert spec.train.optimizer.rates == {"text": 1e-5}
    assert spec.train.augment == {"image": "none"}
    assert spec.train.modality_dropout == {"text": 0.1}
