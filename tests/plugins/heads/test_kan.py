"""Laws of head.kan."""

import math

import torch
from torch.nn import functional as F

from mmx import Features
from mmx_plugins.heads.kan import KanParams, RadialLayer


def inputs(dim: int = 5) -> torch.Tensor:
    return torch.randn(4, dim, generator=torch.Generator().manual_seed(0))


def loop(layer: RadialLayer, x: torch.Tensor, outputs: int) -> torch.Tensor:
    """The formula, one edge and one Gaussian at a time."""
    u = F.layer_norm(x, [x.shape[1]])
    coefficients = layer.coefficients.reshape(outputs, x.shape[1], 8)
    result = torch.zeros(len(x), outputs)
    for row in range(len(x)):
        for o in range(outputs):
            for i in range(x.shape[1]):
                for g in range(8):
                    centre = -2 + g * 4 / 7
                    bump = math.exp(-(((float(u[row, i]) - centre) / (4 / 7)) ** 2))
                    result[row, o] += coefficients[o, i, g] * bump
    return result + F.linear(F.silu(x), layer.base.weight, layer.base.bias)


def test_a_layer_equals_the_explicit_loop() -> None:
    layer = RadialLayer(5, 3, centres=8, extent=2.0)
    torch.testing.assert_close(layer(inputs()), loop(layer, inputs(), 3), atol=1e-5, rtol=1e-4)


def test_without_bumps_a_layer_is_linear_after_silu() -> None:
    head = KanParams(hidden=4).build(5, 3)
    first, second = head.layers
    for layer in (first, second):
        layer.coefficients.data.zero_()  # type: ignore[union-attr,operator]
    hidden = first.base(F.silu(inputs()))  # type: ignore[union-attr,operator]
    expected = second.base(F.silu(hidden))  # type: ignore[union-attr,operator]
    torch.testing.assert_close(head(Features.of_pooled(inputs())).logits, expected)


def test_its_widths_are_dim_hidden_classes() -> None:
    parameters = sum(each.numel() for each in KanParams().build(1024, 7).parameters())
    first = 1024 * 64 * 8 + 1024 * 64 + 64 + 2 * 1024
    assert parameters == first + 64 * 7 * 8 + 64 * 7 + 7 + 2 * 64


def test_even_bumps_do_not_sum_to_one() -> None:
    layer = RadialLayer(4, 1, centres=8, extent=2.0)
    layer.coefficients.data.fill_(1.0)
    layer.base.weight.data.zero_()
    layer.base.bias.data.zero_()
    x = torch.tensor([[-1.0, -0.5, 0.5, 1.0]])  # all inside, after normalisation too
    torch.testing.assert_close(layer(x) / 4, torch.tensor([[1.772]]), atol=0.01, rtol=0)
