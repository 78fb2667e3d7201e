"""Lesion and context: where the lesion is, what the gate does, what each expert offers."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.ndimage import gaussian_filter
from wrapped import Patches, awake, pictures

import mmx
from mmx import DataError, Images
from mmx_plugins.encoders.dual_expert import (
    DualExpert,
    DualExpertParams,
    blurred,
    centre_of_mass,
    cropped,
    without,
)

Load = Callable[..., mmx.Spec]
WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])


def built(**settings: Any) -> DualExpert:
    return DualExpert(DualExpertParams(**settings), Patches()).eval()


def boxed(images: Images, *box: float) -> Images:
    return Images(images.pixels, images.mask, torch.tensor(box).expand(len(images.mask), 1, 4))


def test_a_crop_of_everything_is_the_image_and_of_a_block_the_block() -> None:
    pixels = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(cropped(pixels, WHOLE), pixels)
    pixels = torch.zeros(1, 3, 16, 16)
    pixels[..., 4:8, 8:16] = 1  # rows, columns
    inner = cropped(pixels, torch.tensor([[0.5625, 0.3125, 0.9375, 0.4375]]))
    torch.testing.assert_close(inner, torch.ones_like(inner))


def test_a_box_gets_its_margin_and_an_image_without_one_its_middle() -> None:
    encoder, images = built(margin=0.1, crop=0.6), pictures(2)
    boxes = torch.tensor([[[0.4, 0.5, 0.6, 1.0]], [[torch.nan] * 4]])
    found = encoder._boxes(Images(images.pixels, images.mask, boxes))
    torch.testing.assert_close(found[0], torch.tensor([0.38, 0.45, 0.62, 1.0]))
    torch.testing.assert_close(found[1], torch.tensor([0.2, 0.2, 0.8, 0.8]))
    assert torch.equal(encoder._boxes(images)[0], found[1])


def test_the_centre_of_mass_is_that_of_what_stands_out() -> None:
    even, one, pair = torch.full((24,), 0.3), torch.zeros(24), torch.zeros(24)
    one[6 + 4] = 2  # second of four rows, fifth of six columns
    pair[[0, 3 * 6]] = 5
    found = centre_of_mass(torch.stack([even, one, pair]), 4 / 6)
    wanted = torch.tensor([[0.5, 0.5], [4.5 / 6, 1.5 / 4], [0.5 / 6, 0.5]])
    torch.testing.assert_close(found, wanted)


def test_saliency_finds_a_planted_patch_where_no_box_says_it() -> None:
    encoder = built(without_box="saliency", crop=0.5)
    images = pictures(2)
    images.pixels[:] = 128  # zero after normalising, nearly
    images.pixels[0, :, :, 8:, :8] = 255
    boxes = torch.tensor([[[torch.nan] * 4], [[0.4, 0.5, 0.6, 1.0]]])
    found = encoder._boxes(Images(images.pixels, images.mask, boxes))
    torch.testing.assert_close(found[0], torch.tensor([0.0, 0.5, 0.5, 1.0]))
    torch.testing.assert_close(found[1], torch.tensor([0.38, 0.45, 0.62, 1.0]))
    assert torch.equal(encoder._boxes(images)[0], found[0])
    torch.testing.assert_close(encoder._boxes(images)[1], torch.tensor([0.25, 0.25, 0.75, 0.75]))
    assert (encoder.views(images).pixels[0, 0] > 0.7).all()  # its corners meet the grey


def test_saliency_is_of_a_frozen_backbone_and_has_views_of_its_own() -> None:
    with pytest.raises(ValidationError, match="needs train: frozen"):
        DualExpertParams(without_box="saliency", train="full")
    assert built(without_box="saliency").recipe != built().recipe


def test_the_blur_is_a_gaussian() -> None:
    pixels = torch.rand(2, 3, 20, 24, dtype=torch.float64)
    wanted = gaussian_filter(pixels.numpy(), (0, 0, 2, 2), mode="nearest", truncate=3)
    np.testing.assert_allclose(blurred(pixels, 2.0).numpy(), wanted, atol=1e-9)


@pytest.mark.parametrize("fill", ["blur", "mean"])
def test_the_context_keeps_all_around_the_lesion(fill: Any) -> None:
    pixels, box = torch.rand(1, 3, 16, 16), torch.tensor([[0.25, 0.25, 0.5, 0.5]])
    found = without(pixels, box, fill)
    inside = torch.zeros(16, 16, dtype=torch.bool)
    inside[4:8, 4:8] = True
    assert torch.equal(found[..., ~inside], pixels[..., ~inside])
    assert not torch.equal(found[..., inside], pixels[..., inside])
    if fill == "mean":
        mean = pixels[..., ~inside].mean(dim=-1, keepdim=True)
        torch.testing.assert_close(found[..., inside], mean.expand(1, 3, 16))
    assert without(pixels, WHOLE, fill).isfinite().all()


def test_gate_one_is_the_backbone_on_the_lesion_and_ignores_the_context_exactly() -> None:
    encoder, images = built(gate=1), boxed(pictures(), 0.2, 0.2, 0.7, 0.9)
    lesion = encoder.views(images).pixels[:, :1]
    alone = encoder.backbone(Images(lesion, images.mask))
    found = encoder(images)
    assert torch.equal(found.pooled, alone.pooled)
    assert torch.equal(found.tokens, alone.tokens)
    other = encoder.views(images)
    changed = Images(other.pixels.clone(), other.mask)
    changed.pixels[:, 1] = torch.rand_like(changed.pixels[:, 1])
    encoder.views = lambda images: changed  # type: ignore[method-assign]
    assert torch.equal(encoder(images).pooled, found.pooled)


def test_equal_experts_make_the_gate_idle() -> None:
    encoder = built()
    whole = encoder.views(pictures()).pixels[:, :1].expand(-1, 2, -1, -1, -1)
    encoder.views = lambda images: Images(whole, images.mask.expand(-1, 2))  # type: ignore[method-assign]
    results = []
    for gate in (0.0, 0.3, 1.0):
        encoder.fixed = gate
        results.append(encoder(pictures()).pooled)
    torch.testing.assert_close(results[0], results[1])
    torch.testing.assert_close(results[0], results[2])


def test_the_gate_starts_even_and_is_the_share_of_the_lesion() -> None:
    encoder, images = built(), pictures()
    found = encoder(images)
    assert found.explain["gate"].tolist() == [0.5] * 3
    lesion, context = found.parts["lesion"], found.parts["context"]
    torch.testing.assert_close(found.pooled, (lesion + context) / 2)
    moved = awake(built())(images)
    g = moved.explain["gate"][:, None]
    assert (g - 0.5).abs().min() > 1e-3
    torch.testing.assert_close(moved.pooled, g * lesion + (1 - g) * context)


def test_two_backbones_learn_apart_and_start_alike() -> None:
    encoder = built(shared=False, train="full")
    encoder.learn("full")
    images = pictures()
    torch.testing.assert_close(encoder(images).pooled, built()(images).pooled)
    with torch.no_grad():
        for parameter in encoder.context_backbone.parameters():  # type: ignore[union-attr]
            parameter.zero_()
    found = encoder(images)
    assert found.parts["context"].abs().max() == 0
    assert found.parts["lesion"].abs().max() > 0
    with pytest.raises(ValidationError, match="two equal copies"):
        DualExpertParams(shared=False)


def test_several_images_are_refused() -> None:
    with pytest.raises(DataError, match="up to 6 images"):
        built().check_views(6)


def test_both_experts_are_scored_alone_in_a_run(load: Load) -> None:
    spec = load("model.image={type: dual_expert, backbone: tiny_image}", "train.epochs=1")
    run = mmx.run(spec)
    assert set(run.metrics["alone"]) == {"lesion alone", "context alone"}
    assert run.metrics["encoded"]["image"] == 240  # two views of each image
    page = run.report.read_text(encoding="utf-8")
    assert "context alone" in page
    events = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    assert any("auxiliary lesion" in str(event) for event in events)


def test_other_gates_over_the_same_views_encode_nothing(load: Load) -> None:
    image = "model.image={type: dual_expert, backbone: tiny_image"
    assert mmx.run(load(image + "}")).metrics["encoded"]["image"] == 240
    assert mmx.run(load(image + ", gate: 1}")).metrics["encoded"]["image"] == 0
    assert mmx.run(load(image + ", fill: mean}")).metrics["encoded"]["image"] == 240
    salient = load(image + ", without_box: saliency}")
    assert mmx.run(salient).metrics["encoded"]["image"] == 240


def test_a_fusion_that_ignores_images_asks_for_no_expert(load: Load) -> None:
    image = "model.image={type: dual_expert, backbone: tiny_image}"
    assert mmx.run(load(image, "model.fusion=text_only")).metrics["alone"] == {}


def test_a_fusion_of_decisions_has_the_experts_too(load: Load) -> None:
    image = "model.image={type: dual_expert, backbone: tiny_image}"
    run = mmx.run(load(image, "model.fusion=late", "train.epochs=1"))
    assert {"lesion alone", "context alone"} <= set(run.metrics["alone"])


def test_the_mean_gate_is_reported_by_class(load: Load) -> None:
    image = "model.image={type: dual_expert, backbone: tiny_image, gate: 0.75}"
    run = mmx.run(load(image, "train.epochs=1"))
    gate = run.metrics["gates"]["gate"]
    assert set(gate) == {"all", *run.metrics["test"]["classes"]}
    assert set(gate.values()) == {0.75}
    assert "Mean gate on the test part: 0.75; by class:" in run.report.read_text(encoding="utf-8")
