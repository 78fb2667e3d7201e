"""Laws of the fusions of two vectors, each against plain torch or einsum."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from mmx import Features, FeatureShape
from mmx.blocks import Norm
from mmx_plugins.fusion.add import Add, AddParams
from mmx_plugins.fusion.concat import Concat, ConcatParams
from mmx_plugins.fusion.gated import Gated
from mmx_plugins.fusion.image_only import ImageOnly
from mmx_plugins.fusion.low_rank import LowRank
from mmx_plugins.fusion.mfb import Mfb
from mmx_plugins.fusion.mlb import Mlb
from mmx_plugins.fusion.multiply import Multiply
from mmx_plugins.fusion.text_only import TextOnly

MakeFeatures = Callable[..., Features]
close = torch.testing.assert_close


@pytest.fixture
def image(make: MakeFeatures) -> Features:
    return make(3, 4, seed=0, dtype=torch.float64)


@pytest.fixture
def text(make: MakeFeatures) -> Features:
    return make(3, 5, seed=1, dtype=torch.float64)


def without(features: Features) -> Features:
    """The same, missing everywhere."""
    return replace(features, present=torch.zeros_like(features.present))


def holding(pooled: Tensor) -> Features:
    return Features.of_pooled(pooled)


def test_one_modality_alone_is_handed_on_exactly(image: Features, text: Features) -> None:
    assert torch.equal(ImageOnly(16)({"image": image, "text": text}).pooled, image.pooled)
    assert torch.equal(TextOnly(16)({"image": image, "text": text}).pooled, text.pooled)
    assert torch.equal(
        ImageOnly(16, tokens=True)({"image": image, "text": text}).tokens, image.tokens
    )


def test_one_modality_alone_never_depends_on_the_other(image: Features, text: Features) -> None:
    other = holding(torch.full_like(text.pooled, torch.nan))
    assert torch.equal(
        ImageOnly(16)({"image": image, "text": other}).pooled,
        ImageOnly(16)({"image": image, "text": text}).pooled,
    )
    assert torch.equal(
        TextOnly(16)({"image": other, "text": text}).pooled,
        TextOnly(16)({"image": image, "text": text}).pooled,
    )


def test_concatenation_read_without_its_text_columns_is_the_image_alone(
    image: Features, text: Features
) -> None:
    linear = nn.Linear(32, 4).double()
    with torch.no_grad():
        linear.weight[:, 16:] = 0
    of_image = nn.functional.linear(
        ImageOnly(16)({"image": image, "text": text}).pooled, linear.weight[:, :16]
    )
    close(linear(Concat(16, 16)(image, text).pooled), of_image + linear.bias)


def test_a_linear_map_of_the_concatenation_is_a_sum_of_two(image: Features, text: Features) -> None:
    linear = nn.Linear(32, 4).double()
    fused = linear(Concat(16, 16)(image, text).pooled)
    of_image, of_text = linear.weight.split(16, dim=1)
    close(fused, image.pooled @ of_image.T + text.pooled @ of_text.T + linear.bias)


def test_concatenated_tokens_are_both_sequences(image: Features, text: Features) -> None:
    fused = ConcatParams(tokens=True).build_pair(FeatureShape(16), FeatureShape(16))(image, text)
    close(fused.tokens, torch.cat([image.tokens, text.tokens], dim=1))
    close(fused.pooled, fused.tokens.mean(dim=1))


def test_addition_is_symmetric_and_a_missing_side_adds_nothing(
    image: Features, text: Features
) -> None:
    add = Add(16)
    close(add(image, text).pooled, image.pooled + text.pooled)
    close(add(image, text).pooled, add(text, image).pooled)
    assert torch.equal(add(image, without(text)).pooled, image.pooled)
    activated = AddParams(activation="relu").build_pair(FeatureShape(16), FeatureShape(16))
    close(activated(image, text).pooled, (image.pooled + text.pooled).clamp(min=0))


def test_neutral_product_keeps_the_other_side_exactly(image: Features, text: Features) -> None:
    neutral = Multiply(16)
    close(neutral(image, text).pooled, (1 + image.pooled) * (1 + text.pooled) - 1)
    close(neutral(image, text).pooled, neutral(text, image).pooled)
    assert torch.equal(neutral(image, without(text)).pooled, image.pooled)
    assert torch.equal(neutral(without(image), text).pooled, text.pooled)


def test_plain_product_is_bilinear_and_one_is_neutral(image: Features, text: Features) -> None:
    plain = Multiply(16, "plain")
    fused = plain(image, text).pooled
    close(plain(holding(3 * image.pooled), text).pooled, 3 * fused)
    assert torch.equal(plain(image, without(text)).pooled, image.pooled)
    close(plain(image, holding(torch.ones_like(text.pooled))).pooled, image.pooled)
    a = image.pooled.requires_grad_()
    (slope,) = torch.autograd.grad(plain(holding(a), text).pooled.sum(), a)
    close(slope, text.pooled)  # df/da = t


@pytest.mark.parametrize("gate", ["vector", "scalar"])
def test_gate_starts_at_the_mean_and_a_missing_side_closes_it(
    image: Features, text: Features, gate: Literal["vector", "scalar"]
) -> None:
    gated = Gated(16, 16, 8, gate=gate).double()
    h_v = gated.image(gated.image_norm(image.pooled)).tanh()
    h_t = gated.text(gated.text_norm(text.pooled)).tanh()
    close(gated(image, text).pooled, (h_v + h_t) / 2)
    assert torch.equal(gated(image, without(text)).pooled, h_v)
    assert torch.equal(gated(without(image), text).pooled, h_t)


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_gated_result_lies_between_and_swapping_sides_swaps_exactly(
    image: Features, text: Features, awake: Callable[[nn.Module], nn.Module], norm: Norm
) -> None:
    gated, swapped = (Gated(16, 16, 8, norm=norm).double() for _ in range(2))
    awake(gated)
    swapped.eval()
    fused = gated(image, text).pooled
    h_v = gated.image(gated.image_norm(image.pooled)).tanh()
    h_t = gated.text(gated.text_norm(text.pooled)).tanh()
    assert (fused >= torch.minimum(h_v, h_t)).all()
    assert (fused <= torch.maximum(h_v, h_t)).all()
    pairs = (
        ("image", "text"),
        ("text", "image"),
        ("image_norm", "text_norm"),
        ("text_norm", "image_norm"),
    )
    for own, other in pairs:
        getattr(swapped, own).load_state_dict(getattr(gated, other).state_dict())
    of_image, of_text = gated.gate.weight.chunk(2, dim=1)
    with torch.no_grad():
        swapped.gate.weight.copy_(-torch.cat([of_text, of_image], dim=1))
        if gated.gate.bias is not None:
            swapped.gate.bias.copy_(-gated.gate.bias)
    close(swapped(text, image).pooled, fused)


def test_low_rank_is_the_contraction_with_the_full_tensor(image: Features, text: Features) -> None:
    fusion = LowRank(16, 16, 6, rank=3).double()
    nn.init.normal_(fusion.weight)
    nn.init.normal_(fusion.bias)
    factors = [
        torch.cat([side.bias[:, None], side.weight], dim=1).unflatten(0, (3, 6))
        for side in (fusion.image, fusion.text)
    ]
    tensor = torch.einsum("r,rdi,rdj->dij", fusion.weight, *factors)
    one = torch.ones(3, 1, dtype=torch.float64)
    x, y = torch.cat([one, image.pooled], dim=1), torch.cat([one, text.pooled], dim=1)
    expected = torch.einsum("dij,bi,bj->bd", tensor, x, y) + fusion.bias
    close(fusion(image, text).pooled, expected, atol=1e-12, rtol=1e-12)


def test_low_rank_without_text_is_affine_in_the_image(image: Features, text: Features) -> None:
    fusion, nothing = LowRank(16, 16, 6).double(), without(text)
    a, b = image.pooled, image.pooled.roll(1, 0)
    middle = fusion(holding((a + b) / 2), nothing).pooled
    close(middle, (fusion(holding(a), nothing).pooled + fusion(holding(b), nothing).pooled) / 2)


def test_every_factor_of_low_rank_is_trained_and_saved() -> None:
    names = {name for name, _ in LowRank(16, 8, 6, rank=3).named_parameters()}
    assert names == {"weight", "bias", "image.weight", "image.bias", "text.weight", "text.bias"}


def test_mlb_is_bilinear_with_the_identity_and_bounded_before_its_map_with_tanh(
    image: Features, text: Features
) -> None:
    identity = Mlb(16, 16, 6, rank=5, activation="identity").double()
    fused = identity(image, text).pooled
    tensor = torch.einsum(
        "or,ri,rj->oij", identity.out.weight, identity.image.weight, identity.text.weight
    )
    close(fused, torch.einsum("oij,bi,bj->bo", tensor, image.pooled, text.pooled))
    bounded = Mlb(16, 16, 6, rank=5).double()
    u, v = bounded.image(image.pooled).tanh(), bounded.text(text.pooled).tanh()
    close(bounded(image, text).pooled, (u * v) @ bounded.out.weight.T)


def test_mfb_of_one_factor_without_norm_is_mlb_with_the_identity(
    image: Features, text: Features
) -> None:
    mfb = Mfb(16, 16, 6, factor=1, normalise_power=False, dropout=0).double()
    mlb = Mlb(16, 16, 6, rank=6, activation="identity").double()
    mlb.image.load_state_dict(mfb.image.state_dict())
    mlb.text.load_state_dict(mfb.text.state_dict())
    with torch.no_grad():
        mlb.out.weight.copy_(torch.eye(6))
    close(mfb(image, text).pooled, mlb(image, text).pooled)


def test_mfb_sums_its_factors_and_normalises(image: Features, text: Features) -> None:
    mfb = Mfb(16, 16, 6, factor=4, eps=1e-12).double().eval()
    u = torch.einsum("dki,bi->bdk", mfb.image.weight.unflatten(0, (6, 4)), image.pooled)
    v = torch.einsum("dki,bi->bdk", mfb.text.weight.unflatten(0, (6, 4)), text.pooled)
    z = torch.einsum("bdk,bdk->bd", u, v)
    z = z.sign() * z.abs().sqrt()
    close(mfb(image, text).pooled, z / z.norm(dim=1, keepdim=True), atol=1e-5, rtol=1e-5)


def test_mfb_has_a_finite_gradient_at_zero(text: Features) -> None:
    mfb = Mfb(16, 16, 6).double().eval()
    a = torch.zeros(3, 16, dtype=torch.float64, requires_grad=True)
    mfb(holding(a), text).pooled.sum().backward()
    assert a.grad is not None
    assert a.grad.isfinite().all()
