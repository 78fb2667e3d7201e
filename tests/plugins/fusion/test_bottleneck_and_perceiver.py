"""Laws of attention over any number of modalities: bottleneck and perceiver, in plain torch."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from mmx import Features
from mmx_plugins.fusion.bottleneck import Bottleneck, BottleneckParams
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


def without(features: Features) -> Features:
    return replace(features, present=torch.zeros_like(features.present))


def reordered(features: Features, order: Tensor) -> Features:
    return Features(features.tokens[:, order], features.mask[:, order])


def leaf(features: Features) -> tuple[Features, Tensor]:
    tokens = features.tokens.clone().requires_grad_()
    return Features(tokens, features.mask), tokens


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
