"""The contracts C1 to C7 over every fusion with one, two and three modalities.

Each method's own laws stand in its own file.
"""

import copy
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from mmx import DecisionFusion, Features, FeatureShape, Fusion, FusionParams, ShapeError, find

CASES: dict[str, tuple[str, dict[str, object]]] = {
    "only": ("only", {}),
    "only text": ("only", {"modality": "text"}),
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
    "gated sigmoid": ("gated", {"gate": "sigmoid"}),
    "gated reference": ("gated", {"gate": "scalar", "norm": "batch"}),
    "cross_attention": ("cross_attention", {"layers": 2}),
    "cross_attention text": ("cross_attention", {"direction": "text_from_image", "ffn": 0}),
    "cross_attention second": ("cross_attention", {"second": ["text"]}),
    "co_attention": ("co_attention", {"layers": 2}),
    "co_attention shared": ("co_attention", {"shared": True}),
    "low_rank": ("low_rank", {}),
    "tfn": ("tfn", {"inner": 3}),
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
    "mmtm": ("mmtm", {}),
    "shaspec": ("shaspec", {}),
    "healnet": ("healnet", {"latents": 3}),
    "healnet plain": ("healnet", {"self_attention": False, "ffn": 0, "depth": 1}),
    "medfuse": ("medfuse", {}),
    "drfuse": ("drfuse", {}),
    "late": ("late", {}),
    "late mean_logit": ("late", {"rule": "mean_logit"}),
    "late product": ("late", {"rule": "product"}),
    "late bayes": ("late", {"rule": "bayes"}),
}
NAMES = ("image", "text", "record")
LENGTHS = {"image": 4, "text": 5, "record": 3}
MakeFeatures = Callable[..., Features]
Awake = Callable[[nn.Module], nn.Module]
Given = dict[str, Features]


def params_of(case: str) -> FusionParams:
    type_name, settings = CASES[case]
    params = find("fusion", type_name)
    assert issubclass(params, FusionParams)
    return params.model_validate({"dim": 16, **settings})


def tried() -> list[tuple[str, tuple[str, ...]]]:
    """Each case with image and text, with all three, and with one alone if it takes one."""
    found = []
    for case in CASES:
        params = params_of(case)
        least, most = params.takes
        alone = ("text",) if "text" in case else ("image",)
        sets = (alone, NAMES[:2], NAMES)
        found += [(case, one) for one in sets if least <= len(one) <= (most or len(one))]
    return found


@pytest.fixture(params=tried(), ids=lambda one: f"{one[0]}-{len(one[1])}")
def tried_case(request: pytest.FixtureRequest) -> tuple[str, tuple[str, ...]]:
    found: tuple[str, tuple[str, ...]] = request.param
    return found


@pytest.fixture
def case(tried_case: tuple[str, tuple[str, ...]]) -> str:
    return tried_case[0]


@pytest.fixture
def names(tried_case: tuple[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tried_case[1]


@pytest.fixture
def params(case: str) -> FusionParams:
    return params_of(case)


@pytest.fixture
def build(
    params: FusionParams, shape: FeatureShape, names: tuple[str, ...]
) -> Callable[[], nn.Module]:
    def built() -> nn.Module:
        torch.manual_seed(0)
        return params.build({name: replace(shape, grid=name == "image") for name in names})

    return built


@pytest.fixture
def given(make: MakeFeatures, names: tuple[str, ...]) -> Callable[..., Given]:
    """Features of all modalities: ``given(rows)``."""

    def made(rows: int = 3, **more: object) -> Given:
        return {name: make(rows, LENGTHS[name], seed=NAMES.index(name), **more) for name in names}

    return made


def fuse(fusion: nn.Module, features: Given) -> Features:
    """Run a fusion; one of decisions reads the first channels as logits."""
    if isinstance(fusion, Fusion):
        return fusion(features)
    assert isinstance(fusion, DecisionFusion)
    present = torch.stack([one.present for one in features.values()], dim=1)
    logits = {name: one.pooled[:, :5] for name, one in features.items()}
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


def test_a_row_does_not_depend_on_the_others(
    build: Callable[[], nn.Module], given: Callable[..., Given], awake: Awake
) -> None:
    fusion = awake(build())
    features = given(4)
    for k, name in enumerate(features):
        present = torch.arange(4) != (k + 2) % 4
        shorter = torch.arange(LENGTHS[name]) < torch.tensor([3, 1, 3, 2])[:, None]
        mask = shorter if name != "image" else features[name].mask
        features[name] = replace(features[name], mask=mask).with_present(present)
    whole = results(fuse(fusion, features))
    for rows in (torch.tensor([1]), torch.tensor([2]), torch.tensor([3, 0, 2, 1])):
        chosen = {name: select(one, rows) for name, one in features.items()}
        for name, value in results(fuse(fusion, chosen)).items():
            torch.testing.assert_close(value, whole[name][rows], msg=name, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("content", [7.0, float("nan")])
def test_padding_changes_nothing(
    build: Callable[[], nn.Module], given: Callable[..., Given], awake: Awake, content: float
) -> None:
    fusion = awake(build())
    last = list(given())[-1]
    gradients = []
    for extra in (0, 3):
        features = given()
        count = LENGTHS[last]
        mask = torch.arange(count + extra)[None] < torch.tensor([count, 2, count - 1])[:, None]
        padded = pad(features[last], extra, mask, content)
        pooled = padded.pooled.clone().requires_grad_()
        features[last] = replace(padded, pooled=pooled)
        fusion.zero_grad()
        fused = fuse(fusion, features)
        assert fused.pooled.isfinite().all()
        (fused.pooled.square().sum() + pooled.sum()).backward()
        gradients.append([fused.pooled, pooled.grad, *(p.grad for p in fusion.parameters())])
    for short, long in zip(*gradients, strict=True):
        if short is not None or long is not None:
            torch.testing.assert_close(short, long, atol=1e-5, rtol=1e-4)


def pad(features: Features, extra: int, mask: Tensor, content: float) -> Features:
    """Hold ``extra`` more masked tokens of this content, in tokens and levels."""
    tokens = features.tokens
    padding = tokens.new_full((len(tokens), extra, tokens.shape[2]), content)
    longer = torch.cat([tokens, padding], dim=1).masked_fill(~mask[..., None], content)
    levels = tuple(pad(level, extra, mask, content) for level in features.levels)
    kept = tokens.masked_fill(~mask[:, : tokens.shape[1], None], 0).sum(dim=1)
    return Features(longer, mask, kept / mask.sum(dim=1, keepdim=True), levels=levels)


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


@pytest.mark.parametrize("content", [3.0, float("nan")])
def test_what_stands_for_missing_modalities_never_matters_in_any_pattern(
    build: Callable[[], nn.Module], given: Callable[..., Given], awake: Awake, content: float
) -> None:
    fusion = awake(build())
    rows = torch.arange(2 ** len(given()))
    seen = []
    for value in (0.5, content):
        features = {}
        for k, (name, one) in enumerate(given(len(rows)).items()):
            absent = (rows >> k) % 2 == 1
            features[name] = replace(scramble(one, absent, value), present=~absent)
        leaves = {name: one.tokens.requires_grad_() for name, one in features.items()}
        fusion.zero_grad()
        fused = fuse(fusion, features)
        values = [value for value in results(fused).values() if value.requires_grad]
        if values:
            torch.stack([value.square().sum() for value in values]).sum().backward()
        for name, leaf in leaves.items():
            assert leaf.grad is None or not leaf.grad[~features[name].present].any()
        seen.append([*results(fused).values(), *(p.grad for p in fusion.parameters())])
    for first, second in zip(*seen, strict=True):
        if first is not None:
            assert first.isfinite().all()
            assert torch.equal(first, second)


def test_a_modality_without_a_real_token_is_missing(
    build: Callable[[], nn.Module], given: Callable[..., Given], awake: Awake
) -> None:
    fusion = awake(build())
    features = given()
    last = list(features)[-1]
    emptied = features[last].mask.clone()
    emptied[1] = False
    told = features[last].with_present(torch.tensor([True, False, True]))
    empty = replace(features[last], mask=emptied, present=emptied.any(dim=1))
    first = results(fuse(fusion, {**features, last: told}))
    second = results(fuse(fusion, {**features, last: empty}))
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], msg=name)


def test_rows_without_anything_stay_finite_in_both_directions(
    build: Callable[[], nn.Module], given: Callable[..., Given], awake: Awake
) -> None:
    fusion = awake(build())
    here = torch.tensor([True, False, True])
    features = {name: one.with_present(here) for name, one in given().items()}
    leaves = [one.tokens.requires_grad_() for one in features.values()]
    fused = fuse(fusion, features)
    values = results(fused)
    everything = [value.square().sum() for value in (*values.values(), *leaves)]
    torch.stack(everything).sum().backward()
    assert isinstance(fusion, DecisionFusion) or fused.present.equal(here)
    assert all(value.isfinite().all() for value in values.values())
    assert all(leaf.grad is not None and leaf.grad.isfinite().all() for leaf in leaves)
    assert all(p.grad is None or p.grad.isfinite().all() for p in fusion.parameters())


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


def test_features_have_only_the_content_that_these_tests_scramble() -> None:
    content = {"tokens", "pooled", "levels"}
    assert {field.name for field in fields(Features)} - content == {
        "mask", "present", "parts", "explain", "penalties",
    }  # fmt: skip
