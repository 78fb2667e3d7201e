"""Laws of the fusions by attention, each against plain torch."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from mmx import Features, FeatureShape, ShapeError
from mmx_plugins.fusion.bottleneck import Bottleneck, BottleneckParams
from mmx_plugins.fusion.co_attention import CoAttention
from mmx_plugins.fusion.cross_attention import CrossAttention, CrossAttentionParams
from mmx_plugins.fusion.ibfa import Ibfa, IbfaParams, Reading
from mmx_plugins.fusion.perceiver import Perceiver

MakeFeatures = Callable[..., Features]
Awake = Callable[[nn.Module], nn.Module]
close = torch.testing.assert_close
NAMES: tuple[str, ...] = ("image", "text", "record")


@pytest.fixture
def image(make: MakeFeatures) -> Features:
    return make(3, 4, seed=0, dtype=torch.float64)


@pytest.fixture
def text(make: MakeFeatures) -> Features:
    mask = torch.arange(5) < torch.tensor([5, 2, 4])[:, None]
    return make(3, 5, seed=1, dtype=torch.float64, mask=mask)


@pytest.fixture
def one_token(make: MakeFeatures) -> Features:
    return make(3, 1, seed=2, dtype=torch.float64)


def without(features: Features) -> Features:
    return replace(features, present=torch.zeros_like(features.present))


def reordered(features: Features, order: Tensor) -> Features:
    return Features(features.tokens[:, order], features.mask[:, order])


def leaf(features: Features) -> tuple[Features, Tensor]:
    tokens = features.tokens.clone().requires_grad_()
    return Features(tokens, features.mask), tokens


def test_cross_attention_equals_torchs_attention_on_normalised_tokens(
    image: Features, text: Features, awake: Awake
) -> None:
    fusion = CrossAttention(16, 16, heads=2, ffn=0).double()
    awake(fusion)
    layer: Any = fusion.layers[0]
    attention = layer.attention
    q = attention.query(layer.norm(image.tokens))
    k, v = attention.key_value(layer.context_norm(text.tokens)).chunk(2, dim=-1)
    q, k, v = (x.unflatten(2, (2, 8)).transpose(1, 2) for x in (q, k, v))
    read = scaled_dot_product_attention(q, k, v, attn_mask=text.mask[:, None, None])
    expected = image.tokens + attention.out(read.transpose(1, 2).flatten(2))
    fused = fusion(image, text)
    close(fused.tokens, expected)
    close(fused.pooled, expected.mean(dim=1))


def test_cross_attention_ignores_text_order_and_follows_image_order(
    image: Features, text: Features, awake: Awake
) -> None:
    fusion = CrossAttention(16, 16).double()
    awake(fusion)
    plain = fusion(image, text).tokens
    close(fusion(image, reordered(text, torch.tensor([3, 1, 4, 0, 2]))).tokens, plain)
    order = torch.tensor([2, 0, 3, 1])
    close(fusion(reordered(image, order), text).tokens, plain[:, order])


def test_cross_attention_to_one_token_is_an_affine_addition(
    image: Features, one_token: Features, awake: Awake
) -> None:
    fusion = CrossAttention(16, 16, ffn=0).double()
    awake(fusion)
    fused = fusion(image, one_token)
    added = fused.tokens - image.tokens
    close(added, added[:, :1].expand_as(added))  # independent of the query
    close(fused.explain["first_reads_second_0"], torch.ones(3, 4, 1))
    layer: Any = fusion.layers[0]
    value = layer.attention.key_value(layer.context_norm(one_token.tokens))[..., 16:]
    close(added[:, :1], layer.attention.out(value))


def test_cross_attention_in_the_other_direction_swaps_the_sides(
    image: Features, text: Features, awake: Awake
) -> None:
    shapes: dict[str, FeatureShape] = dict.fromkeys(NAMES[:2], FeatureShape(16))
    one = CrossAttentionParams(direction="text_from_image").build(shapes).double()
    awake(one)
    plain = CrossAttention(16, 16).double().eval()
    plain.load_state_dict(one.pair.state_dict())
    fused = one({"image": image, "text": text})
    close(fused.pooled, plain(text, image).pooled)
    assert set(fused.explain) == {"text_reads_image_0"}
    assert CrossAttentionParams(first="text").build(shapes).first == "text"
    with pytest.raises(ValidationError, match="this direction means first: text"):
        CrossAttentionParams(direction="text_from_image", first="image")


def test_co_attention_with_one_direction_cut_is_cross_attention_and_an_untouched_pool(
    image: Features, text: Features, awake: Awake
) -> None:
    both, one = CoAttention(16, 16, 6).double(), CrossAttention(16, 16).double()
    awake(both)
    one.layers.load_state_dict(both.first_reads.state_dict())
    cut: Any = both.second_reads[0]
    for last in (cut.attention.out, cut.feed_forward[4]):
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    pooled = [one.eval()(image, text).pooled, text.pooled]
    close(both(image, text).pooled, both.out(torch.cat(pooled, dim=1)))


def test_co_attention_reads_the_old_tokens_on_both_sides(
    image: Features, text: Features, awake: Awake
) -> None:
    fusion = CoAttention(16, 16, 6).double()
    awake(fusion)
    a = fusion.first_reads[0](image.tokens, text.tokens, text.mask)
    t = fusion.second_reads[0](text.tokens, image.tokens, image.mask)
    pooled = torch.cat([a.mean(dim=1), Features(t, text.mask).pooled], dim=1)
    close(fusion(image, text).pooled, fusion.out(pooled))


def test_shared_co_attention_of_equal_inputs_gives_equal_streams(
    image: Features, awake: Awake
) -> None:
    fusion = CoAttention(16, 16, 32, shared=True).double()
    awake(fusion)
    with torch.no_grad():
        fusion.out.weight.copy_(torch.eye(32))
        fusion.out.bias.zero_()
    of_image, of_text = fusion(image, image).pooled.chunk(2, dim=1)
    close(of_image, of_text)


def reference_reading(x: Tensor, keys: Tensor, values: Tensor, module: Reading) -> Tensor:
    """softmax(q k^T / sqrt(d_h)) v over given keys, in loops over heads."""
    q = module.query_key_value(module.norm(x))[..., :16]
    heads = []
    for part in torch.arange(16).chunk(module.heads):
        scores = q[..., part] @ keys[..., part].transpose(1, 2) / len(part) ** 0.5
        heads.append(scores.softmax(dim=-1) @ values[..., part])
    return x + module.out(torch.cat(heads, dim=-1))


def test_ibfa_without_the_other_side_is_self_attention(
    image: Features, text: Features, awake: Awake
) -> None:
    fusion = Ibfa(16, 16, 16, heads=2).double()
    awake(fusion)
    module = fusion.first_reads
    _, k, v = module.query_key_value(module.norm(image.tokens)).chunk(3, dim=-1)
    expected = reference_reading(image.tokens, k, v, module).mean(dim=1)
    close(fusion(image, without(text)).parts["first"], expected)


def test_ibfa_with_its_own_keys_masked_is_cross_attention(
    image: Features, text: Features, awake: Awake
) -> None:
    fusion = Ibfa(16, 16, 16, heads=2).double()
    awake(fusion)
    module = fusion.first_reads
    whole = Features(text.tokens, torch.ones_like(text.mask))
    k, v = module.other_key_value(module.other_norm(whole.tokens)).chunk(2, dim=-1)
    expected = reference_reading(image.tokens, k, v, module)
    no_own_keys = torch.zeros_like(image.mask)
    close(module(image.tokens, whole.tokens, no_own_keys, whole.mask), expected)


def test_ibfa_with_tied_projections_is_attention_on_the_concatenated_tokens(
    image: Features, text: Features, awake: Awake
) -> None:
    fusion = Ibfa(16, 16, 16, heads=2, residual=False).double()
    awake(fusion)
    module = fusion.first_reads
    theirs = nn.MultiheadAttention(16, 2, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        module.other_key_value.weight.copy_(module.query_key_value.weight[16:])
        module.other_key_value.bias.copy_(module.query_key_value.bias[16:])
        theirs.in_proj_weight.copy_(module.query_key_value.weight)
        theirs.in_proj_bias.copy_(module.query_key_value.bias)
        theirs.out_proj.load_state_dict(module.out.state_dict())
    both = torch.cat([image.tokens, text.tokens], dim=1)
    mask = torch.cat([image.mask, text.mask], dim=1)
    expected, _ = theirs(image.tokens, both, both, key_padding_mask=~mask)
    close(module(image.tokens, text.tokens, image.mask, text.mask), expected)


@pytest.mark.parametrize("reference", [False, True])
def test_ibfa_of_single_tokens_is_a_scalar_gate_per_head(
    one_token: Features, image: Features, awake: Awake, reference: bool
) -> None:
    params = IbfaParams(dim=16, reference=True) if reference else IbfaParams(dim=16, heads=2)
    fusion = params.build_pair(FeatureShape(16), FeatureShape(16)).double()
    awake(fusion)
    x, y = one_token.pooled, image.pooled
    module = fusion.first_reads
    q, k_x, v_x = module.query_key_value(module.norm(x)).chunk(3, dim=-1)
    k_y, v_y = module.other_key_value(module.other_norm(y)).chunk(2, dim=-1)
    heads = []
    for part in torch.arange(16).chunk(module.heads):
        gap = (q[:, part] * (k_x - k_y)[:, part]).sum(dim=1, keepdim=True) / len(part) ** 0.5
        alpha = gap.sigmoid()
        heads.append(alpha * v_x[:, part] + (1 - alpha) * v_y[:, part])
    expected = module.out(torch.cat(heads, dim=1)) + (0 if reference else x)
    close(fusion(one_token, Features.of_pooled(y)).parts["first"], expected)


def test_ibfa_reference_reads_pooled_vectors_by_one_head_without_residual() -> None:
    params = IbfaParams(reference=True)
    assert (params.heads, params.tokens, params.residual) == (1, False, False)
    assert IbfaParams(reference=True, heads=4).heads == 4
    assert params.reads == {"pooled"}
    assert IbfaParams.model_validate(params.model_dump()) == params
    with pytest.raises(ValueError, match="leave residual out"):
        IbfaParams(reference=True, residual=True)


@pytest.fixture
def record(make: MakeFeatures) -> Features:
    return make(3, 3, seed=3, dtype=torch.float64)


@pytest.fixture
def given(image: Features, text: Features, record: Features) -> dict[str, Features]:
    return {"image": image, "text": text, "record": record}


@pytest.mark.parametrize(("layers", "reaches"), [(1, False), (2, True)])
@pytest.mark.parametrize("other", ["text", "record"])
def test_others_reach_a_stream_only_after_two_bottleneck_layers(
    given: dict[str, Features], layers: int, reaches: bool, other: str
) -> None:
    fusion = Bottleneck(NAMES, 16, 48, layers=layers).double().eval()
    with torch.no_grad():
        fusion.out.weight.copy_(torch.eye(48))
    features, tokens = leaf(given[other])
    of_image = fusion({**given, other: features}).pooled[:, :16]
    of_image.square().sum().backward()
    assert tokens.grad is not None
    assert tokens.grad.any() == reaches


def test_without_bottlenecks_there_are_separate_encoders(
    given: dict[str, Features], awake: Awake
) -> None:
    fusion = Bottleneck(NAMES, 16, 6, bottlenecks=0).double()
    awake(fusion)
    pooled = []
    for name, one in given.items():
        x = one.tokens
        for layer in fusion.layers[name]:
            x = layer(x, one.mask)
        pooled.append(Features(x, one.mask).pooled)
    close(fusion(given).pooled, fusion.out(torch.cat(pooled, dim=1)))


@pytest.mark.parametrize("names", [NAMES[:2], NAMES])
def test_missing_streams_have_no_share_in_the_bottleneck(
    given: dict[str, Features], names: tuple[str, ...], awake: Awake
) -> None:
    fusion = Bottleneck(names, 16, 6).double()
    awake(fusion)
    x, b = given["image"].tokens, fusion.bottlenecks.expand(3, -1, -1)
    for layer in fusion.layers["image"]:
        everything = torch.cat([x, b], dim=1)
        x, b = layer(everything, torch.ones(3, 8, dtype=torch.bool)).split([4, 4], dim=1)
    learned = [fusion.missing[name].vector.expand(3, -1) for name in names[1:]]
    expected = fusion.out(torch.cat([x.mean(dim=1), *learned], dim=1))
    alone = {name: given[name] if name == "image" else without(given[name]) for name in names}
    close(fusion(alone).pooled, expected)


def test_the_bottleneck_becomes_the_mean_of_what_present_streams_wrote(
    given: dict[str, Features], awake: Awake
) -> None:
    fusion = Bottleneck(NAMES, 16, 48, layers=2).double()
    awake(fusion)
    with torch.no_grad():
        fusion.out.weight.copy_(torch.eye(48))
        fusion.out.bias.zero_()
    b, written = fusion.bottlenecks.expand(3, -1, -1), {}
    present = ("image", "record")
    x = {name: given[name].tokens for name in present}
    seen = torch.ones(3, 4, dtype=torch.bool)
    for k in range(2):
        for name in present:
            count = x[name].shape[1]
            mask = torch.cat([given[name].mask, seen], dim=1)
            whole = fusion.layers[name][k](torch.cat([x[name], b], dim=1), mask)
            x[name], written[name] = whole.split([count, 4], dim=1)
        b = (written["image"] + written["record"]) / 2
    fused = fusion({**given, "text": without(given["text"])}).pooled
    close(fused[:, :16], x["image"].mean(dim=1))
    close(fused[:, 32:], x["record"].mean(dim=1))


def test_a_bottleneck_starts_within_its_layers() -> None:
    with pytest.raises(ValueError, match="below layers = 2, got 2"):
        BottleneckParams(layers=2, start=2)


def test_the_order_of_tokens_is_irrelevant_to_a_perceiver(
    given: dict[str, Features], awake: Awake
) -> None:
    fusion = Perceiver(3, 16, 8, latents=3).double()
    awake(fusion)
    orders = ([2, 0, 3, 1], [3, 1, 4, 0, 2], [1, 2, 0])
    other = {
        name: reordered(one, torch.tensor(order))
        for (name, one), order in zip(given.items(), orders, strict=True)
    }
    close(fusion(other).tokens, fusion(given).tokens)


def test_a_perceiver_sees_nothing_of_an_everywhere_absent_modality(
    given: dict[str, Features], awake: Awake
) -> None:
    three, two = Perceiver(3, 16, 8).double(), Perceiver(2, 16, 8).double().eval()
    awake(three)
    state = dict(three.state_dict())
    state["modality"] = state["modality"][:2]
    two.load_state_dict(state)
    pair = {name: given[name] for name in NAMES[:2]}
    fused = three({**given, "record": without(given["record"])})
    close(fused.tokens, two(pair).tokens)
    read = [fused.explain[f"latents_read_{name}"] for name in NAMES]
    assert [one.shape for one in read] == [(3, 16, 4), (3, 16, 5), (3, 16, 3)]
    assert not read[2].any()
    close(torch.cat(read, dim=2).sum(dim=2), torch.ones(3, 16))


def test_one_latent_without_self_attention_is_attention_pooling(
    given: dict[str, Features], awake: Awake
) -> None:
    fusion = Perceiver(3, 16, 8, latents=1, layers=0, heads=1).double()
    awake(fusion)
    layer = fusion.read
    marked = [one.tokens + e for one, e in zip(given.values(), fusion.modality, strict=True)]
    tokens = torch.cat(marked, dim=1)
    mask = torch.cat([one.mask for one in given.values()], dim=1)
    k, v = layer.attention.key_value(layer.context_norm(tokens)).chunk(2, dim=-1)
    q = layer.attention.query(layer.norm(fusion.latents[0]))
    weights = (k @ q / 8**0.5).masked_fill(~mask, -torch.inf).softmax(dim=1)
    pooled = layer.attention.out(torch.einsum("bn,bnd->bd", weights, v))
    close(fusion(given).pooled, fusion.latents + pooled)


def test_heads_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"3 heads .* 16; use heads: 2"):
        CrossAttention(16, 16, heads=3)
