"""Laws of the fusions in which others modulate the channels of one modality."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from mmx import Features, FeatureShape, ShapeError
from mmx.interfaces import masked_mean
from mmx_plugins.fusion.film import Film, FilmParams, Generator
from mmx_plugins.fusion.metablock import MetaBlock, MetaNet

MakeFeatures = Callable[..., Features]
Awake = Callable[[nn.Module], nn.Module]
close = torch.testing.assert_close


@pytest.fixture
def image(make: MakeFeatures) -> Features:
    return make(3, 4, seed=0)


@pytest.fixture
def text(make: MakeFeatures) -> Features:
    return make(3, 5, seed=1)


def without(features: Features) -> Features:
    return replace(features, present=torch.zeros_like(features.present))


@pytest.fixture
def given(image: Features, text: Features, make: MakeFeatures) -> dict[str, Features]:
    return {"image": image, "text": text, "record": make(3, 3, seed=2)}


DIMS = {"image": 16, "text": 16, "record": 16}


@pytest.mark.parametrize("generator", ["others", "all"])
def test_film_starts_as_the_first_and_learns_from_all_others_after_one_step(
    given: dict[str, Features], generator: Generator
) -> None:
    film = Film(DIMS, "image", generator=generator, hidden=7)
    optimizer = torch.optim.SGD(film.parameters(), lr=0.1)
    gradients = []
    for _ in range(2):
        others = {name: given[name].pooled.clone().requires_grad_() for name in ("text", "record")}
        held = {name: replace(given[name], pooled=x) for name, x in others.items()}
        fused = film({"image": given["image"], **held}).pooled
        if not gradients:
            close(fused, given["image"].pooled)
        optimizer.zero_grad()
        fused.square().sum().backward()
        optimizer.step()
        gradients.append([x.grad for x in others.values()])
    for before, after in zip(*gradients, strict=True):
        assert before is not None
        assert after is not None
        assert not before.any()
        assert after.any()


@pytest.mark.parametrize("first", ["image", "text"])
def test_film_is_its_formula_and_follows_the_order_of_tokens(
    given: dict[str, Features], first: str, awake: Awake
) -> None:
    film = Film(DIMS, first)
    awake(film)
    x = given[first]
    changes = {m: film.generators[m](given[m].pooled) for m in DIMS if m != first}
    gamma, beta = sum(changes.values())[:, None].chunk(2, dim=-1)  # type: ignore[index]
    fused = film(given)
    close(fused.tokens, x.tokens + gamma * x.tokens + beta)
    for name, change in changes.items():
        close(fused.explain[f"gamma_{name}"], change[:, :16])
    order = torch.randperm(x.tokens.shape[1])
    shuffled = film({**given, first: Features(x.tokens[:, order], x.mask)})
    close(shuffled.tokens, fused.tokens[:, order])


def test_film_alone_is_the_first_and_an_absent_modality_adds_nothing(
    given: dict[str, Features], awake: Awake
) -> None:
    three, two = Film(DIMS, "image"), Film({"image": 16, "text": 16}, "image").eval()
    awake(three)
    two.load_state_dict(three.state_dict(), strict=False)
    pair = {"image": given["image"], "text": given["text"]}
    close(three({**given, "record": without(given["record"])}).tokens, two(pair).tokens)
    alone = {name: one if name == "image" else without(one) for name, one in given.items()}
    close(three(alone).pooled, given["image"].pooled)


def test_daft_generator_is_a_bias_free_bottleneck_of_both(
    image: Features, text: Features, awake: Awake
) -> None:
    film = Film({"image": 16, "text": 16}, "image", generator="all", hidden=7)
    awake(film)
    generator = film.generators["text"]
    shapes = {name: tuple(p.shape) for name, p in generator.named_parameters()}
    assert shapes == {"0.weight": (7, 32), "2.weight": (32, 7)}
    seen = torch.cat([image.pooled, text.pooled], dim=1)
    gamma, beta = generator(seen)[:, None].chunk(2, dim=-1)
    fused = film({"image": image, "text": text})
    close(fused.tokens, (1 + gamma) * image.tokens + beta)


def test_names_of_generators_of_image_and_text_stay_and_first_is_a_modality() -> None:
    assert FilmParams.model_validate({"generator": "text_image"}) == FilmParams(generator="all")
    assert FilmParams.model_validate({"generator": "text"}) == FilmParams()
    shapes: dict[str, FeatureShape] = dict.fromkeys(("image", "text"), FeatureShape(16))
    with pytest.raises(ShapeError, match="no modality 'clinic'; modalities of this"):
        FilmParams(first="clinic").build(shapes)


def test_metablock_is_its_formula_and_stays_between_zero_and_one(
    image: Features, text: Features, awake: Awake
) -> None:
    block = MetaBlock(16, 16)
    awake(block)
    f, g = block.scale(text.pooled)[:, None], block.shift(text.pooled)[:, None]
    fused = block(image, text)
    close(fused.tokens, ((image.tokens * f).tanh() + g).sigmoid())
    assert ((fused.tokens > 0) & (fused.tokens < 1)).all()


def test_metablock_acts_on_each_channel_alone(
    image: Features, text: Features, awake: Awake
) -> None:
    block = MetaBlock(16, 16)
    awake(block)
    changed = image.tokens.clone()
    changed[..., 3] += 1
    gap = block(Features(changed, image.mask), text).tokens - block(image, text).tokens
    assert (gap[..., 3] != 0).all()
    gap[..., 3] = 0
    assert not gap.any()


def test_metablock_without_text_lets_the_image_through(
    image: Features, text: Features, awake: Awake
) -> None:
    block = MetaBlock(16, 16)
    awake(block)
    through = masked_mean(image.tokens.tanh().sigmoid(), image.mask)
    close(block(image, without(text)).pooled, through)


def test_metanet_gates_start_at_a_half_and_are_one_without_text(
    image: Features, text: Features
) -> None:
    net = MetaNet(16, 16)
    close(net(image, text).pooled, image.pooled / 2)
    close(net(image, without(text)).pooled, image.pooled)
    with torch.no_grad():
        list(net.gate.parameters())[-1].fill_(100.0)
    close(net(image, text).pooled, image.pooled)  # gate 1: the mean of the image
