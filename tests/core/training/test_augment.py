"""Laws of augmentation."""

from typing import Any

import pytest
import torch

from mmx.interfaces import Images
from mmx.training.augment import DRAWS, VIEWS, Augmentation, Strength, augmentation

CENTRE = torch.full((1, DRAWS), 0.5)  # no change of light, colour and angle; a crop of the centre
ALL = tuple(VIEWS)


def images(samples: int = 4, views: int = 1, height: int = 8, width: int = 8) -> Images:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (samples, views, 3, height, width), generator=generator)
    boxes = torch.tensor([0.25, 0.125, 0.5, 0.375]).expand(samples, views, 4).clone()
    return Images(pixels.to(torch.uint8), torch.ones(samples, views, dtype=torch.bool), boxes)


def moved(view: str, given: Images, **strength: float) -> Images:
    quiet = Strength(light=0.0, **strength)
    draws = torch.zeros(len(given.pixels), DRAWS)
    return Augmentation((view,), quiet)(given, draws)


EXPECTED: dict[str, Any] = {
    "identity": lambda x: x,
    "hflip": lambda x: x.flip(-1),
    "vflip": lambda x: x.flip(-2),
    "rot180": lambda x: x.flip(-1, -2),
    "rot90": lambda x: torch.rot90(x, 1, (-2, -1)),
    "rot270": lambda x: torch.rot90(x, -1, (-2, -1)),
    "transpose": lambda x: x.transpose(-1, -2),
    "anti_transpose": lambda x: torch.rot90(x.transpose(-1, -2), 2, (-2, -1)),
}


@pytest.mark.parametrize("view", ALL)
@pytest.mark.parametrize("zoom", [0.0, 1e-9])
def test_a_view_is_exact_and_boxes_follow(view: str, zoom: float) -> None:
    if not zoom and view not in ("identity", "hflip", "vflip", "rot180"):
        return  # quarter turns are always resampled
    given = images()
    marked = torch.zeros(4, 1, 3, 8, 8, dtype=torch.uint8)
    marked[:, :, :, 1:3, 2:4] = 255  # what the box encloses
    result = moved(view, Images(marked, given.mask, given.boxes), zoom=zoom)
    torch.testing.assert_close(
        result.pixels, EXPECTED[view](marked).float() / 255, atol=1e-4, rtol=0
    )
    rows, columns = result.pixels[0, 0, 0].round().nonzero().unbind(1)
    box = torch.stack([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / 8
    assert result.boxes is not None
    torch.testing.assert_close(result.boxes[0, 0], box, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["light", "dermoscopy"])
def test_only_allowed_views_are_made(
    name: Any,
) -> None:
    assert augmentation("none", ALL) is None
    only = augmentation(name, ("identity",))
    flips = augmentation(name, ("identity", "hflip", "five_crop"))
    assert only is not None
    assert flips is not None
    assert only.views == ("identity",)
    assert flips.views == ("identity", "hflip")
    every = augmentation(name, ALL)
    assert every is not None
    assert len(every.views) == (8 if name == "dermoscopy" else 4)


@pytest.mark.parametrize("name", ["light", "dermoscopy"])
def test_draws_decide_everything_sample_by_sample(name: Any) -> None:
    augment = augmentation(name, ALL)
    assert augment is not None
    given = images(6, 2, 9, 12)
    draws = augment.draw(6, torch.Generator().manual_seed(3))
    whole = augment(given, draws)
    assert whole.pixels.shape == given.pixels.shape
    assert 0 <= whole.pixels.min() <= whole.pixels.max() <= 1
    assert given.boxes is not None
    part = augment(Images(given.pixels[2:4], given.mask[2:4], given.boxes[2:4]), draws[2:4])
    torch.testing.assert_close(whole.pixels[2:4], part.pixels)
    torch.testing.assert_close(whole.boxes[2:4], part.boxes, equal_nan=True)  # type: ignore[index]
    assert not torch.equal(whole.pixels[0], augment(given, draws.flip(0)).pixels[0])


def test_light_changes_brightness_and_contrast_alone() -> None:
    augment = Augmentation(("identity",), Strength(light=0.1))
    draws = CENTRE.clone()
    draws[0, 5], draws[0, 6] = 0.75, 0.5  # contrast + 5 %
    pixels = torch.tensor([0.4, 0.6]).expand(1, 1, 3, 2, 2)
    result = augment(Images(pixels, torch.ones(1, 1, dtype=torch.bool)), draws)
    torch.testing.assert_close(result.pixels[0, 0, 0, 0], torch.tensor([0.395, 0.605]))


def test_a_box_that_leaves_the_view_is_gone() -> None:
    given = images(1)
    corner = Images(given.pixels, given.mask, torch.tensor([[[0.0, 0.0, 0.05, 0.05]]]))
    result = Augmentation(("identity",), Strength(zoom=0.5, light=0.0))(
        corner, torch.full((1, DRAWS), 0.999)
    )
    assert result.boxes is not None
    assert result.boxes.isnan().all()
    missing = Images(given.pixels, given.mask, torch.full((1, 1, 4), torch.nan))
    boxes = moved("hflip", missing).boxes
    assert boxes is not None
    assert boxes.isnan().all()


@pytest.mark.parametrize("view", ["rot90", "transpose"])
def test_a_quarter_turn_of_a_wide_image_shows_nothing_from_outside(view: str) -> None:
    # a marked right margin: turned and zoomed in, only the middle square is seen
    pixels = torch.zeros(1, 1, 3, 60, 80, dtype=torch.uint8)
    pixels[..., :10] = 255
    pixels[..., -10:] = 255
    augment = Augmentation((view,), Strength(zoom=1e-9, light=0.0))
    result = augment(Images(pixels, torch.ones(1, 1, dtype=torch.bool)), CENTRE)
    assert result.pixels.max() == 0
    assert (
        augment(Images(255 - pixels, torch.ones(1, 1, dtype=torch.bool)), CENTRE).pixels.min() == 1
    )
