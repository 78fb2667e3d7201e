"""Laws of the fusions of two by attention, each against plain torch."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from mmx import Features, FeatureShape, ShapeError
from mmx_plugins.fusion.co_attention import CoAttention
from mmx_plugins.fusion.cross_attention import CrossAttention, CrossAttentionParams
from mmx_plugins.fusion.ibfa import Ibfa, IbfaParams, ReadingAttention

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


def reference_reading(x: Tensor, keys: Tensor, values: Tensor, module: ReadingAttention) -> Tensor:
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


def test_heads_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"3 heads .* 16; use heads: 2"):
        CrossAttention(16, 16, heads=3)
