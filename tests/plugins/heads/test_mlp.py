"""Laws of head.mlp."""

from typing import cast

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import mmx
from mmx import Features, HeadParams, PluginError, ShapeError
from mmx_plugins.heads.mlp import MlpParams


def pooled(rows: int = 5, dim: int = 12) -> Features:
    return Features.of_pooled(torch.randn(rows, dim, generator=torch.Generator().manual_seed(0)))


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_is_two_linear_maps_around_a_relu() -> None:
    head = MlpParams(hidden=6).build(12, 3).eval()
    first, last = head.hidden[0], head.last
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    z = pooled().pooled
    expected = (z @ first.weight.T + first.bias).clamp(min=0) @ last.weight.T + last.bias
    torch.testing.assert_close(head(pooled()).logits, expected)


def test_without_a_hidden_layer_it_is_a_linear_probe() -> None:
    head = MlpParams(hidden=None).build(12, 3)
    assert {name: list(value.shape) for name, value in head.named_parameters()} == {
        "last.weight": [3, 12],
        "last.bias": [3],
    }
    first, second = pooled().pooled.split(6, dim=1)
    assert isinstance(head.last, nn.Linear)
    left, right = head.last.weight.split(6, dim=1)
    sum_of_two = first @ left.T + second @ right.T + head.last.bias
    torch.testing.assert_close(head(pooled()).logits, sum_of_two)


def test_swapping_the_modalities_permutes_the_columns_of_the_first_layer() -> None:
    head = MlpParams(hidden=6).build(12, 3).eval()
    before = head(pooled()).logits
    first = head.hidden[0]
    assert isinstance(first, nn.Linear)
    first.weight.data = first.weight.data.roll(6, dims=1)
    swapped = Features.of_pooled(pooled().pooled.roll(6, dims=1))
    torch.testing.assert_close(head(swapped).logits, before)


def test_drops_hidden_channels_only_while_training() -> None:
    head = MlpParams(hidden=64, dropout=0.9).build(12, 3)
    assert not torch.equal(head(pooled()).logits, head(pooled()).logits)
    head.eval()
    assert torch.equal(head(pooled()).logits, head(pooled()).logits)


def test_a_cosine_layer_gives_scaled_cosines_without_bias() -> None:
    head = MlpParams(hidden=None, cosine=True, scale=7).build(12, 3)
    assert [name for name, _ in head.named_parameters()] == ["last.weight"]
    weight = head.last.weight
    assert isinstance(weight, torch.Tensor)
    expected = 7 * F.cosine_similarity(pooled().pooled[:, None], weight[None], dim=-1)
    torch.testing.assert_close(head(pooled()).logits, expected)


def test_a_zero_vector_has_finite_cosines_and_gradients() -> None:
    z = torch.zeros(2, 12, requires_grad=True)
    logits = MlpParams(hidden=None, cosine=True).build(12, 3)(Features.of_pooled(z)).logits
    logits.sum().backward()
    assert torch.equal(logits, torch.zeros(2, 3))
    assert z.grad is not None
    assert z.grad.isfinite().all()


@pytest.mark.parametrize("cosine", [False, True])
@pytest.mark.parametrize("dim", [64, 256, 1024])
@pytest.mark.parametrize(
    "other", ["attention_pool", "kan", "kan_spline", "mlp", "moe", "residual_mlp"]
)
def test_matches_the_parameters_of_any_head_within_five_percent(
    other: str, dim: int, cosine: bool
) -> None:
    params = cast(HeadParams, mmx.Plugins().find("head", other)())
    wanted = count(params.build(dim, 7))
    got = count(MlpParams(match=other, cosine=cosine).build(dim, 7))
    assert abs(got - wanted) <= 0.05 * wanted


def test_matching_leaves_the_random_numbers_alone() -> None:
    state = torch.get_rng_state()
    torch.manual_seed(3)
    first_layer = MlpParams(match="kan").build(12, 3).hidden[0]
    assert isinstance(first_layer, nn.Linear)
    plain = MlpParams(hidden=first_layer.out_features)
    torch.manual_seed(3)
    first = plain.build(12, 3).state_dict()
    torch.manual_seed(3)
    second = MlpParams(match="kan").build(12, 3).state_dict()
    torch.set_rng_state(state)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_says_when_no_width_matches() -> None:
    # a linear map from 1000 channels to 2 classes cannot be had from hidden units of 1003 numbers
    with pytest.raises(
        ShapeError, match=r"no mlp matches the .* parameters of head\.attention_pool"
    ):
        MlpParams(match="attention_pool", hidden=1).build(1, 2000)


def test_names_the_nearest_head_when_there_is_none_to_match() -> None:
    with pytest.raises(PluginError, match="kan"):
        MlpParams(match="kann").build(12, 3)


def test_cosines_are_for_one_of_several_classes() -> None:
    params = MlpParams(cosine=True)
    assert params.misfit("single_label") == ""
    for task in ("multi_label", "ordinal"):
        assert params.misfit(task).endswith(f"this spec has task: {task}; leave it out")
        assert MlpParams().misfit(task) == ""
