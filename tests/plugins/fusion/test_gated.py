"""Laws of the gated fusion, of two and of three, against its formula in plain torch."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch
from fusing import THREE, TWO, Given, close, either_number, some, widths, without
from torch import Tensor, nn

from mmx import Features
from mmx.blocks import Norm
from mmx_plugins.fusion.gated import GatedMultimodalUnit


def hidden(gated: Any, given: Given) -> Tensor:
    """tanh(W_m x_m), [M, B, dim]."""
    return torch.stack(
        [gated.project[m](gated.norm[m](one.pooled)).tanh() for m, one in given.items()]
    )


@either_number
@pytest.mark.parametrize("gate", ["vector", "scalar"])
def test_gate_starts_at_the_mean_and_missing_modalities_leave_their_share(
    given: Given, names: tuple[str, ...], gate: Literal["vector", "scalar"]
) -> None:
    features = some(given, names)
    gated = GatedMultimodalUnit(widths(names), 8, gate=gate).double()
    h = hidden(gated, features)
    close(gated(features).pooled, h.mean(dim=0))
    for k, name in enumerate(names):
        lacking = {**features, name: without(features[name])}
        rest = torch.cat([h[:k], h[k + 1 :]])
        close(gated(lacking).pooled, rest.mean(dim=0))


def test_two_gates_are_the_sigmoid_of_the_source(
    given: Given, awake: Callable[[nn.Module], nn.Module]
) -> None:
    features = some(given, TWO)
    gated: Any = awake(GatedMultimodalUnit(widths(TWO), 8).double())
    x = torch.cat([gated.norm[m](one.pooled) for m, one in features.items()], dim=1)
    z = gated.gate(x).sigmoid()
    h = hidden(gated, features)
    fused = gated(features)
    close(fused.pooled, z * h[0] + (1 - z) * h[1])
    close(fused.explain["gate_image"], z)
    close(fused.explain["gate_image"] + fused.explain["gate_text"], torch.ones_like(z))


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_three_gates_are_a_softmax_over_what_is_present(
    given: Given, awake: Callable[[nn.Module], nn.Module], norm: Norm
) -> None:
    gated: Any = awake(GatedMultimodalUnit(widths(THREE), 8, norm=norm).double())
    present = torch.tensor([[True, True, True], [True, False, True], [False, True, True]])
    features = {
        name: one.with_present(present[:, k]) for k, (name, one) in enumerate(given.items())
    }
    here = {m: features[m].present[:, None].double() for m in THREE}
    x = {m: gated.norm[m](one.pooled * here[m]) for m, one in features.items()}
    u = {m: gated.project[m](vector) for m, vector in x.items()}
    seen = torch.cat([(u if norm == "batch" else x)[m] * here[m] for m in THREE], dim=1)
    logits = torch.stack([*gated.gate(seen).chunk(2, dim=1), torch.zeros(3, 8).double()], dim=1)
    weights = logits.exp() * present[..., None]
    weights = weights / weights.sum(dim=1, keepdim=True)
    expected = (weights * torch.stack([u[m].tanh() for m in THREE], dim=1)).sum(dim=1)
    close(gated(features).pooled, expected)


def test_sigmoid_gates_of_the_source_do_not_compete(
    given: Given, awake: Callable[[nn.Module], nn.Module]
) -> None:
    gated: Any = awake(GatedMultimodalUnit(widths(THREE), 8, gate="sigmoid").double())
    x = torch.cat([gated.norm[m](one.pooled) for m, one in given.items()], dim=1)
    g = torch.stack(gated.gate(x).sigmoid().chunk(3, dim=1))
    close(gated(given).pooled, (g * hidden(gated, given)).sum(dim=0))


@either_number
def test_an_everywhere_absent_modality_changes_no_gate(
    given: Given, names: tuple[str, ...], awake: Callable[[nn.Module], nn.Module]
) -> None:
    """A gate over more, whose weights of the others are the same, says the same."""
    features = some(given, names)
    small: Any = awake(GatedMultimodalUnit(widths(names), 8).double())
    more: Any = awake(GatedMultimodalUnit(widths((*names, "nothing")), 8).double())
    for name in names:
        more.norm[name].load_state_dict(small.norm[name].state_dict())
        more.project[name].load_state_dict(small.project[name].state_dict())
    count = len(names)
    with torch.no_grad():  # the last of the small one has logit 0, in the large one it learns
        more.gate.weight[:, : 16 * count] = 0
        more.gate.bias.zero_()
        more.gate.weight[: 8 * (count - 1), : 16 * count] = small.gate.weight
        more.gate.bias[: 8 * (count - 1)] = small.gate.bias
    with_nothing = {**features, "nothing": without(given["text"])}
    close(more(with_nothing).pooled, small(features).pooled)


@either_number
@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_gated_result_lies_between_and_moving_modalities_moves_exactly(
    given: Given,
    names: tuple[str, ...],
    awake: Callable[[nn.Module], nn.Module],
    norm: Norm,
) -> None:
    features, turned = some(given, names), names[::-1]
    gated: Any = awake(GatedMultimodalUnit(widths(names), 8, norm=norm).double())
    other: Any = GatedMultimodalUnit(widths(turned), 8, norm=norm).double().eval()
    fused, h = gated(features).pooled, hidden(gated, features)
    assert (fused >= h.amin(dim=0) - 1e-12).all()
    assert (fused <= h.amax(dim=0) + 1e-12).all()
    for name in names:
        other.norm[name].load_state_dict(gated.norm[name].state_dict())
        other.project[name].load_state_dict(gated.project[name].state_dict())
    seen = 8 if norm == "batch" else 16
    with torch.no_grad():
        for kind, old in gated.gate.named_parameters():
            logits = [*old.split(8), torch.zeros_like(old[:8])]
            moved = torch.cat([one - logits[0] for one in logits][::-1][:-1])  # the last is 0 again
            if moved.ndim == 2:
                moved = torch.cat(moved.split(seen, dim=1)[::-1], dim=1)
            getattr(other.gate, kind).copy_(moved)
    close(other({name: features[name] for name in turned}).pooled, fused)


def test_one_modality_is_not_gated(image: Features) -> None:
    gated = GatedMultimodalUnit(widths(("image",)), 8).double()
    assert gated.gate is None
    close(gated({"image": image}).pooled, hidden(gated, {"image": image})[0])
