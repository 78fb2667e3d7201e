"""Encoders are tried on two samples before a run: a size that does not fit is a fault."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import mmx
from mmx import commands
from mmx.errors import Fault
from mmx.model import try_encoder, without_download
from mmx.model.encoder_trial import FOUND

SIZED = Path(__file__).parents[2] / "tiny" / "sized.py"


def faults(spec: Path, plugin: Path, *changes: str) -> list[Fault]:
    return commands.check_spec(spec, overrides=changes, plugins=[plugin, SIZED])


def test_a_size_that_does_not_fit_is_told_with_its_place_and_one_that_fits(
    tiny_spec: Path, tiny_plugin: Path
) -> None:
    text = tiny_spec.read_text().replace("image: tiny_image", "image: {type: sized}")
    tiny_spec.write_text(text)
    (fault,) = faults(tiny_spec, tiny_plugin)
    line = next(n for n, one in enumerate(text.splitlines(), 1) if "type: sized" in one)
    assert (fault.key, fault.line, fault.column) == ("model.image", line, 10)
    assert "encoder.sized cannot read images of 32 x 32 pixels: " in fault.message
    assert "sized.py:" in fault.message
    assert "pixels 48 x 48 fits: set data.image to {height: 48, width: 48}" in fault.message
    assert faults(tiny_spec, tiny_plugin, "data.image={height: 48, width: 48}") == []


def test_a_run_refuses_it_before_it_reads_any_data(tiny_spec: Path, tiny_plugin: Path) -> None:
    changes = [
        "model.image=sized",
        "data.dataset={type: table, path: nowhere.csv, text: text, label: dx, group: null}",
    ]
    spec = mmx.load_spec(tiny_spec, overrides=changes, plugins=[tiny_plugin, SIZED])
    with pytest.raises(mmx.SpecError, match="model.image: encoder.sized cannot read images of 32"):
        mmx.run(spec)


def test_an_encoder_that_the_fusion_never_reads_is_not_tried(
    tiny_spec: Path, tiny_plugin: Path
) -> None:
    assert faults(tiny_spec, tiny_plugin, "model.image=sized", "model.fusion=text_only") == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("build", r"encoder.sized cannot be built: .*sized.py:\d+: LookupError: no such network"),
        ("kind", r"build\(\) gave a Tokens; return an instance .* mmx.ImageEncoder"),
        ("all", "ValueError: never; nor does it read any other size from 28 to 600 pixels"),
        ("width", r"tokens are \[2, 1, 4\] for 2 samples, its shape promises a width of 5"),
        ("levels", r"its levels have \[\] channels, its shape promises \[4\]"),
    ],
)
def test_other_faults_of_an_encoder_are_told_too(
    fault: str, words: str, tiny_spec: Path, tiny_plugin: Path
) -> None:
    size = "data.image={height: 48, width: 48}"
    chosen = f"model.image={{type: sized, fault: {fault}}}"
    (found,) = faults(tiny_spec, tiny_plugin, size, chosen)
    assert (found.file, found.key) == (None, "model.image")
    assert re.search(words, found.message), found.message


def test_sizes_nearest_to_the_one_asked_for_are_named() -> None:
    params: Any = (
        mmx.Plugins()
        .find("encoder", "timm")
        .model_validate({"arch": "vit_tiny_patch16_224", "weights": "none"})
    )
    with pytest.raises(mmx.ShapeError) as error:
        try_encoder(params, params.build(), 100, 100)
    assert str(error.value).count(" x ") == 1 + FOUND
    assert "80 x 80, 96 x 96, 112 x 112 fit" in str(error.value)


def test_weights_that_would_be_downloaded_are_random_in_a_check() -> None:
    timm, views = mmx.Plugins().find("encoder", "timm"), mmx.Plugins().find("encoder", "multi_view")
    inner = {"type": "timm", "arch": "resnet18", "weights": "default"}
    assert without_download(timm(weights="default")).weights == "none"  # type: ignore[arg-type, attr-defined]
    wrapped = without_download(views.model_validate({"backbone": inner}))  # type: ignore[arg-type]
    assert wrapped.backbone.weights == "none"  # type: ignore[attr-defined]
    assert without_download(timm()).weights == "bundled"  # type: ignore[arg-type, attr-defined]


def test_texts_that_an_encoder_does_not_take_are_not_held_against_it() -> None:
    class Strict(mmx.TextEncoder):
        shape = mmx.FeatureShape(3)

        def tokenize(self, texts: Sequence[str]) -> mmx.Texts:
            raise KeyError("only pairs of name=value")

        def forward(self, texts: mmx.Texts) -> mmx.Features:
            raise mmx.ShapeError("never run here")

    class StrictParams(mmx.EncoderParams):
        modality = "text"

        def build(self) -> mmx.Encoder:
            return Strict()

    try_encoder(StrictParams(), Strict(), 32, 32)
