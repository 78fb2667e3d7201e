"""Views of images: the dihedral group, windows, and boxes that go along."""

import pytest
import torch

from mmx import Images
from mmx.blocks import TURNS, cut, turned


def images(height: int = 12, width: int = 12) -> Images:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(2, 1, 3, height, width, generator=generator)
    return Images(
        pixels, torch.ones(2, 1, dtype=torch.bool), torch.tensor([[[0.25, 0.5, 0.5, 1.0]]] * 2)
    )


def test_the_eight_views_are_different_and_form_a_group() -> None:
    given = images()
    views = [turned(given, name).pixels for name in TURNS]
    for first in TURNS:
        for second in TURNS:
            both = turned(turned(given, first), second).pixels
            assert sum(torch.equal(both, view) for view in views) == 1, (first, second)


def test_the_identity_is_the_object_itself() -> None:
    given = images()
    assert turned(given, "identity") is given


@pytest.mark.parametrize("view", TURNS)
def test_a_box_stays_on_what_it_marks(view: str) -> None:
    given = images(8, 12)
    marked = torch.zeros_like(given.pixels)
    marked[..., 4:8, 3:6] = 1  # the box of these images
    seen = turned(Images(marked, given.mask, given.boxes), view)
    assert seen.boxes is not None
    height, width = seen.pixels.shape[-2:]
    scale = torch.tensor([width, height, width, height])
    left, top, right, bottom = (seen.boxes[0, 0] * scale).round().int().tolist()
    assert bool((seen.pixels[..., top:bottom, left:right] == 1).all())
    assert float(seen.pixels.sum()) == float(marked.sum())
    assert (right - left) * (bottom - top) == 12


def test_the_whole_window_keeps_every_pixel() -> None:
    given = images()
    torch.testing.assert_close(cut(given, (0, 0, 1, 1)).pixels, given.pixels)


def test_a_window_is_its_part_of_the_image_and_boxes_follow() -> None:
    flat = torch.zeros(1, 1, 3, 16, 16)
    flat[..., 8:, 8:] = 1
    box = torch.tensor([[[0.5, 0.5, 1.0, 1.0]]])
    given = Images(flat, torch.ones(1, 1, dtype=torch.bool), box)
    shown = cut(given, (0.5, 0.5, 1.0, 1.0))
    torch.testing.assert_close(shown.pixels, torch.ones_like(flat))
    assert shown.boxes is not None
    torch.testing.assert_close(shown.boxes, torch.tensor([[[0.0, 0.0, 1.0, 1.0]]]))
    away = cut(given, (0.0, 0.0, 0.5, 0.5)).boxes
    assert away is not None
    assert bool(away.isnan().all())


def test_bytes_become_shares() -> None:
    given = Images(
        torch.full((1, 1, 3, 8, 8), 255, dtype=torch.uint8), torch.ones(1, 1, dtype=torch.bool)
    )
    torch.testing.assert_close(
        cut(given, (0.25, 0.25, 0.75, 0.75)).pixels, torch.ones(1, 1, 3, 8, 8)
    )
