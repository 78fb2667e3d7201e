"""Slices as channels: which ones, and that equal ones are the flat image."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.ndimage import sobel
from wrapped import Patches, pictures

import mmx
from mmx import DataError, Images
from mmx_plugins.encoders.pseudo_3d import Pseudo3d, Pseudo3dParams, edges

Load = Callable[..., mmx.Spec]


def built(**settings: Any) -> Pseudo3d:
    return Pseudo3d(Pseudo3dParams(**settings), Patches()).eval()


def slices(values: list[float], mask: list[bool] | None = None) -> Images:
    """One sample whose slices are grey, each of one value."""
    pixels = torch.tensor(values)[None, :, None, None, None].expand(1, -1, 3, 16, 16)
    return Images(pixels, torch.tensor([mask or [True] * len(values)]))


@pytest.mark.parametrize("radius", [1, 2])
def test_equal_slices_are_the_flat_grey_image(radius: int) -> None:
    grey = pictures(views=1).pixels[:, :, :1].expand(-1, -1, 3, -1, -1)
    stack = grey.expand(-1, 5, -1, -1, -1)
    found = built(radius=radius)(Images(stack, torch.ones(3, 5, dtype=torch.bool)))
    flat = Patches().eval()(Images(grey, torch.ones(3, 1, dtype=torch.bool)))
    torch.testing.assert_close(found.pooled, flat.pooled, rtol=1e-4, atol=1e-5)


def test_the_stack_is_the_middle_slice_between_its_neighbours() -> None:
    shown = built(radius=1).views(slices([0.1, 0.2, 0.3, 0.4, 0.5])).pixels
    assert shown.shape == (1, 1, 3, 16, 16)
    torch.testing.assert_close(shown[0, 0, :, 0, 0], torch.tensor([0.2, 0.3, 0.4]))


def test_beyond_the_last_slice_it_comes_again() -> None:
    shown = built(radius=2).views(slices([0.1, 0.2, 0.3])).pixels
    torch.testing.assert_close(shown[0, 0, :, 0, 0], torch.tensor([0.1, 0.1, 0.2, 0.3, 0.3]))
    gap = slices([0.1, 0.2, 0.3, 0.4, 0.5], [True, False, True, True, False])
    shown = built(radius=2).views(gap).pixels
    torch.testing.assert_close(shown[0, 0, :, 0, 0], torch.tensor([0.1, 0.3, 0.3, 0.4, 0.4]))


def test_the_stack_of_a_sample_is_the_same_beside_one_with_more_slices() -> None:
    encoder, values = built(radius=1), [0.1, 0.2, 0.3]
    alone = encoder.views(slices(values)).pixels
    more = slices([*values, 0.9, 0.9, 0.9], [True, True, True, False, False, False])
    assert torch.equal(encoder.views(more).pixels, alone)


def test_edges_are_those_of_sobel() -> None:
    grey = torch.rand(1, 1, 12, 14, dtype=torch.float64) / 4
    pixels = grey[0, 0].numpy()
    wanted = np.hypot(sobel(pixels, 0, mode="nearest"), sobel(pixels, 1, mode="nearest")) / 4
    np.testing.assert_allclose(edges(grey)[0, 0].numpy(), wanted, atol=1e-9)


def test_derived_channels_come_from_one_image_and_say_so() -> None:
    encoder = built(derived=("luminance", "edges", "blur"))
    shown = encoder.views(pictures()).pixels
    assert shown.shape == (3, 1, 3, 16, 16)
    assert not torch.equal(shown[:, :, 0], shown[:, :, 1])
    assert "derived channels, not 3D" in encoder.notes[0]
    assert "neighbouring slices" in built().notes[0]


def test_one_image_needs_derived_channels_as_many_as_slices() -> None:
    with pytest.raises(DataError, match="set derived"):
        built().check_views(1)
    built().check_views(5)
    built(derived=("luminance", "edges", "blur")).check_views(1)
    with pytest.raises(ValidationError, match="names 2 channels; radius: 1 needs 3"):
        Pseudo3dParams(derived=("luminance", "edges"))


def test_the_report_says_what_the_channels_are(load: Load) -> None:
    image = "{type: pseudo_3d, backbone: tiny_image, derived: [luminance, edges, blur]}"
    run = mmx.run(load(f"model.image={image}", "train.epochs=1"))
    assert "derived channels, not 3D" in run.report.read_text(encoding="utf-8")
    with pytest.raises(DataError, match="set derived"):
        mmx.run(load("model.image={type: pseudo_3d, backbone: tiny_image}"))
