"""Grad-CAM against its formula, and that it finds what a model looks at."""

from typing import cast

import torch
from torch import Tensor, nn

from mmx import Batch, Features, FeatureShape, Images, SingleImageEncoder
from mmx.inference.heat import heat_maps
from mmx.interfaces import BackboneOutput, Outputs, WrappingEncoder


class Encoder(SingleImageEncoder):
    """One convolution, then the mean."""

    def __init__(self) -> None:
        super().__init__((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
        self.shape, self.weights = FeatureShape(6), {}
        torch.manual_seed(0)
        self.layer = nn.Conv2d(3, 6, 4, stride=4)

    def encode(self, pixels: Tensor) -> Features:
        tokens = self.layer(pixels).flatten(2).transpose(1, 2)
        return Features(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool))


class Classifier(nn.Module):
    """A linear layer on the pooled image."""

    def __init__(self) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict({"image": Encoder()})
        self.head = nn.Linear(6, 3)

    def encoder(self, name: str) -> nn.Module:
        return self.encoders[name]

    def forward(self, batch: Batch) -> Outputs:
        images = batch.inputs["image"]
        assert isinstance(images, Images)
        features = self.encoders["image"](images)
        return Outputs(self.head(features.pooled), {}, batch.present, {}, {})


def batch(pixels: Tensor) -> Batch:
    there = torch.ones(len(pixels), 2, dtype=torch.bool)
    text = Features.of_pooled(torch.zeros(len(pixels), 1))
    return Batch({"image": Images(pixels, there[:, :1]), "text": text}, there)


def test_it_is_its_formula() -> None:
    model = Classifier().eval().requires_grad_(False)
    pixels, target = torch.rand(2, 1, 3, 16, 24), torch.tensor([0, 2])
    found = heat_maps(model, batch(pixels), target)  # type: ignore[arg-type]
    activation = cast("Encoder", model.encoder("image")).layer(pixels[:, 0])
    # the gradient of a linear head over a mean is its weight / number of places
    weight = model.head.weight[target] / (4 * 6)
    cam = torch.einsum("bd,bdhw->bhw", weight, activation).relu()
    assert found is not None
    torch.testing.assert_close(found, cam[:, None])


def test_a_patch_that_decides_is_where_the_heat_is() -> None:
    model = Classifier().eval()
    layer = cast("Encoder", model.encoder("image")).layer
    assert layer.bias is not None
    with torch.no_grad():
        layer.weight.fill_(0.1)
        layer.bias.fill_(0.0)
        model.head.weight.fill_(0.0)
        model.head.weight[1] = 1.0
    pixels = torch.zeros(1, 1, 3, 16, 16)
    pixels[..., 8:12, 4:8] = 1
    found = heat_maps(model, batch(pixels), torch.tensor([1]))  # type: ignore[arg-type]
    assert found is not None
    assert int(found.argmax()) == 2 * 4 + 1
    assert int(found.count_nonzero()) == 1


def test_gradients_of_the_model_stay_as_they_were() -> None:
    model = Classifier().eval()
    heat_maps(model, batch(torch.rand(1, 1, 3, 8, 8)), torch.tensor([0]))  # type: ignore[arg-type]
    assert all(parameter.grad is None for parameter in model.parameters())


def test_an_encoder_without_a_map_has_no_heat() -> None:
    model = Classifier().eval()
    found = heat_maps(model, batch(torch.rand(1, 1, 3, 4, 4)), torch.tensor([0]))  # type: ignore[arg-type]
    assert found is None


class Mean(WrappingEncoder):
    """The mean over the views, after a map that lies on a grid of its own."""

    def __init__(self, backbone: Encoder) -> None:
        super().__init__(backbone)
        self.shape, self.mixed = backbone.shape, nn.Identity()

    def combine(self, seen: BackboneOutput) -> Features:
        share = seen.mask / seen.mask.sum(dim=1, keepdim=True)
        return Features.of_pooled((self.mixed(seen.tokens.mean(dim=2)) * share[..., None]).sum(1))


def test_each_of_several_views_has_its_heat() -> None:
    """A linear head over the mean of views: the heat of a view is a third of that alone."""
    model = Classifier().eval().requires_grad_(False)
    pixels, target = torch.rand(1, 4, 3, 16, 24), torch.tensor([2])
    alone = [heat_maps(model, batch(pixels[:, [v]]), target) for v in range(4)]  # type: ignore[arg-type]
    model.encoders["image"] = Mean(model.encoder("image"))  # type: ignore[arg-type]
    there = torch.tensor([[True, False, True, True]])
    text = Features.of_pooled(torch.zeros(1, 1))
    several = Batch(
        {"image": Images(pixels, there), "text": text}, torch.ones(1, 2, dtype=torch.bool)
    )
    found = heat_maps(model, several, target)  # type: ignore[arg-type]
    assert found is not None
    assert found.shape[1] == 3  # the real ones
    for place, view in enumerate((0, 2, 3)):
        one = alone[view]
        assert one is not None
        torch.testing.assert_close(3 * found[:, place], one[:, 0])
