"""Laws of hierarchical fusion."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from mmx import Features, FeatureShape, ShapeError
from mmx_plugins.fusion.hierarchical import HierarchicalParams

MakeFeatures = Callable[..., Features]
Awake = Callable[[nn.Module], nn.Module]
close = torch.testing.assert_close


def built(shape: FeatureShape, **settings: object) -> Any:
    params = HierarchicalParams.model_validate({"inner": "add", "dim": 16, **settings})
    return params.build_pair(shape, shape)


def of_level(fusion: Any, k: int, image: Features, text: Features) -> torch.Tensor:
    """u_k by hand, for the inner fusion ``add``: the sum of both means."""
    a = fusion.image[k].norm(image.levels[k].tokens).mean(dim=1)
    return a + fusion.text[k].norm(text.levels[k].tokens).mean(dim=1)


def test_one_level_is_a_layer_norm_of_the_inner_fusion(make: MakeFeatures, awake: Awake) -> None:
    fusion = built(FeatureShape(16, (16,)))
    awake(fusion)
    image, text = make(3, 4), make(3, 5, seed=1)
    single = [replace(side, levels=side.levels[:1]) for side in (image, text)]
    expected = fusion.norm(of_level(fusion, 0, *single))
    close(fusion(*single).pooled, expected)


@pytest.mark.parametrize("weights", ["adaptive", "static"])
def test_weights_sum_to_one_and_start_equal(
    make: MakeFeatures, shape: FeatureShape, awake: Awake, weights: str
) -> None:
    fusion, image, text = built(shape, weights=weights), make(3, 4), make(3, 5, seed=1)
    close(fusion(image, text).explain["level_weights"], torch.full((3, 3), 1 / 3))
    awake(fusion)
    close(fusion(image, text).explain["level_weights"].sum(dim=1), torch.ones(3))


def test_all_weight_on_one_level_gives_that_level(make: MakeFeatures, shape: FeatureShape) -> None:
    fusion, image, text = built(shape, weights="static"), make(3, 4), make(3, 5, seed=1)
    with torch.no_grad():
        fusion.mix.score.copy_(torch.tensor([-1e4, 1e4, -1e4]))
    close(fusion(image, text).pooled, fusion.norm(of_level(fusion, 1, image, text)))


def test_permuting_levels_with_their_modules_changes_nothing(
    make: MakeFeatures, shape: FeatureShape, awake: Awake
) -> None:
    fusion, image, text = built(shape, inner="low_rank"), make(3, 4), make(3, 5, seed=1)
    awake(fusion)
    before = fusion(image, text).pooled
    order = [2, 0, 1]
    for name in ("image", "text", "inner"):
        modules = getattr(fusion, name)
        setattr(fusion, name, nn.ModuleList(modules[k] for k in order))
    turned = [replace(s, levels=tuple(s.levels[k] for k in order)) for s in (image, text)]
    close(fusion(*turned).pooled, before)


def test_gradient_reaches_the_first_level_with_the_deepest_path_detached(
    make: MakeFeatures, shape: FeatureShape
) -> None:
    fusion, image, text = built(shape, top_down=True), make(3, 4), make(3, 5, seed=1)
    first = image.levels[0].tokens.clone().requires_grad_()
    shallow = Features(first, image.levels[0].mask)
    fusion(
        replace(image, levels=(shallow, *image.levels[1:])), text
    ).pooled.square().sum().backward()
    assert first.grad is not None
    assert first.grad.any()


def test_top_down_adds_nothing_at_the_start_and_then_the_next_deeper_level(
    make: MakeFeatures, shape: FeatureShape, awake: Awake
) -> None:
    image, text = make(3, 4), make(3, 5, seed=1)
    plain, down = built(shape), built(shape, top_down=True)
    close(down(image, text).pooled, plain(image, text).pooled)
    awake(down)
    u = [of_level(down, k, image, text) for k in range(3)]
    u[1] = u[1] + down.top_down[1](u[2])
    u[0] = u[0] + down.top_down[0](u[1])
    mixed, _ = down.mix(torch.stack(u, dim=1))
    close(down(image, text).pooled, down.norm(mixed))


def test_concatenated_levels_are_as_wide_as_all_together(
    make: MakeFeatures, shape: FeatureShape
) -> None:
    fusion, image, text = built(shape, weights="concat"), make(3, 4), make(3, 5, seed=1)
    u = torch.cat([of_level(fusion, k, image, text) for k in range(3)], dim=1)
    assert fusion.dim == 48
    close(fusion(image, text).pooled, fusion.norm(u))


def test_many_image_tokens_are_pooled_to_the_grid(make: MakeFeatures, shape: FeatureShape) -> None:
    fusion = built(shape, inner={"type": "concat", "tokens": True}, pool=2)
    seen: list[int] = []
    fusion.inner[0].register_forward_hook(
        lambda m, given, out: seen.append(given[0]["image"].tokens.shape[1])
    )
    fusion(make(3, 64), make(3, 5, seed=1))
    assert seen == [4]


def test_levels_are_needed_and_the_deepest_are_paired() -> None:
    with pytest.raises(ShapeError, match="needs levels of both encoders, got 0 .* 2"):
        HierarchicalParams().build_pair(FeatureShape(16), FeatureShape(16, (16, 16)))
    paired = HierarchicalParams(dim=16).build_pair(
        FeatureShape(16, (8, 16, 16)), FeatureShape(16, (16,))
    )
    assert isinstance(paired.image[0].project, nn.Identity)
    assert len(paired.inner) == 1


def test_an_inner_fusion_is_a_fusion_of_features() -> None:
    assert HierarchicalParams().inner.model_dump()["type"] == "cross_attention"
    with pytest.raises(ShapeError, match="mixes decisions"):
        built(FeatureShape(16, (16,)), inner="late")
    with pytest.raises(ValidationError, match="ibfa"):
        HierarchicalParams.model_validate({"inner": "ibfaa"})
