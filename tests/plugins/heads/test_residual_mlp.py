"""Laws of head.residual_mlp."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmx import Features
from mmx_plugins.heads.residual_mlp import ResidualMlp, ResidualMlpParams


def inputs(dim: int = 12) -> torch.Tensor:
    return torch.randn(5, dim, generator=torch.Generator().manual_seed(0))


def simple(head: ResidualMlp, z: torch.Tensor) -> torch.Tensor:
    """Linear, LayerNorm, Linear."""
    return F.linear(
        F.layer_norm(z @ head.enter.weight.T + head.enter.bias, head.norm.normalized_shape),
        head.last.weight,
        head.last.bias,
    )


@pytest.mark.parametrize("layers", [0, 1, 5])
def test_starts_as_linear_norm_linear_for_any_depth(layers: int) -> None:
    head = ResidualMlpParams(layers=layers, width=8).build(12, 3)
    torch.testing.assert_close(head(Features.of_pooled(inputs())).logits, simple(head, inputs()))


def test_no_layers_have_no_parameters_of_a_branch() -> None:
    head = ResidualMlpParams(layers=0, width=8).build(12, 3)
    assert not any("branches" in name for name, _ in head.named_parameters())


def test_a_branch_adds_to_the_stream() -> None:
    head = ResidualMlpParams(layers=1, width=8).build(12, 3).eval()
    branch = head.branches[0]
    nn.init.normal_(branch.last.weight)  # type: ignore[union-attr,arg-type]
    u = head.enter(inputs())
    hidden = F.gelu(F.linear(F.layer_norm(u, [8]), *branch.hidden[0].parameters()))  # type: ignore
    u = u + F.linear(hidden, *branch.last.parameters())  # type: ignore
    expected = F.linear(F.layer_norm(u, [8]), *head.last.parameters())
    torch.testing.assert_close(head(Features.of_pooled(inputs())).logits, expected)


def test_the_gradient_at_the_input_does_not_fade_with_depth() -> None:
    norms = []
    for layers in (0, 2, 10):
        torch.manual_seed(0)
        head = ResidualMlpParams(layers=layers, width=32).build(12, 3).eval()
        for branch in head.branches:
            nn.init.normal_(branch.last.weight, std=0.1)  # type: ignore[union-attr,arg-type]
        z = inputs().requires_grad_()
        head(Features.of_pooled(z)).logits.square().sum().backward()
        assert z.grad is not None
        norms.append(float(z.grad.norm()))
    assert min(norms[1:]) > 0.2 * norms[0]
