"""Views that the data set does not allow are refused before training, whoever makes them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import mmx
from mmx.data import ImageStore, make_split, read_manifest
from mmx.interfaces import WrappingEncoder
from mmx.pipeline.allowed import seen_turns
from mmx.pipeline.learner import build_learner

Load = Callable[..., mmx.Spec]
FLIPS = "{type: multi_view, views: flips, heads: 2, width: 4, backbone: tiny_image}"
INSIDE = f"{{type: sequence, width: 4, backbone: {FLIPS}}}"
FEW = ("train.epochs=1", "evaluation.resamples=100")
SECRET = """
import torch
from typing import Literal
import mmx
from mmx import Backbone
from mmx.interfaces import WrappingEncoder, WrappingParams

class MirrorParams(WrappingParams):
    type: Literal["mirror"] = "mirror"
    backbone: Backbone

    def build(self):
        return Mirror(self.backbone.build())

class Mirror(WrappingEncoder):
    recipe = "mirror"

    def __init__(self, backbone):
        super().__init__(backbone)
        self.shape = mmx.FeatureShape(backbone.shape.dim)

    def views(self, images):
        both = torch.cat([images.pixels, images.pixels.flip(-1)], dim=1)
        return mmx.Images(both, self.view_mask(images.mask))

    def view_mask(self, mask):
        return mask.repeat(1, 2)

    def combine(self, seen):
        return mmx.Features.of_pooled(seen.pooled.mean(dim=1))

@mmx.hookimpl
def mmx_components():
    return [MirrorParams]
"""


@pytest.fixture
def upright(load: Load, write_cases: Callable[..., Path]) -> Load:
    """An experiment on a table whose pictures may not be mirrored, unless it says so."""

    def make(*overrides: str, allowed: str = "[identity]") -> mmx.Spec:
        table = write_cases(24)
        dataset = (
            f"{{type: table, path: '{table}', images: [photo], text: notes, label: finding, "
            f"group: person, allowed_views: {allowed}}}"
        )
        return load(f"data.dataset={dataset}", "data.narrative.column=notes", *FEW, *overrides)

    return make


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        (f"model.image={FLIPS}", "encoder.multi_view makes the views hflip, vflip, rot180"),
        (f"model.image={INSIDE}", "encoder.multi_view makes the views hflip, vflip, rot180"),
        ("inference=[{type: tta, views: flips}]", "inference.tta makes the views hflip, vflip"),
        ("inference=[{type: tta, views: [rot90]}]", "inference.tta makes the views rot90"),
    ],
)
def test_a_method_that_makes_them_is_refused(upright: Load, method: str, wrong: str) -> None:
    with pytest.raises(mmx.DataError, match=f"{wrong}.*it allows identity"):
        mmx.run(upright(method))


def test_they_run_where_the_data_set_allows_them(upright: Load) -> None:
    mmx.run(upright(f"model.image={FLIPS}", allowed="[identity, hflip, vflip, rot180]"))
    with pytest.raises(mmx.DataError, match="views rot180, .*allows identity, hflip, vflip"):
        mmx.run(upright(f"model.image={FLIPS}", allowed="[hflip, vflip]"))


def test_an_encoder_from_outside_that_does_not_say_so_is_found_out(
    tiny_spec: Path, tiny_plugin: Path, upright: Load
) -> None:
    plugin = tiny_spec.parent / "mirror.py"
    plugin.write_text(SECRET, encoding="utf-8")
    tiny_spec.write_text(upright().to_yaml(), encoding="utf-8")
    image = "model.image={type: mirror, backbone: tiny_image}"
    spec = mmx.load_spec(tiny_spec, overrides=[image], plugins=[tiny_plugin, plugin])
    with pytest.raises(mmx.DataError, match=r"encoder\.mirror makes the views hflip"):
        mmx.run(spec)


@pytest.mark.parametrize(
    ("image", "turns"),
    [
        ("{type: sequence, backbone: tiny_image}", ("identity",)),
        ("{type: multi_view, views: crops, heads: 2, backbone: tiny_image}", ("identity",)),
        (FLIPS, ("identity", "hflip", "vflip", "rot180")),
        ("{type: pseudo_3d, backbone: tiny_image}", ()),
        ("{type: dual_expert, backbone: tiny_image}", ()),
        ("{type: global_local, backbone: tiny_image}", ("identity",)),
    ],
)
def test_what_an_encoder_shows_is_known_by_showing_it(
    load: Load, image: str, turns: tuple[str, ...]
) -> None:
    spec = load(f"model.image={image}")
    manifest = read_manifest(spec.data.dataset.build(), 0.0, spec.task)
    model = build_learner(spec, manifest, make_split(manifest, spec.data.split)).model
    encoder = model.encoder("image")
    assert isinstance(encoder, WrappingEncoder)
    assert seen_turns(encoder, 32, 40) == turns


def test_the_parts_of_an_encoder_are_there_where_its_picture_is(
    load: Load, write_image: Callable[..., Path], home: Path
) -> None:
    spec = load("model.image={type: dual_expert, backbone: tiny_image}")
    manifest = read_manifest(spec.data.dataset.build(), 0.0, spec.task)
    model = build_learner(spec, manifest, make_split(manifest, spec.data.split)).model
    samples = [mmx.Sample("a", "a", {"image": (write_image("a.png"),)}), mmx.Sample("b", "b")]
    images = ImageStore(samples, spec.data.image, folder=home / "images", memory_gb=0).collate
    texts = model.encoder("text").tokenize(["one", "two words"])  # type: ignore[operator]
    shown = images([0, 1])
    present = torch.stack([shown.present, texts.present], dim=1)
    outputs = model(mmx.Batch({"image": shown, "text": texts}, present))
    assert set(outputs.part_logits) == {"lesion", "context"}
    for name in outputs.part_logits:
        assert outputs.there(name).tolist() == [True, False]
