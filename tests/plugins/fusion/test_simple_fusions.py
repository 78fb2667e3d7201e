"""Laws of the fusions of vectors, of two and of three, each against plain torch or einsum."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import permutations
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn

from mmx import Features, FeatureShape, ShapeError
from mmx.blocks import Norm
from mmx_plugins.fusion.add import Add, AddParams
from mmx_plugins.fusion.concat import Concat, ConcatParams
from mmx_plugins.fusion.gated import Gated
from mmx_plugins.fusion.low_rank import LowRank
from mmx_plugins.fusion.mfb import Mfb
from mmx_plugins.fusion.mlb import Mlb
from mmx_plugins.fusion.multiply import Multiply
from mmx_plugins.fusion.only import Only, OnlyParams
from mmx_plugins.fusion.tfn import Tfn, TfnParams

MakeFeatures = Callable[..., Features]
Given = dict[str, Features]
TWO, THREE = ("image", "text"), ("image", "text", "record")
close = torch.testing.assert_close
either_number = pytest.mark.parametrize("names", [TWO, THREE], ids=["two", "three"])


@pytest.fixture
def given(make: MakeFeatures) -> Given:
    """Three modalities."""
    return {name: make(3, 4 + k, seed=k, dtype=torch.float64) for k, name in enumerate(THREE)}


@pytest.fixture
def image(given: Given) -> Features:
    return given["image"]


@pytest.fixture
def text(given: Given) -> Features:
    return given["text"]


def some(given: Given, names: tuple[str, ...]) -> Given:
    return {name: given[name] for name in names}


def widths(names: tuple[str, ...], width: int = 16) -> dict[str, int]:
    return dict.fromkeys(names, width)


def shapes(names: tuple[str, ...], width: int = 16) -> dict[str, FeatureShape]:
    return dict.fromkeys(names, FeatureShape(width))


def without(features: Features) -> Features:
    """The same, missing everywhere."""
    return replace(features, present=torch.zeros_like(features.present))


def holding(pooled: Tensor) -> Features:
    return Features.of_pooled(pooled)


def pooled_of(given: Mapping[str, Features]) -> list[Tensor]:
    return [one.pooled for one in given.values()]


@pytest.mark.parametrize("name", THREE)
def test_one_modality_alone_is_handed_on_exactly_whatever_the_others_hold(
    given: Given, name: str
) -> None:
    others = {
        other: holding(torch.full_like(one.pooled, torch.nan)) for other, one in given.items()
    }
    others[name] = given[name]
    for features in (given, others):
        assert torch.equal(Only(name, 16)(features).pooled, given[name].pooled)
    assert torch.equal(Only(name, 16, tokens=True)(given).tokens, given[name].tokens)


def test_one_modality_alone_is_named_or_the_first_and_no_other_encoder_is_asked() -> None:
    assert OnlyParams(modality="text").used(THREE) == ("text",)
    assert OnlyParams().used(THREE) == ("image",)
    with pytest.raises(ShapeError, match="no modality 'txt'; modalities of this model: image, te"):
        OnlyParams(modality="txt").check_modalities(THREE)


def test_concatenation_read_without_its_other_columns_is_the_first_alone(given: Given) -> None:
    linear = nn.Linear(48, 4).double()
    with torch.no_grad():
        linear.weight[:, 16:] = 0
    of_image = nn.functional.linear(Only("image", 16)(given).pooled, linear.weight[:, :16])
    close(linear(Concat(widths(THREE))(given).pooled), of_image + linear.bias)


def test_a_linear_map_of_the_concatenation_is_a_sum(given: Given) -> None:
    linear = nn.Linear(48, 4).double()
    fused = linear(Concat(widths(THREE))(given).pooled)
    maps = linear.weight.split(16, dim=1)
    total = sum(x @ own.T for x, own in zip(pooled_of(given), maps, strict=True))
    close(fused, total + linear.bias)


def test_concatenated_tokens_are_all_sequences(given: Given) -> None:
    fused = ConcatParams(tokens=True).build(shapes(THREE))(given)
    close(fused.tokens, torch.cat([one.tokens for one in given.values()], dim=1))
    close(fused.pooled, fused.tokens.mean(dim=1))


@either_number
@pytest.mark.parametrize("fusion", [Add(16), Multiply(16), Multiply(16, "plain")], ids=str)
def test_sums_and_products_have_no_order_and_skip_what_is_absent(
    given: Given, names: tuple[str, ...], fusion: Any
) -> None:
    features = some(given, names)
    wanted = fusion(features).pooled
    for order in permutations(names):
        close(fusion({name: features[name] for name in order}).pooled, wanted)
    more = {**features, "nothing": without(given["text"])}
    assert torch.equal(fusion(more).pooled, wanted)
    alone = {name: one if name == "image" else without(one) for name, one in features.items()}
    assert torch.equal(fusion(alone).pooled, features["image"].pooled)


def test_addition_is_the_sum(given: Given) -> None:
    total = torch.stack(pooled_of(given)).sum(dim=0)
    close(Add(16)(given).pooled, total)
    close(AddParams(activation="relu").build(shapes(THREE))(given).pooled, total.clamp(min=0))


def test_neutral_product_has_all_orders_of_interaction(given: Given) -> None:
    a, t, r = pooled_of(given)
    neutral, plain = Multiply(16)(given).pooled, Multiply(16, "plain")(given).pooled
    close(neutral, (1 + a) * (1 + t) * (1 + r) - 1)
    close(neutral, a + t + r + a * t + a * r + t * r + a * t * r)
    close(plain, a * t * r)


def test_plain_product_is_bilinear_and_one_is_neutral(image: Features, text: Features) -> None:
    plain = Multiply(16, "plain")
    fused = plain({"image": image, "text": text}).pooled
    close(plain({"image": holding(3 * image.pooled), "text": text}).pooled, 3 * fused)
    one = holding(torch.ones_like(text.pooled))
    close(plain({"image": image, "text": one}).pooled, image.pooled)
    a = image.pooled.requires_grad_()
    result = plain({"image": holding(a), "text": text}).pooled
    (slope,) = torch.autograd.grad(result.sum(), a)
    close(slope, text.pooled)  # df/da = t


def hidden(gated: Any, given: Given) -> Tensor:
    """tanh(W_m x_m), [M, B, dim]."""
    return torch.stack(
        [gated.project[m](gated.norm[m](one.pooled)).tanh() for m, one in given.items()]
    )


@either_number
@pytest.mark.parametrize("gate", ["vector", "scalar"])
def test_gate_starts_at_the_mean_and_missing_modalities_leave_their_share(
    given: Given, names: tuple[str, ...], gate: Literal["vector", "scalar"]
) -> None:
    features = some(given, names)
    gated = Gated(widths(names), 8, gate=gate).double()
    h = hidden(gated, features)
    close(gated(features).pooled, h.mean(dim=0))
    for k, name in enumerate(names):
        lacking = {**features, name: without(features[name])}
        rest = torch.cat([h[:k], h[k + 1 :]])
        close(gated(lacking).pooled, rest.mean(dim=0))


def test_two_gates_are_the_sigmoid_of_the_source(
    given: Given, awake: Callable[[nn.Module], nn.Module]
) -> None:
    features = some(given, TWO)
    gated: Any = awake(Gated(widths(TWO), 8).double())
    x = torch.cat([gated.norm[m](one.pooled) for m, one in features.items()], dim=1)
    z = gated.gate(x).sigmoid()
    h = hidden(gated, features)
    fused = gated(features)
    close(fused.pooled, z * h[0] + (1 - z) * h[1])
    close(fused.explain["gate_image"], z)
    close(fused.explain["gate_image"] + fused.explain["gate_text"], torch.ones_like(z))


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_three_gates_are_a_softmax_over_what_is_present(
    given: Given, awake: Callable[[nn.Module], nn.Module], norm: Norm
) -> None:
    gated: Any = awake(Gated(widths(THREE), 8, norm=norm).double())
    present = torch.tensor([[True, True, True], [True, False, True], [False, True, True]])
    features = {
        name: one.with_present(present[:, k]) for k, (name, one) in enumerate(given.items())
    }
    here = {m: features[m].present[:, None].double() for m in THREE}
    x = {m: gated.norm[m](one.pooled * here[m]) for m, one in features.items()}
    u = {m: gated.project[m](vector) for m, vector in x.items()}
    seen = torch.cat([(u if norm == "batch" else x)[m] * here[m] for m in THREE], dim=1)
    logits = torch.stack([*gated.gate(seen).chunk(2, dim=1), torch.zeros(3, 8).double()], dim=1)
    weights = logits.exp() * present[..., None]
    weights = weights / weights.sum(dim=1, keepdim=True)
    expected = (weights * torch.stack([u[m].tanh() for m in THREE], dim=1)).sum(dim=1)
    close(gated(features).pooled, expected)


def test_sigmoid_gates_of_the_source_do_not_compete(
    given: Given, awake: Callable[[nn.Module], nn.Module]
) -> None:
    gated: Any = awake(Gated(widths(THREE), 8, gate="sigmoid").double())
    x = torch.cat([gated.norm[m](one.pooled) for m, one in given.items()], dim=1)
    g = torch.stack(gated.gate(x).sigmoid().chunk(3, dim=1))
    close(gated(given).pooled, (g * hidden(gated, given)).sum(dim=0))


@either_number
def test_an_everywhere_absent_modality_changes_no_gate(
    given: Given, names: tuple[str, ...], awake: Callable[[nn.Module], nn.Module]
) -> None:
    """A gate over more, whose weights of the others are the same, says the same."""
    features = some(given, names)
    small: Any = awake(Gated(widths(names), 8).double())
    more: Any = awake(Gated(widths((*names, "nothing")), 8).double())
    for name in names:
        more.norm[name].load_state_dict(small.norm[name].state_dict())
        more.project[name].load_state_dict(small.project[name].state_dict())
    count = len(names)
    with torch.no_grad():  # the last of the small one has logit 0, in the large one it learns
        more.gate.weight[:, : 16 * count] = 0
        more.gate.bias.zero_()
        more.gate.weight[: 8 * (count - 1), : 16 * count] = small.gate.weight
        more.gate.bias[: 8 * (count - 1)] = small.gate.bias
    with_nothing = {**features, "nothing": without(given["text"])}
    close(more(with_nothing).pooled, small(features).pooled)


@either_number
@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_gated_result_lies_between_and_moving_modalities_moves_exactly(
    given: Given,
    names: tuple[str, ...],
    awake: Callable[[nn.Module], nn.Module],
    norm: Norm,
) -> None:
    features, turned = some(given, names), names[::-1]
    gated: Any = awake(Gated(widths(names), 8, norm=norm).double())
    other: Any = Gated(widths(turned), 8, norm=norm).double().eval()
    fused, h = gated(features).pooled, hidden(gated, features)
    assert (fused >= h.amin(dim=0) - 1e-12).all()
    assert (fused <= h.amax(dim=0) + 1e-12).all()
    for name in names:
        other.norm[name].load_state_dict(gated.norm[name].state_dict())
        other.project[name].load_state_dict(gated.project[name].state_dict())
    seen = 8 if norm == "batch" else 16
    with torch.no_grad():
        for kind, old in gated.gate.named_parameters():
            logits = [*old.split(8), torch.zeros_like(old[:8])]
            moved = torch.cat([one - logits[0] for one in logits][::-1][:-1])  # the last is 0 again
            if moved.ndim == 2:
                moved = torch.cat(moved.split(seen, dim=1)[::-1], dim=1)
            getattr(other.gate, kind).copy_(moved)
    close(other({name: features[name] for name in turned}).pooled, fused)


def test_one_modality_is_not_gated(image: Features) -> None:
    gated = Gated(widths(("image",)), 8).double()
    assert gated.gate is None
    close(gated({"image": image}).pooled, hidden(gated, {"image": image})[0])


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
