"""The frame that an encoder brings takes the place of the data's, and contradictions are told."""

from pathlib import Path

import pytest

from mmx.errors import SpecError
from mmx.spec import ImageSpec, Spec, load_spec

PLUGIN = '''
"""An encoder that wants to be shown images in one way."""
from typing import Literal
import mmx
from mmx.interfaces import ImageFrame

MMX_API = 2


class FramedParams(mmx.EncoderParams):
    """Settings."""

    modality = "image"
    type: Literal["framed"] = "framed"
    known: bool = True

    @property
    def frame(self):
        if not self.known:
            raise mmx.WeightsError("no preprocessor_config.json")
        return ImageFrame(48, 40, (60, 50), "bilinear")

    def build(self):
        raise NotImplementedError


@mmx.hookimpl
def mmx_components():
    return [FramedParams]
'''
SPEC = """name: framed
data:
  dataset: synthetic
  image: {height: 99}
%s
model:
  image: {type: framed%s}
  text: {type: transformers, model: bundled}
  fusion: concat
"""


def read(folder: Path, data: str = "", encoder: str = "") -> Spec:
    (folder / "framed.py").write_text(PLUGIN)
    (folder / "spec.yaml").write_text(SPEC % (data, encoder))
    return load_spec(folder / "spec.yaml", plugins=[folder / "framed.py"])


def test_the_encoder_s_frame_is_that_of_its_images(tmp_path: Path) -> None:
    found = read(tmp_path, "  images: {image: {range: [0, 9]}}").data.frame("image")
    assert (found.height, found.width, found.resize) == (48, 40, (60, 50))
    assert (found.interpolation, found.grey_range) == ("bilinear", (0, 9))


def test_the_resolved_spec_reads_the_same(tmp_path: Path) -> None:
    spec = read(tmp_path)
    (tmp_path / "resolved.yaml").write_text(spec.to_yaml())
    again = load_spec(tmp_path / "resolved.yaml", plugins=[tmp_path / "framed.py"])
    assert again.data == spec.data


def test_a_key_that_contradicts_is_told_at_its_line(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"spec.yaml:5:.*shown images as its own files say.*: 48"):
        read(tmp_path, "  images: {image: {height: 64}}")
    assert read(tmp_path, "  images: {image: {height: 48}}").data.frame("image").height == 48


def test_files_that_cannot_be_read_are_told_at_the_encoder(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"spec.yaml:7:10: model.image: no preprocessor_config"):
        read(tmp_path, encoder=", known: false")


@pytest.mark.parametrize("resize", [30, (30, 50), (50, 30)])
def test_more_than_the_scaled_image_is_not_there_to_be_cut(resize: object) -> None:
    with pytest.raises(ValueError, match="smaller than what is cut out of it, 40 x 40"):
        ImageSpec(height=40, width=40, resize=resize)  # type: ignore[arg-type]
