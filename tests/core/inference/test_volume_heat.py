"""Grad-CAM of volumes: against its formula, that it finds the slice that decides, and what is told.

A volume is read by one 3D convolution, whose map has a cell for each two slices.
"""

import pytest
import torch
from einops import rearrange
from torch import Tensor, nn

from mmx import Batch, Features, FeatureShape, ImageEncoder, Images
from mmx.inference.heat import along_slices, heat_maps
from mmx.inference.looked_at import half_of, looked_at
from mmx.interfaces import BackboneOutput, Outputs, WrappingEncoder

SIDE = 16


class Volume(ImageEncoder):
    """One 3D convolution, then the mean; behind it one that leaves a single cell."""

    def __init__(self) -> None:
        super().__init__()
        self.shape, self.weights = FeatureShape(5), {}
        torch.manual_seed(0)
        self.layer = nn.Conv3d(3, 5, (2, 4, 4), stride=(2, 4, 4))
        self.last = nn.AvgPool3d((4, 1, 1))  # of eight slices, brought to one cell

    def forward(self, images: Images) -> Features:
        found = self.layer(rearrange(images.pixels, "b v c h w -> b c v h w"))
        if found.shape[2] == 4:
            found = self.last(found)
        tokens = rearrange(found, "b d t h w -> b (t h w) d")
        return Features(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool))


class Classifier(nn.Module):
    """A linear layer on the pooled volume."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.inner = encoder
        self.head = nn.Linear(5, 3)

    def encoder(self, name: str) -> nn.Module:
        return self.inner

    def forward(self, batch: Batch) -> Outputs:
        features = self.inner(batch.inputs["image"])
        return Outputs(self.head(features.pooled), {}, batch.present, {}, {})


def case(pixels: Tensor) -> tuple[Images, Batch]:
    """The slices of volumes [B, V, 3, H, W]."""
    images = Images(pixels, torch.ones(pixels.shape[:2], dtype=torch.bool))
    return images, Batch({"image": images}, torch.ones(len(pixels), 1, dtype=torch.bool))


def found_heat(model: nn.Module, pixels: Tensor, target: list[int]) -> Tensor:
    found = heat_maps(model, case(pixels)[1], torch.tensor(target))  # type: ignore[arg-type]
    assert found is not None
    return found


def adding() -> Classifier:
    """A model whose second class speaks for light, wherever it is."""
    model = Classifier(Volume()).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.inner.get_parameter("layer.weight").fill_(0.1)
        model.head.weight[1] = 1.0
    return model


def test_it_is_its_formula() -> None:
    model = Classifier(Volume()).eval().requires_grad_(False)
    pixels = torch.rand(2, 6, 3, SIDE, SIDE)
    found = found_heat(model, pixels, [0, 2])
    seen = model.inner.get_submodule("layer")(rearrange(pixels, "b v c h w -> b c v h w"))
    # the gradient of a linear head over a mean is its weight / number of cells
    weight = model.head.weight[[0, 2]] / (3 * 4 * 4)
    torch.testing.assert_close(found, torch.einsum("bd,bdthw->bthw", weight, seen).relu())


def test_a_network_that_ends_in_one_cell_is_asked_where_it_has_several() -> None:
    pixels = torch.zeros(1, 8, 3, SIDE, SIDE)
    pixels[:, 4:6, :, 8:12, 4:8] = 1
    found = found_heat(adding(), pixels, [1])
    assert found.shape == (1, 4, 4, 4)
    assert found.nonzero().tolist() == [[0, 2, 2, 1]]


def test_hiding_a_slice_changes_the_answer_by_its_share_of_the_heat() -> None:
    """In a model that adds up light, heat and occlusion must agree."""
    model, pixels = adding(), torch.rand(1, 6, 3, SIDE, SIDE)
    heat = found_heat(model, pixels, [1]).sum(dim=(0, 2, 3))
    whole = model(case(pixels)[1]).logits[0, 1]
    for cell, share in enumerate((heat / heat.sum()).tolist()):
        hidden = pixels.clone()
        hidden[:, 2 * cell : 2 * cell + 2] = 0
        fall = whole - model(case(hidden)[1]).logits[0, 1]
        torch.testing.assert_close(fall / whole, torch.tensor(share), rtol=1e-4, atol=1e-5)


def test_between_cells_heat_is_linear_and_several_cells_have_their_mean() -> None:
    heat = torch.tensor([0.0, 4.0]).view(2, 1, 1).expand(-1, 3, 3)
    assert along_slices(heat, 4)[:, 0, 0].tolist() == [0, 1, 3, 4]
    assert along_slices(heat, 1)[:, 0, 0].tolist() == [2]
    assert torch.equal(along_slices(heat, 2), heat)


def test_the_slice_with_the_most_heat_is_shown_and_told() -> None:
    pixels = torch.zeros(1, 9, 3, SIDE, SIDE)
    pixels[0, 6, 0] = 1.0  # red
    images, _ = case(pixels)
    looked = looked_at(
        Volume(), Images(pixels, images.mask.index_fill(1, torch.tensor([0]), False))
    )
    assert looked is not None
    heat = torch.zeros(8, 2, 2)
    heat[5, 1, 1], heat[6], heat[2, 0, 0] = 6.0, 0.5, 2.0
    shown = looked.shown(heat)
    assert shown.told == ("image 6 of 8, with the most heat (60%); half of it lies in image 6")
    assert shown.heat is not None
    assert shown.image != shown.heat
    assert shown.image != looked.shown(heat.roll(1, 0)).image
    assert looked.shown(None).told == looked.shown(0 * heat).told == "image 5 of 8"


@pytest.mark.parametrize(("cell", "number"), [(0, 4), (1, 13)])
def test_the_slice_at_the_centre_of_a_cell_stands_for_those_at_the_end(
    cell: int, number: int
) -> None:
    """Two cells over 16 slices: the four outermost ones have the heat of their cell alike."""
    looked = looked_at(Volume(), case(torch.rand(1, 16, 3, SIDE, SIDE))[0])
    assert looked is not None
    heat = torch.zeros(2, 2, 2)
    heat[cell] = 1.0
    assert looked.shown(heat).told.startswith(f"image {number} of 16, with the most heat")


def test_a_map_of_one_cell_tells_no_slice_from_another() -> None:
    looked = looked_at(Volume(), case(torch.rand(1, 8, 3, SIDE, SIDE))[0])
    assert looked is not None
    shown = looked.shown(torch.rand(1, 2, 2))
    assert shown.told == "image 5 of 8; images 1 to 8 are read as one"
    assert shown.heat is not None


def test_half_of_the_heat_is_told_by_the_shortest_run() -> None:
    assert half_of([0.1, 0.2, 0.3, 0.2, 0.2]) == (1, 2)
    assert half_of([0.0, 1.0]) == (1, 1)
    assert half_of([0.25] * 4) == (0, 1)


class Several(WrappingEncoder):
    """The mean over pictures, each of which has its own heat."""

    shown_by_heat = True

    def combine(self, seen: BackboneOutput) -> Features:
        return Features.of_pooled(seen.pooled.mean(dim=1))


def test_of_pictures_that_are_seen_one_by_one_the_one_with_the_most_heat_is_shown() -> None:
    images, _ = case(torch.rand(1, 4, 3, SIDE, SIDE))
    looked = looked_at(Several(Volume()), images)
    assert looked is not None
    heat = torch.zeros(4, 2, 2)
    heat[2] = 1.0
    assert looked.shown(heat).told.startswith("image 3 of 4, with the most heat (100%)")
    inside = torch.zeros(8, 2, 2)  # a backbone that makes two of each: the first is shown
    inside[6], inside[3] = 1.0, 9.0
    assert looked.shown(inside).told.startswith("image 4 of 4")
    assert looked.shown(torch.zeros(3, 2, 2)).heat is None


class Derived(Several):
    """The first picture as it is; what the others are made of is not said."""

    def made_of(self, mask: Tensor, centre: int, view: int) -> tuple[int, ...]:
        return () if view else (0,)


def test_where_half_of_the_heat_lies_is_not_told_of_pictures_without_numbers() -> None:
    looked = looked_at(Derived(Volume()), case(torch.rand(1, 4, 3, SIDE, SIDE))[0])
    assert looked is not None
    heat = torch.ones(4, 2, 2)
    heat[0] = 1.2
    assert looked.shown(heat).told == "image 1 of 4, with the most heat (29%)"
