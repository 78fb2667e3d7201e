"""Laws of the fusions in which the text modulates image channels."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from mmx import Features, masked_mean
from mmx_plugins.fusion.film import Film, Generator
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


@pytest.mark.parametrize("generator", ["text", "text_image"])
def test_film_starts_as_the_image_and_learns_from_text_after_one_step(
    image: Features, text: Features, generator: Generator
) -> None:
    film = Film(16, 16, generator=generator, hidden=7)
    optimizer = torch.optim.SGD(film.parameters(), lr=0.1)
    gradients = []
    for _ in range(2):
        t = text.pooled.clone().requires_grad_()
        fused = film(image, replace(text, pooled=t)).pooled
        if not gradients:
            close(fused, image.pooled)
        optimizer.zero_grad()
        fused.square().sum().backward()
        optimizer.step()
        gradients.append(t.grad)
    assert gradients[0] is not None
    assert gradients[1] is not None
    assert not gradients[0].any()
    assert gradients[1].any()


def test_film_is_its_formula_and_follows_the_order_of_image_tokens(
    image: Features, text: Features, awake: Awake
) -> None:
    film = Film(16, 16)
    awake(film)
    gamma, beta = film.generator(text.pooled)[:, None].chunk(2, dim=-1)
    close(film(image, text).tokens, image.tokens + gamma * image.tokens + beta)
    order = torch.tensor([2, 0, 3, 1])
    shuffled = film(Features(image.tokens[:, order], image.mask), text)
    close(shuffled.tokens, film(image, text).tokens[:, order])
    close(film(image, without(text)).pooled, image.pooled)


def test_daft_generator_is_a_bias_free_bottleneck_of_image_and_text(
    image: Features, text: Features, awake: Awake
) -> None:
    film = Film(16, 16, generator="text_image", hidden=7)
    awake(film)
    shapes = {name: tuple(p.shape) for name, p in film.generator.named_parameters()}
    assert shapes == {"0.weight": (7, 32), "2.weight": (32, 7)}
    seen = torch.cat([image.pooled, text.pooled], dim=1)
    gamma, beta = film.generator(seen)[:, None].chunk(2, dim=-1)
    close(film(image, text).tokens, (1 + gamma) * image.tokens + beta)


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
