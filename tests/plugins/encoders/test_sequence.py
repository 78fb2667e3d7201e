"""A sequence model over images: order, padding, and the limits in which it is simpler."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from mmx import Features, FeatureShape, ImageEncoder, Images
from mmx.commands import check_plugin
from mmx.interfaces import BackboneOutput
from mmx_plugins.encoders.sequence import BiLstm, Sequence, SequenceParams

Make = Callable[..., Images]


class Colour(ImageEncoder):
    """Mean colour, through a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.shape, self.weights = FeatureShape(12), {"origin": "random"}
        self.layer = nn.Linear(3, 12)

    def forward(self, images: Images) -> Features:
        pooled = self.layer(images.pixels[:, 0].float().mean(dim=(2, 3)) / 255)
        return Features.of_pooled(pooled, images.present)


def built(**settings: Any) -> Sequence:
    torch.manual_seed(0)
    encoder = Sequence(SequenceParams(width=8, **settings), Colour())
    with torch.no_grad():
        for parameter in encoder.parameters():
            if not parameter.any():
                parameter.normal_()
    return encoder.eval()


def seen(count: int = 3, views: int = 5, seed: int = 0) -> BackboneOutput:
    torch.manual_seed(seed)
    pooled = torch.randn(count, views, 12)
    mask = torch.ones(count, views, dtype=torch.bool)
    return BackboneOutput(pooled[:, :, None], mask[..., None], pooled, mask, (8, 8))


def padded(given: BackboneOutput, before: int, after: int) -> BackboneOutput:
    """The same with absent views of random content around."""
    shape = (len(given.pooled), before + after, 12)
    noise = torch.randn(shape) * 9
    pooled = torch.cat([noise[:, :before], given.pooled, noise[:, before:]], dim=1)
    mask = torch.zeros(pooled.shape[:2], dtype=torch.bool)
    mask[:, before : before + given.mask.shape[1]] = given.mask
    centre = given.centre + before
    return BackboneOutput(pooled[:, :, None], mask[..., None], pooled, mask, (8, 8), centre)


PARTS = ("tokens", "token_mask", "pooled", "mask", "size")
ALL = [
    {"model": model, "pool": pool}
    for model in ("bilstm", "transformer", "none")
    for pool in ("attention", "mean", "centre")
]


@pytest.mark.parametrize("settings", ALL, ids=str)
def test_padding_never_matters(settings: dict[str, Any]) -> None:
    encoder = built(**settings)
    given = seen()
    want = encoder.combine(given)
    got = encoder.combine(padded(given, 2, 3))  # places are counted from the sample's centre
    torch.testing.assert_close(got.pooled, want.pooled, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(got.tokens[:, 2:7], want.tokens, rtol=1e-5, atol=1e-5)
    if settings["pool"] != "centre":
        free = built(**settings, positions="none")
        want, got = free.combine(given), free.combine(padded(given, 3, 0))
        torch.testing.assert_close(got.pooled, want.pooled, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("positions", ["learned", "sinusoidal"])
@pytest.mark.parametrize("settings", ALL, ids=str)
def test_a_sample_alone_is_as_beside_one_with_more_images(
    settings: dict[str, Any], positions: str, images: Make
) -> None:
    encoder = built(**settings, positions=positions)
    pixels = torch.cat([images(4, 8, 8, seed=view).pixels for view in range(7)], dim=1)
    mask = torch.arange(7) < torch.tensor([1, 2, 4, 7])[:, None]
    mask[2, 1] = False
    together = encoder(Images(pixels, mask))
    for row, count in enumerate((1, 2, 4, 7)):
        own = slice(row, row + 1)
        alone = encoder(Images(pixels[own, :count], mask[own, :count]))
        torch.testing.assert_close(together.pooled[own], alone.pooled, rtol=1e-5, atol=1e-5)


def test_an_image_beyond_the_learned_positions_is_refused() -> None:
    from mmx import DataError

    encoder, given = built(longest=5), seen()
    with pytest.raises(DataError, match="4 places from the middle"):
        encoder.combine(replace(given, centre=torch.tensor([2, 0, 2])))


@pytest.mark.parametrize("settings", ALL, ids=str)
def test_what_stands_in_an_absent_view_sends_no_gradient(settings: dict[str, Any]) -> None:
    encoder, given = built(**settings), seen()
    given.mask[0, 3:] = False
    given.mask[1, 0] = False
    given.pooled.requires_grad_()
    encoder.combine(given).pooled.square().sum().backward()
    assert given.pooled.grad is not None
    assert given.pooled.grad[~given.mask].abs().max() == 0


def test_one_image_without_a_model_is_the_backbone(images: Make) -> None:
    encoder = built(model="none", positions="none")
    batch = images(3, 8, 8)
    assert torch.equal(encoder(batch).pooled, encoder.backbone(batch).pooled)


def test_reversing_the_images_swaps_the_halves_of_a_tied_bilstm() -> None:
    torch.manual_seed(0)
    model, x = BiLstm(12, 8, 1), torch.randn(2, 5, 12)
    for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
        getattr(model.lstm, f"{name}_reverse").data = getattr(model.lstm, name).data
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    forth, back = model(x, mask), model(x.flip(1), mask.flip(1)).flip(1)
    torch.testing.assert_close(back, torch.cat([forth[..., 8:], forth[..., :8]], dim=-1))


def test_the_bilstm_is_that_of_torch_on_whole_sequences() -> None:
    torch.manual_seed(0)
    model, x = BiLstm(12, 8, 1), torch.randn(2, 5, 12)
    plain = model.lstm(x)[0]
    torch.testing.assert_close(model(x, torch.ones(2, 5, dtype=torch.bool)), plain)
    short = model.lstm(x[:1, 2:])[0]
    mask = torch.tensor([[False, False, True, True, True]])
    torch.testing.assert_close(model(x[:1], mask)[:, 2:], short)


def test_a_transformer_sees_order_only_through_positions() -> None:
    given, order = seen(), torch.tensor([3, 0, 4, 1, 2])
    moved = BackboneOutput(
        given.tokens[:, order], given.token_mask, given.pooled[:, order], given.mask, (8, 8)
    )
    free = built(model="transformer", positions="none")
    torch.testing.assert_close(free.combine(moved).pooled, free.combine(given).pooled)
    for positions in ("learned", "sinusoidal"):
        bound = built(model="transformer", positions=positions)
        gap = bound.combine(moved).pooled - bound.combine(given).pooled
        assert gap.abs().max() > 1e-3


def test_centre_pools_the_middle_image_and_others_where_it_is_absent() -> None:
    encoder, given = built(pool="centre"), seen()
    given.mask[2, 2] = False
    found = encoder.combine(given)
    assert torch.equal(found.pooled[:2], found.tokens[:2, 2])
    assert found.explain["view weights"][0].tolist() == [0, 0, 1, 0, 0]
    torch.testing.assert_close(found.pooled[2], found.tokens[2, [0, 1, 3, 4]].mean(dim=0))


def test_weights_start_even_and_sum_to_one() -> None:
    encoder = Sequence(SequenceParams(width=8), Colour())
    given = seen()
    given.mask[0, :2] = False
    weights = encoder.combine(given).explain["view weights"]
    torch.testing.assert_close(weights[0], torch.tensor([0, 0, 1, 1, 1]) / 3)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(3))


def test_too_many_images_are_refused_with_the_number() -> None:
    from mmx import DataError

    with pytest.raises(DataError, match="set longest: 40"):
        built().check_views(40)
    built(positions="sinusoidal").check_views(40)


@pytest.mark.slow
def test_keeps_the_laws_of_encoders() -> None:
    certificate = check_plugin("encoder.sequence")
    assert certificate is not None
