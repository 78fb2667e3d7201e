"""Laws of one modality alone, concatenation, sums and products, each against plain torch."""

from itertools import permutations
from typing import Any

import pytest
import torch
from fusing import (
    THREE,
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
from torch import nn

from mmx import Features, ShapeError
from mmx_plugins.fusion.add import Add, AddParams
from mmx_plugins.fusion.concat import Concat, ConcatParams
from mmx_plugins.fusion.multiply import Multiply
from mmx_plugins.fusion.only import Only, OnlyParams


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
