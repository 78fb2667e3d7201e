"""A spec knows how many images a case has, and how many its encoder reads."""

from pathlib import Path

import pytest

from mmx.commands import check_spec

SPEC = """\
name: two
data: {{dataset: {{type: table, path: cases.csv, images: [{images}], label: finding, group: null}}}}
model: {{image: {image}, text: {{type: transformers, model: bundled}}, fusion: {fusion}}}
"""


@pytest.mark.parametrize(
    ("images", "image", "fusion", "right"),
    [
        ("a", "{type: timm, weights: none}", "concat", True),
        ("a, b", "{type: timm, weights: none}", "concat", False),
        ("a, b", "{type: torchvision, weights: none}", "late", False),
        ("a, b", "{type: global_local}", "concat", False),
        ("a, b", "{type: sequence}", "concat", True),
        ("a, b, c", "{type: multi_view}", "concat", True),
        ("a, b", "{type: timm, weights: none}", "text_only", True),
    ],
)
def test_more_images_than_the_encoder_reads_are_a_fault(
    tmp_path: Path, images: str, image: str, fusion: str, right: bool
) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(SPEC.format(images=images, image=image, fusion=fusion), encoding="utf-8")
    faults = check_spec(file)
    assert [fault.key for fault in faults] == ([] if right else ["model.image"])
    if not right:
        told = str(faults[0])
        assert "a case has up to 2 images" in told
        assert "sequence, pseudo_3d, multi_view" in told
