"""The contracts of every fusion with one, two and three modalities, where all is there."""

import copy
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest
import torch
from every_fusion import (
    CASES,
    Awake,
    Given,
    MakeFeatures,
    fuse,
    params_of,
    results,
)
from torch import nn

from mmx import Features, FeatureShape, Fusion, FusionParams, ShapeError


@pytest.mark.parametrize("autocast", [False, True])
def test_shapes_hold_and_numbers_are_finite(
    build: Callable[[], nn.Module],
    params: FusionParams,
    make: MakeFeatures,
    names: tuple[str, ...],
    autocast: bool,
) -> None:
    fusion = build().train()
    for batch, length in product((1, 2, 5), (1, 7)):
        features = {
            name: make(batch, 4 if name == "image" else length, seed=k)
            for k, name in enumerate(names)
        }
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            fused = fuse(fusion, features)
        assert fused.pooled.shape[0] == batch
        if isinstance(fusion, Fusion):
            assert fused.pooled.shape == (batch, fusion.dim)
            assert fused.tokens.shape[2] == fusion.dim
            assert set(params.used(names)) <= fused.parts.keys()
        assert fused.present.all()
        assert all(value.isfinite().all() for value in results(fused).values())


def test_gradient_reaches_all_that_it_uses(
    build: Callable[[], nn.Module], given: Callable[..., Given], awake: Awake, params: FusionParams
) -> None:
    fusion = awake(build())
    features, leaves = given(), {}
    for name, made in features.items():
        leaves[name] = [one.tokens.requires_grad_() for one in (made, *made.levels)]
        pooled = made.pooled.clone().requires_grad_()
        leaves[name].append(pooled)
        features[name] = replace(made, pooled=pooled)
    fuse(fusion, features).pooled.square().sum().backward()
    for name in features:
        gradients = [leaf.grad for leaf in leaves[name] if leaf.grad is not None]
        assert all(gradient.isfinite().all() for gradient in gradients)
        reached = any(gradient.abs().sum() > 0 for gradient in gradients)
        assert reached == (name in params.used(tuple(features)))


def test_two_builds_with_one_seed_are_equal_and_weights_go_round(
    build: Callable[[], nn.Module], given: Callable[..., Given], awake: Awake
) -> None:
    first, second = build(), build()
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    awake(first)
    second.load_state_dict(first.state_dict())
    second.eval()
    features = given()
    assert torch.equal(fuse(first, features).pooled, fuse(second, features).pooled)


def test_eval_uses_no_random_numbers_and_changes_no_input(
    build: Callable[[], nn.Module], given: Callable[..., Given], awake: Awake
) -> None:
    fusion = awake(build())
    features = given()
    before = copy.deepcopy(features)
    state = torch.get_rng_state()
    fuse(fusion, features)
    assert torch.equal(torch.get_rng_state(), state)
    for old, new in zip(before.values(), features.values(), strict=True):
        assert torch.equal(old.tokens, new.tokens)
        assert torch.equal(old.mask, new.mask)
        assert torch.equal(old.pooled, new.pooled)


def test_pooled_inputs_are_enough(
    build: Callable[[], nn.Module], given: Callable[..., Given], awake: Awake
) -> None:
    fusion = awake(build())
    vectors = {
        name: replace(
            Features.of_pooled(one.pooled),
            levels=tuple(Features.of_pooled(one.pooled + k) for k in range(3)),
        )
        for name, one in given().items()
    }
    assert fuse(fusion, vectors).pooled.isfinite().all()


def test_explanations_are_detached_and_one_per_sample(
    build: Callable[[], nn.Module], given: Callable[..., Given], awake: Awake
) -> None:
    fused = fuse(awake(build()), given())
    for name, value in fused.explain.items():
        assert not value.requires_grad, name
        assert len(value) == 3, name


@pytest.mark.parametrize("case", CASES)
def test_every_setting_says_what_it_is(case: str) -> None:
    params = params_of(case)
    assert params.source
    for name, field in type(params).model_fields.items():
        assert name == "type" or field.description, name
    assert params.reads <= {"pooled", "tokens", "levels"}


@pytest.mark.parametrize("case", CASES)
def test_unequal_widths_are_taken_or_refused_by_name(case: str) -> None:
    params = params_of(case)
    shapes = {"image": FeatureShape(16, (8, 16)), "text": FeatureShape(24, (24, 24))}
    shared = getattr(params, "shared", False)
    one_sequence = params.model_dump()["type"] == "concat" and getattr(params, "tokens", False)
    if not (params.equal_widths or shared or one_sequence):
        params.build(shapes)
        return
    with pytest.raises(ShapeError, match=r"model\.projection"):
        params.build(shapes)
