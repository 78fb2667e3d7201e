"""The contracts C1 to C7 over every fusion; each method's own laws stand in its own file."""

import copy
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from mmx import (
    DecisionFusion,
    Features,
    FeatureShape,
    Fusion,
    FusionParams,
    ShapeError,
    find,
)

CASES: dict[str, tuple[str, dict[str, object]]] = {
    "image_only": ("image_only", {}),
    "image_only tokens": ("image_only", {"tokens": True}),
    "text_only": ("text_only", {}),
    "text_only tokens": ("text_only", {"tokens": True}),
    "concat": ("concat", {}),
    "concat tokens": ("concat", {"tokens": True}),
    "add": ("add", {"activation": "gelu"}),
    "multiply": ("multiply", {}),
    "multiply plain": ("multiply", {"form": "plain"}),
    "gated": ("gated", {}),
    "gated reference": ("gated", {"gate": "scalar", "norm": "batch"}),
    "cross_attention": ("cross_attention", {"layers": 2}),
    "cross_attention text": ("cross_attention", {"direction": "text_from_image", "ffn": 0}),
    "co_attention": ("co_attention", {"layers": 2}),
    "co_attention shared": ("co_attention", {"shared": True}),
    "low_rank": ("low_rank", {}),
    "mlb": ("mlb", {}),
    "mfb": ("mfb", {}),
    "ibfa": ("ibfa", {}),
    "ibfa reference": ("ibfa", {"reference": True}),
    "hierarchical": ("hierarchical", {}),
    "hierarchical static": ("hierarchical", {"inner": {"type": "gated"}, "weights": "static"}),
    "hierarchical concat": (
        "hierarchical",
        {"inner": {"type": "concat"}, "weights": "concat", "top_down": True},
    ),
    "mamba": ("mamba", {"head_dim": 8, "blocks": 2}),
    "mamba sequential": ("mamba", {"ssm": "sequential", "cross_gate": True, "first": "text"}),
    "mamba gated_conv": ("mamba", {"mixer": "gated_conv"}),
    "film": ("film", {}),
    "film text_image": ("film", {"generator": "text_image"}),
    "metablock": ("metablock", {"norm": "batch"}),
    "metablock metanet": ("metablock", {"variant": "metanet"}),
    "bottleneck": ("bottleneck", {}),
    "bottleneck none": ("bottleneck", {"bottlenecks": 0}),
    "perceiver": ("perceiver", {}),
    "late": ("late", {}),
    "late mean_logit": ("late", {"rule": "mean_logit"}),
    "late product": ("late", {"rule": "product"}),
}
MakeFeatures = Callable[..., Features]
Awake = Callable[[nn.Module], nn.Module]
both_sides = pytest.mark.parametrize("side", ["image", "text"])


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def params(case: str) -> FusionParams:
    type_name, settings = CASES[case]
    params = find("fusion", type_name)
    assert issubclass(params, FusionParams)
    chosen_width = {} if "dim" in settings else {"dim": 16}
    return params.model_validate({**chosen_width, **settings})


@pytest.fixture
def build(params: FusionParams, shape: FeatureShape) -> Callable[[], nn.Module]:
    def built() -> nn.Module:
        torch.manual_seed(0)
        return params.build({"image": shape, "text": shape})

    return built


def fuse(fusion: nn.Module, image: Features, text: Features) -> Features:
    """Run a fusion; one of decisions reads the first channels as logits."""
    if isinstance(fusion, Fusion):
        return fusion({"image": image, "text": text})
    assert isinstance(fusion, DecisionFusion)
    present = torch.stack([image.present, text.present], dim=1)
    logits = {"image": image.pooled[:, :5], "text": text.pooled[:, :5]}
    return Features.of_pooled(fusion.combine(logits, present))


def results(features: Features) -> dict[str, Tensor]:
    """All that a fusion gives, by name, without what it explains."""
    given = {"tokens": features.tokens, "pooled": features.pooled}
    return given | {f"parts.{name}": part for name, part in features.parts.items()}


def scramble(features: Features, rows: Tensor, value: float) -> Features:
    """Other content in these rows [B], of all fields that carry content."""
    changed = {
        name: torch.where(rows.view(-1, *[1] * (old.ndim - 1)), torch.full_like(old, value), old)
        for name, old in (("tokens", features.tokens), ("pooled", features.pooled))
    }
    levels = tuple(scramble(level, rows, value) for level in features.levels)
    return replace(features, **changed, levels=levels)


def select(features: Features, rows: Tensor) -> Features:
    levels = tuple(select(level, rows) for level in features.levels)
    kept = {name: getattr(features, name)[rows] for name in ("tokens", "mask", "pooled", "present")}
    return replace(features, **kept, levels=levels)


@pytest.mark.parametrize("autocast", [False, True])
def test_shapes_hold_and_numbers_are_finite(
    build: Callable[[], nn.Module], make: MakeFeatures, autocast: bool
) -> None:
    fusion = build().train()
    for batch, length in product((1, 2, 5), (1, 7)):
        image, text = make(batch, 4), make(batch, length, seed=1)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            fused = fuse(fusion, image, text)
        assert fused.pooled.shape[0] == batch
        if isinstance(fusion, Fusion):
            assert fused.pooled.shape == (batch, fusion.dim)
            assert fused.tokens.shape[2] == fusion.dim
            assert {"image", "text"} <= fused.parts.keys()
        assert fused.present.all()
        assert all(value.isfinite().all() for value in results(fused).values())


def test_a_row_does_not_depend_on_the_others(
    build: Callable[[], nn.Module], make: MakeFeatures, awake: Awake
) -> None:
    fusion = awake(build())
    lengths = torch.tensor([3, 1, 4, 2])
    mask = torch.arange(4) < lengths[:, None]
    image, text = make(4, 4), make(4, 4, seed=1, mask=mask)
    image = image.with_present(torch.tensor([True, True, False, True]))
    whole = results(fuse(fusion, image, text))
    for rows in (torch.tensor([1]), torch.tensor([2]), torch.tensor([3, 0, 2, 1])):
        alone = results(fuse(fusion, select(image, rows), select(text, rows)))
        for name, value in alone.items():
            torch.testing.assert_close(value, whole[name][rows], msg=name, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("content", [7.0, float("nan")])
def test_padding_changes_nothing(
    build: Callable[[], nn.Module], make: MakeFeatures, awake: Awake, content: float
) -> None:
    fusion = awake(build())
    gradients = []
    for extra in (0, 3):
        mask = torch.arange(5 + extra)[None] < torch.tensor([5, 2, 4])[:, None]
        image, text = make(3, 4), make(3, 5, seed=1, mask=mask[:, :5])
        text = pad_text(text, extra, mask, content)
        fusion.zero_grad()
        pooled = image.pooled.requires_grad_()
        fused = fuse(fusion, image, text)
        assert fused.pooled.isfinite().all()
        (fused.pooled.square().sum() + pooled.sum()).backward()
        gradients.append([fused.pooled, pooled.grad, *(p.grad for p in fusion.parameters())])
    for short, long in zip(*gradients, strict=True):
        if short is not None or long is not None:
            torch.testing.assert_close(short, long, atol=1e-5, rtol=1e-4)


def pad_text(text: Features, extra: int, mask: Tensor, content: float) -> Features:
    """Hold ``extra`` more masked tokens of this content, in tokens and levels."""
    padding = text.tokens.new_full((len(text.tokens), extra, text.tokens.shape[2]), content)
    tokens = torch.cat([text.tokens, padding], dim=1).masked_fill(~mask[..., None], content)
    levels = tuple(pad_text(level, extra, mask, content) for level in text.levels)
    return Features(tokens, mask, text.pooled, levels=levels)


def test_gradient_reaches_both_sides(
    build: Callable[[], nn.Module], make: MakeFeatures, awake: Awake, params: FusionParams
) -> None:
    fusion = awake(build())
    given = {}
    for seed, side in enumerate(("image", "text")):
        made = make(3, 4, seed=seed)
        leaves = [f.tokens.requires_grad_() for f in (made, *made.levels)]
        pooled = made.pooled.clone().requires_grad_()
        given[side] = (replace(made, pooled=pooled), [*leaves, pooled])
    fuse(fusion, given["image"][0], given["text"][0]).pooled.square().sum().backward()
    for side, (_, leaves) in given.items():
        gradients = [leaf.grad for leaf in leaves if leaf.grad is not None]
        assert all(gradient.isfinite().all() for gradient in gradients)
        reached = any(gradient.abs().sum() > 0 for gradient in gradients)
        assert reached == (side in params.used(("image", "text")))


@both_sides
@pytest.mark.parametrize("content", [3.0, float("nan")])
def test_what_stands_for_a_missing_side_never_matters(
    build: Callable[[], nn.Module], make: MakeFeatures, awake: Awake, side: str, content: float
) -> None:
    fusion = awake(build())
    missing = torch.tensor([False, True, False])
    given = {"image": make(3, 4), "text": make(3, 5, seed=1)}
    seen = []
    for value in (0.5, content):
        changed = replace(scramble(given[side], missing, value), present=~missing)
        fusion.zero_grad()
        fused = fuse(fusion, **{**given, side: changed})
        values = [value for value in results(fused).values() if value.requires_grad]
        if values:
            torch.stack([value.square().sum() for value in values]).sum().backward()
        seen.append([*results(fused).values(), *(p.grad for p in fusion.parameters())])
    for first, second in zip(*seen, strict=True):
        if first is not None:
            assert first.isfinite().all()
            assert torch.equal(first, second)


def test_a_text_without_a_real_token_is_missing(
    build: Callable[[], nn.Module], make: MakeFeatures, awake: Awake
) -> None:
    fusion = awake(build())
    mask = torch.ones(3, 5, dtype=torch.bool)
    emptied = mask.clone()
    emptied[1] = False
    image = make(3, 4)
    told = make(3, 5, seed=1, mask=mask).with_present(torch.tensor([True, False, True]))
    empty = make(3, 5, seed=1, mask=emptied)
    first, second = results(fuse(fusion, image, told)), results(fuse(fusion, image, empty))
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], msg=name)


def test_rows_without_anything_stay_finite_in_both_directions(
    build: Callable[[], nn.Module], make: MakeFeatures, awake: Awake
) -> None:
    fusion = awake(build())
    nothing = torch.tensor([True, False, True])
    image = make(3, 4).with_present(nothing)
    text = make(3, 5, seed=1, mask=torch.ones(3, 5, dtype=torch.bool) & nothing[:, None])
    leaves = [image.tokens.requires_grad_(), image.pooled.requires_grad_()]
    values = results(fuse(fusion, image, text))
    everything = [value.square().sum() for value in (*values.values(), *leaves)]
    torch.stack(everything).sum().backward()
    assert all(value.isfinite().all() for value in values.values())
    assert all(leaf.grad is not None and leaf.grad.isfinite().all() for leaf in leaves)
    assert all(p.grad is None or p.grad.isfinite().all() for p in fusion.parameters())


def test_two_builds_with_one_seed_are_equal_and_weights_go_round(
    build: Callable[[], nn.Module], make: MakeFeatures, awake: Awake
) -> None:
    first, second = build(), build()
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    awake(first)
    second.load_state_dict(first.state_dict())
    second.eval()
    image, text = make(3, 4), make(3, 5, seed=1)
    assert torch.equal(fuse(first, image, text).pooled, fuse(second, image, text).pooled)


def test_eval_uses_no_random_numbers_and_changes_no_input(
    build: Callable[[], nn.Module], make: MakeFeatures, awake: Awake
) -> None:
    fusion = awake(build())
    image, text = make(3, 4), make(3, 5, seed=1)
    before = copy.deepcopy((image, text))
    state = torch.get_rng_state()
    fuse(fusion, image, text)
    assert torch.equal(torch.get_rng_state(), state)
    for old, new in zip(before, (image, text), strict=True):
        assert torch.equal(old.tokens, new.tokens)
        assert torch.equal(old.mask, new.mask)
        assert torch.equal(old.pooled, new.pooled)


def test_pooled_inputs_are_enough(
    build: Callable[[], nn.Module], make: MakeFeatures, awake: Awake
) -> None:
    fusion = awake(build())
    vectors = make(3, 1, levels=False).pooled
    levels = tuple(Features.of_pooled(vectors + k) for k in range(3))
    image = replace(Features.of_pooled(vectors), levels=levels)
    assert fuse(fusion, image, image).pooled.isfinite().all()


def test_explanations_are_detached_and_one_per_sample(
    build: Callable[[], nn.Module], make: MakeFeatures, awake: Awake
) -> None:
    fused = fuse(awake(build()), make(3, 4), make(3, 5, seed=1))
    for name, value in fused.explain.items():
        assert not value.requires_grad, name
        assert len(value) == 3, name


def test_every_setting_says_what_it_is(params: FusionParams) -> None:
    assert params.source
    for name, field in type(params).model_fields.items():
        assert name == "type" or field.description, name
    assert params.reads <= {"pooled", "tokens", "levels"}


def test_unequal_widths_are_taken_or_refused_by_name(params: FusionParams) -> None:
    image, text = FeatureShape(16, (8, 16)), FeatureShape(24, (24, 24))
    shared = getattr(params, "shared", False)
    one_sequence = params.model_dump()["type"] == "concat" and getattr(params, "tokens", False)
    if not (params.equal_widths or shared or one_sequence):
        params.build({"image": image, "text": text})
        return
    with pytest.raises(ShapeError, match=r"model\.projection"):
        params.build({"image": image, "text": text})


def test_features_have_only_the_content_that_these_tests_scramble() -> None:
    content = {"tokens", "pooled", "levels"}
    assert {field.name for field in fields(Features)} - content == {
        "mask", "present", "parts", "explain", "penalties",
    }  # fmt: skip
