"""Laws of hierarchical fusion."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from mmx import Features, FeatureShape, ShapeError
from mmx.blocks import PerModality
from mmx_plugins.fusion.hierarchical import HierarchicalParams

MakeFeatures = Callable[..., Features]
Awake = Callable[[nn.Module], nn.Module]
close = torch.testing.assert_close


def built(shape: FeatureShape, **settings: object) -> Any:
    params = HierarchicalParams.model_validate({"inner": "add", "dim": 16, **settings})
    return params.build({"image": replace(shape, grid=True), "text": shape})


def both(image: Features, text: Features) -> dict[str, Features]:
    return {"image": image, "text": text}


def of_level(fusion: Any, k: int, image: Features, text: Features) -> torch.Tensor:
    """u_k by hand, for the inner fusion ``add``: the sum of both means."""
    a = fusion.levels["image"][k].norm(image.levels[k].tokens).mean(dim=1)
    return a + fusion.levels["text"][k].norm(text.levels[k].tokens).mean(dim=1)


def test_one_level_is_a_layer_norm_of_the_inner_fusion(make: MakeFeatures, awake: Awake) -> None:
    fusion = built(FeatureShape(16, (16,)))
    awake(fusion)
    image, text = make(3, 4), make(3, 5, seed=1)
    single = [replace(side, levels=side.levels[:1]) for side in (image, text)]
    expected = fusion.norm(of_level(fusion, 0, *single))
    close(fusion(both(*single)).pooled, expected)


@pytest.mark.parametrize("weights", ["adaptive", "static"])
def test_weights_sum_to_one_and_start_equal(
    make: MakeFeatures, shape: FeatureShape, awake: Awake, weights: str
) -> None:
    fusion, image, text = built(shape, weights=weights), make(3, 4), make(3, 5, seed=1)
    close(fusion(both(image, text)).explain["level_weights"], torch.full((3, 3), 1 / 3))
    awake(fusion)
    close(fusion(both(image, text)).explain["level_weights"].sum(dim=1), torch.ones(3))


def test_all_weight_on_one_level_gives_that_level(make: MakeFeatures, shape: FeatureShape) -> None:
    fusion, image, text = built(shape, weights="static"), make(3, 4), make(3, 5, seed=1)
    with torch.no_grad():
        fusion.mix.score.copy_(torch.tensor([-1e4, 1e4, -1e4]))
    close(fusion(both(image, text)).pooled, fusion.norm(of_level(fusion, 1, image, text)))


def test_permuting_levels_with_their_modules_changes_nothing(
    make: MakeFeatures, shape: FeatureShape, awake: Awake
) -> None:
    fusion, image, text = built(shape, inner="low_rank"), make(3, 4), make(3, 5, seed=1)
    awake(fusion)
    before = fusion(both(image, text)).pooled
    order = [2, 0, 1]
    fusion.inner = nn.ModuleList(fusion.inner[k] for k in order)
    levels = {name: nn.ModuleList(fusion.levels[name][k] for k in order) for name in fusion.levels}
    fusion.levels = PerModality(levels)
    turned = [replace(s, levels=tuple(s.levels[k] for k in order)) for s in (image, text)]
    close(fusion(both(*turned)).pooled, before)


def test_gradient_reaches_the_first_level_with_the_deepest_path_detached(
    make: MakeFeatures, shape: FeatureShape
) -> None:
    fusion, image, text = built(shape, top_down=True), make(3, 4), make(3, 5, seed=1)
    first = image.levels[0].tokens.clone().requires_grad_()
    shallow = Features(first, image.levels[0].mask)
    changed = replace(image, levels=(shallow, *image.levels[1:]))
    fusion(both(changed, text)).pooled.square().sum().backward()
    assert first.grad is not None
    assert first.grad.any()


def test_top_down_adds_nothing_at_the_start_and_then_the_next_deeper_level(
    make: MakeFeatures, shape: FeatureShape, awake: Awake
) -> None:
    image, text = make(3, 4), make(3, 5, seed=1)
    plain, down = built(shape), built(shape, top_down=True)
    close(down(both(image, text)).pooled, plain(both(image, text)).pooled)
    awake(down)
    u = [of_level(down, k, image, text) for k in range(3)]
    u[1] = u[1] + down.top_down[1](u[2])
    u[0] = u[0] + down.top_down[0](u[1])
    mixed, _ = down.mix(torch.stack(u, dim=1))
    close(down(both(image, text)).pooled, down.norm(mixed))


def test_concatenated_levels_are_as_wide_as_all_together(
    make: MakeFeatures, shape: FeatureShape
) -> None:
    fusion, image, text = built(shape, weights="concat"), make(3, 4), make(3, 5, seed=1)
    u = torch.cat([of_level(fusion, k, image, text) for k in range(3)], dim=1)
    assert fusion.dim == 48
    close(fusion(both(image, text)).pooled, fusion.norm(u))


def test_many_image_tokens_are_pooled_to_the_grid(make: MakeFeatures, shape: FeatureShape) -> None:
    fusion = built(shape, inner={"type": "concat", "tokens": True}, pool=2)
    seen: list[int] = []
    fusion.inner[0].register_forward_hook(
        lambda m, given, out: seen.append(given[0]["image"].tokens.shape[1])
    )
    fusion(both(make(3, 64), make(3, 5, seed=1)))
    assert seen == [4]


def test_levels_are_needed_and_the_deepest_are_matched() -> None:
    with pytest.raises(ShapeError, match="needs levels of some encoder; none of image, text gives"):
        HierarchicalParams().build(dict.fromkeys(("image", "text"), FeatureShape(16)))
    shapes = {"image": FeatureShape(16, (8, 16, 16)), "text": FeatureShape(16, (16,))}
    matched = HierarchicalParams(dim=16).build(shapes)
    assert isinstance(matched.levels["image"][0].project, nn.Identity)
    assert len(matched.inner) == 1


def test_three_modalities_meet_at_each_level_and_one_without_levels_gives_its_vector(
    make: MakeFeatures, shape: FeatureShape, awake: Awake
) -> None:
    params = HierarchicalParams.model_validate({"inner": "add", "dim": 16})
    fusion: Any = params.build({"image": shape, "text": shape, "record": FeatureShape(24)})
    awake(fusion)
    record = make(3, 2, 24, seed=2, levels=False)
    image, text = make(3, 4), make(3, 5, seed=1)
    u = []
    for k in range(3):
        own = fusion.levels["record"][k]
        vector = own.norm(own.project(record.pooled))
        u.append(of_level(fusion, k, image, text) + vector)
    mixed, _ = fusion.mix(torch.stack(u, dim=1))
    close(fusion({**both(image, text), "record": record}).pooled, fusion.norm(mixed))


def test_an_inner_fusion_of_two_joins_the_others(make: MakeFeatures, shape: FeatureShape) -> None:
    params = HierarchicalParams.model_validate({"dim": 16})
    names = ("image", "text", "record")
    fusion = params.build(dict.fromkeys(names, shape)).eval()
    given = {name: make(3, 4, seed=k) for k, name in enumerate(names)}
    found = fusion(given).explain
    assert found["level_0/image_reads_record_0"].shape == (3, 4, 4)
    assert set(fusion(given).parts) == set(names)


def test_an_inner_fusion_is_a_fusion_of_features() -> None:
    assert HierarchicalParams().inner.model_dump()["type"] == "cross_attention"
    with pytest.raises(ShapeError, match="mixes decisions"):
        built(FeatureShape(16, (16,)), inner="late")
    with pytest.raises(ValidationError, match="ibfa"):
        HierarchicalParams.model_validate({"inner": "ibfaa"})
