"""Laws of the fusions by tensor products, of two and of three, each against einsum."""

from typing import Any

import pytest
import torch
from fusing import (
    THREE,
    TWO,
    Given,
    close,
    either_number,
    holding,
    pooled_of,
    shapes,
    some,
    widths,
    without,
)
from torch import Tensor, nn

from mmx import Features, FeatureShape, ShapeError
from mmx_plugins.fusion.low_rank import LowRank
from mmx_plugins.fusion.mfb import Mfb
from mmx_plugins.fusion.mlb import Mlb
from mmx_plugins.fusion.tfn import Tfn, TfnParams


def factors_of(fusion: Any) -> list[Tensor]:
    """[rank, dim, 1 + D] of each modality."""
    found = [fusion.factor[name] for name in fusion.factor]
    return [
        torch.cat([own.bias[:, None], own.weight], dim=1).unflatten(0, (fusion.rank, fusion.dim))
        for own in found
    ]


def with_ones(given: Given) -> list[Tensor]:
    one = torch.ones(3, 1, dtype=torch.float64)
    return [torch.cat([one, x], dim=1) for x in pooled_of(given)]


def test_low_rank_is_the_contraction_with_the_full_tensor(given: Given) -> None:
    fusion = LowRank(widths(THREE), 6, rank=3).double()
    nn.init.normal_(fusion.weight)
    nn.init.normal_(fusion.bias)
    tensor = torch.einsum("r,rdi,rdj,rdk->dijk", fusion.weight, *factors_of(fusion))
    expected = torch.einsum("dijk,bi,bj,bk->bd", tensor, *with_ones(given)) + fusion.bias
    close(fusion(given).pooled, expected, atol=1e-12, rtol=1e-12)


def test_low_rank_without_the_others_is_affine(given: Given) -> None:
    fusion = LowRank(widths(THREE), 6).double()
    nothing = {name: without(one) for name, one in given.items()}

    def alone(x: Tensor) -> Tensor:
        result: Tensor = fusion({**nothing, "image": holding(x)}).pooled
        return result

    a, b = given["image"].pooled, given["image"].pooled.roll(1, 0)
    close(alone((a + b) / 2), (alone(a) + alone(b)) / 2)


def test_every_factor_of_low_rank_is_trained_and_saved() -> None:
    names = {name for name, _ in LowRank({"a": 16, "b": 8}, 6, rank=3).named_parameters()}
    ends = ("weight", "bias")
    assert names == {"weight", "bias", *(f"factor.{m}.{end}" for m in "ab" for end in ends)}


@either_number
def test_tensor_fusion_is_a_linear_map_of_the_outer_product(
    given: Given, names: tuple[str, ...]
) -> None:
    features = some(given, names)
    fusion = Tfn(widths(names), 6, inner=3).double().eval()
    one = torch.ones(3, 1, dtype=torch.float64)
    u = [torch.cat([one, fusion.project[m](x.pooled)], dim=1) for m, x in features.items()]
    axes = "ijk"[: len(names)]
    z = torch.einsum(",".join(f"b{axis}" for axis in axes) + f"->b{axes}", *u)
    close(fusion(features).pooled, fusion.out(z.flatten(1)))


@either_number
def test_tensor_fusion_with_a_readout_of_low_rank_is_low_rank_fusion(
    given: Given, names: tuple[str, ...]
) -> None:
    features = some(given, names)
    tensor = Tfn(widths(names), 6, inner=3, dropout=0).double().eval()
    low = LowRank(widths(names), 6, rank=2).double()
    parts = [torch.randn(2, 6, 4, dtype=torch.float64) for _ in names]  # [rank, dim, 1 + inner]
    axes = "ijk"[: len(names)]
    rule = ",".join(f"rd{axis}" for axis in axes)
    with torch.no_grad():
        readout = torch.einsum(f"r,{rule}->d{axes}", low.weight, *parts)
        tensor.out.weight.copy_(readout.flatten(1))
        tensor.out.bias.copy_(low.bias)
        for name, part in zip(names, parts, strict=True):
            low.factor[name].weight.copy_(
                (part[..., 1:] @ tensor.project[name].weight).flatten(0, 1)
            )
            low.factor[name].bias.copy_(part[..., 0].flatten())
    for lacking in (features, {**features, "text": without(features["text"])}):
        close(tensor(lacking).pooled, low(lacking).pooled)


def test_an_absent_modality_leaves_the_tensor_of_the_others(given: Given) -> None:
    three = Tfn(widths(THREE), 6, inner=3).double().eval()
    two = Tfn(widths(TWO), 6, inner=3).double().eval()
    with torch.no_grad():
        for name in TWO:
            two.project[name].load_state_dict(three.project[name].state_dict())
        two.out.weight.copy_(three.out.weight.unflatten(1, (16, 4))[..., 0])
        two.out.bias.copy_(three.out.bias)
    lacking = {**given, "record": without(given["record"])}
    close(three(lacking).pooled, two(some(given, TWO)).pooled)


def test_a_tensor_of_too_many_numbers_is_refused_with_what_fits() -> None:
    four = shapes(("image", "text", "record", "history"))
    assert isinstance(TfnParams().build(four), Tfn)  # 17^4 = 83,521
    five = {**four, "waveform": FeatureShape(16)}
    with pytest.raises(ShapeError, match=r"1,419,857 numbers of 5 .* inner to 9 or .*low_rank"):
        TfnParams().build(five)
    TfnParams(inner=9).build(five)


def test_mlb_is_bilinear_with_the_identity_and_bounded_before_its_map_with_tanh(
    image: Features, text: Features
) -> None:
    identity = Mlb(16, 16, 6, rank=5, activation="identity").double()
    fused = identity(image, text).pooled
    tensor = torch.einsum(
        "or,ri,rj->oij", identity.out.weight, identity.first.weight, identity.second.weight
    )
    close(fused, torch.einsum("oij,bi,bj->bo", tensor, image.pooled, text.pooled))
    bounded = Mlb(16, 16, 6, rank=5).double()
    u, v = bounded.first(image.pooled).tanh(), bounded.second(text.pooled).tanh()
    close(bounded(image, text).pooled, (u * v) @ bounded.out.weight.T)


def test_mfb_of_one_factor_without_norm_is_mlb_with_the_identity(
    image: Features, text: Features
) -> None:
    mfb = Mfb(widths(TWO), 6, factor=1, normalise_power=False, dropout=0).double()
    mlb = Mlb(16, 16, 6, rank=6, activation="identity").double()
    mlb.first.load_state_dict(mfb.project["image"].state_dict())
    mlb.second.load_state_dict(mfb.project["text"].state_dict())
    with torch.no_grad():
        mlb.out.weight.copy_(torch.eye(6))
    close(mfb({"image": image, "text": text}).pooled, mlb(image, text).pooled)


@either_number
def test_mfb_sums_its_factors_and_normalises(given: Given, names: tuple[str, ...]) -> None:
    features = some(given, names)
    mfb = Mfb(widths(names), 6, factor=4, eps=1e-12).double().eval()
    product = torch.ones(3, 6, 4, dtype=torch.float64)
    for name, one in features.items():
        weight = mfb.project[name].weight.unflatten(0, (6, 4))
        product = product * torch.einsum("dki,bi->bdk", weight, one.pooled)
    z = product.sum(dim=2)
    z = z.sign() * z.abs().sqrt()
    close(mfb(features).pooled, z / z.norm(dim=1, keepdim=True), atol=1e-5, rtol=1e-5)


def test_mfb_has_a_finite_gradient_at_zero(given: Given) -> None:
    mfb = Mfb(widths(THREE), 6).double().eval()
    a = torch.zeros(3, 16, dtype=torch.float64, requires_grad=True)
    mfb({**given, "image": holding(a)}).pooled.sum().backward()
    assert a.grad is not None
    assert a.grad.isfinite().all()
