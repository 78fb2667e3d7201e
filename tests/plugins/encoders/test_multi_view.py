"""Views that read each other: order, copies, absence, and one view alone."""

from typing import Any

import pytest
import torch
from wrapped import Patches, awake, moved, pictures, seen

from mmx import DataError, Images
from mmx.interfaces import BackboneOutput
from mmx_plugins.encoders.multi_view import MultiView, MultiViewParams, OtherViews


def built(**settings: Any) -> MultiView:
    torch.manual_seed(0)
    return awake(MultiView(MultiViewParams(width=8, **settings), Patches()))  # type: ignore[return-value]


def test_attention_is_that_of_torch_over_the_other_views() -> None:
    """One head of nn.MultiheadAttention on the tokens of the other views, view by view."""
    torch.manual_seed(0)
    layer = awake(OtherViews(12, 2, 12))
    given = seen(2, 3)
    plain = torch.nn.MultiheadAttention(12, 2, batch_first=True)
    ours = layer.attention
    weight = torch.cat([ours.query.weight, ours.key_value.weight])  # type: ignore[union-attr]
    bias = torch.cat([ours.query.bias, ours.key_value.bias])  # type: ignore[union-attr]
    plain.in_proj_weight.data, plain.in_proj_bias.data = weight.data, bias.data
    plain.out_proj.load_state_dict(ours.out.state_dict())  # type: ignore[union-attr]
    real = given.token_mask
    found = layer(given.tokens[real], real).view_as(given.tokens)  # all tokens are real here
    normed = layer.norm(given.tokens)  # type: ignore[operator]
    for view in range(3):
        others = torch.cat([normed[:, other] for other in range(3) if other != view], dim=1)
        wanted = given.tokens[:, view] + plain(normed[:, view], others, others)[0]
        torch.testing.assert_close(found[:, view], wanted, rtol=1e-5, atol=1e-5)


def test_one_view_is_the_backbone() -> None:
    encoder, images = built(), pictures()
    found, alone = encoder(images), encoder.backbone(images)
    assert torch.equal(found.pooled, alone.pooled)
    assert torch.equal(found.tokens, alone.tokens)


def test_it_starts_as_the_mean_over_the_views() -> None:
    given = seen()
    found = MultiView(MultiViewParams(width=8), Patches()).combine(given)
    torch.testing.assert_close(found.pooled, given.pooled.mean(dim=1))


def test_order_matters_only_with_an_embedding() -> None:
    given, order = seen(), torch.tensor([2, 0, 3, 1])
    free = built(layers=2)
    torch.testing.assert_close(
        free.combine(moved(given, order)).pooled, free.combine(given).pooled, rtol=1e-5, atol=1e-5
    )
    bound = built(view_embedding=True)
    gap = bound.combine(moved(given, order)).pooled - bound.combine(given).pooled
    assert gap.abs().max() > 1e-4


def test_copies_of_all_views_change_nothing_when_left_out_like_the_view_itself() -> None:
    torch.manual_seed(0)
    layer = awake(OtherViews(12, 2, 8))
    given = seen(2, 3)
    twice = moved(given, torch.tensor([0, 1, 2, 0, 1, 2]))
    apart = (~torch.eye(3, dtype=torch.bool)).repeat(2, 2)
    packed = layer(twice.tokens[twice.token_mask], twice.token_mask, apart=apart)
    found = packed.view_as(twice.tokens)
    wanted = layer(given.tokens[given.token_mask], given.token_mask).view_as(given.tokens)
    torch.testing.assert_close(found[:, :3], wanted, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found[:, 3:], wanted, rtol=1e-5, atol=1e-5)


def test_absent_views_never_matter() -> None:
    encoder, given = built(), seen(4, 4)
    mask = torch.tensor([[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]).bool()

    def with_noise(noise: float) -> BackboneOutput:
        gone = ~mask[..., None, None]
        tokens = given.tokens.masked_fill(gone, noise)
        pooled = given.pooled.masked_fill(gone[..., 0], noise)
        return BackboneOutput(tokens, given.token_mask & mask[..., None], pooled, mask, given.size)

    found, noisy = encoder.combine(with_noise(0)), encoder.combine(with_noise(9))
    assert torch.equal(found.pooled, noisy.pooled)
    assert torch.equal(found.pooled[2], given.pooled[2, 2])  # alone: nothing to read
    assert found.pooled[3].abs().max() == 0
    few = encoder.combine(moved(seen(4, 4), torch.tensor([0, 2])))
    torch.testing.assert_close(found.pooled[1], few.pooled[1], rtol=1e-5, atol=1e-5)


def test_attention_on_the_views_sums_to_one_where_there_are_others() -> None:
    given = seen(3, 4)
    given.mask[2, 1:] = False
    given = BackboneOutput(
        given.tokens, given.token_mask & given.mask[..., None], given.pooled, given.mask, (8, 8)
    )
    looked = built().combine(given).explain["view attention"]
    torch.testing.assert_close(looked.sum(dim=1), torch.tensor([1.0, 1.0, 0.0]))


@pytest.mark.parametrize(("kind", "count"), [("photos", 1), ("flips", 4), ("crops", 5)])
def test_views_of_one_image(kind: Any, count: int) -> None:
    encoder, images = built(views=kind), pictures()
    shown = encoder.views(images)
    assert shown.pixels.shape == (3, count, 3, 16, 16)
    assert torch.equal(shown.mask, encoder.view_mask(images.mask))
    first = shown.pixels[:, 0] if kind != "photos" else shown.pixels[:, 0] / 255
    torch.testing.assert_close(first, images.pixels[:, 0] / 255)
    if kind == "flips":
        assert torch.equal(shown.pixels[:, 1], shown.pixels[:, 0].flip(-1))
    if kind == "crops":  # each corner stands in its own crop
        marked = torch.zeros(1, 1, 3, 16, 16)
        marked[..., :2, -2:] = 1
        bright = encoder.views(Images(marked, torch.ones(1, 1, dtype=torch.bool))).pixels.amax(
            dim=(0, 2, 3, 4)
        )
        assert (bright > 0.9).tolist() == [True, False, True, False, False]


def test_flips_do_not_care_whether_the_image_is_mirrored() -> None:
    encoder, images = built(views="flips"), pictures()
    mirrored = Images(images.pixels.flip(-1), images.mask)
    torch.testing.assert_close(
        encoder(mirrored).pooled, encoder(images).pooled, rtol=1e-5, atol=1e-5
    )


def test_an_embedding_knows_so_many_views() -> None:
    with pytest.raises(DataError, match="set longest: 40"):
        built(view_embedding=True, views="flips").check_views(10)
    built(views="flips").check_views(10)
