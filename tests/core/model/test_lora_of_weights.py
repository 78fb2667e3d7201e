"""Adapters of weights that attention reads past its layers, and of queries or values alone."""

from collections.abc import Callable
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torchvision.models.swin_transformer import ShiftedWindowAttention

from mmx.errors import ShapeError
from mmx.interfaces import ADAPTER, Lora
from mmx.interfaces.lora import adapters_of, add_adapters

DIM = 16


class Network(nn.Module):
    """One attention, called as libraries call it."""

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, tokens: Tensor) -> Tensor:
        if isinstance(self.attention, nn.MultiheadAttention):
            found: Tensor = self.attention(tokens, tokens, tokens, need_weights=False)[0]
            return found
        if isinstance(self.attention, ShiftedWindowAttention):
            tokens = tokens.reshape(2, 2, 2, DIM)
        given: Tensor = self.attention(tokens)
        return given


def timm_attention() -> nn.Module:
    vit: Any = timm.create_model("test_vit", embed_dim=DIM, num_heads=2)
    block: nn.Module = vit.blocks[0].attn
    return block


FUSED: dict[str, tuple[Callable[[], nn.Module], str, str]] = {
    "torch": (lambda: nn.MultiheadAttention(DIM, 2, batch_first=True), "", "in_proj_weight"),
    "torchvision": (lambda: ShiftedWindowAttention(DIM, [2, 2], [0, 0], 2), "qkv", "weight"),
    "timm": (timm_attention, "qkv", "weight"),
}


def built(attention: Callable[[], nn.Module], **settings: Any) -> tuple[Network, Network, str]:
    """A network, the same with adapters, and what is said of it."""
    torch.manual_seed(0)
    plain, adapted = Network(attention()).eval(), Network(attention()).eval()
    adapted.load_state_dict(plain.state_dict())
    told = add_adapters(adapted, Lora(rank=3, alpha=5, **settings))
    return plain, adapted, told


def perturb(network: nn.Module) -> None:
    with torch.no_grad():
        for name, one in adapters_of(network):
            if ".lora_B" in name:
                one.normal_()


def weight_of(network: Network, held: str, tensor: str) -> Tensor:
    module = network.attention.get_submodule(held)
    found: Tensor = getattr(module, tensor).detach().clone()
    return found


@pytest.mark.parametrize("name", FUSED)
@pytest.mark.parametrize("targets", ["attention", "all_linear", ("query", "value"), ("key",)])
def test_the_start_is_the_network_and_merging_changes_nothing(name: str, targets: Any) -> None:
    attention, _, _ = FUSED[name]
    plain, adapted, _ = built(attention, targets=targets)
    tokens = torch.randn(2, 4, DIM)
    assert torch.equal(adapted(tokens), plain(tokens))
    with torch.no_grad():
        assert torch.equal(adapted(tokens), plain(tokens))  # PyTorch has a faster way here
    perturb(adapted)
    changed = adapted(tokens)
    assert (changed - plain(tokens)).abs().max() > 1e-3
    modules: list[Any] = list(adapted.modules())
    for module in modules:
        if parametrize.is_parametrized(module):
            for tensor in list(module.parametrizations):
                parametrize.remove_parametrizations(module, tensor, leave_parametrized=True)
        elif hasattr(module, "lora_A") and hasattr(module, "merge"):
            module.merge()
    assert (adapted(tokens) - changed).abs().max() <= 1e-6 * changed.abs().max()


@pytest.mark.parametrize("name", FUSED)
@pytest.mark.parametrize("parts", [("query",), ("key",), ("query", "value"), ("value", "query")])
def test_parts_are_adapted_alone_where_one_layer_makes_all(name: str, parts: Any) -> None:
    attention, held, tensor = FUSED[name]
    plain, adapted, told = built(attention, targets=parts)
    perturb(adapted)
    moved = weight_of(adapted, held, tensor) - weight_of(plain, held, tensor)
    for place, part in enumerate(("query", "key", "value")):
        rows = moved[place * DIM : (place + 1) * DIM]
        assert bool(rows.any()) == (part in parts)
        assert torch.linalg.matrix_rank(rows) <= 3
    assert f"beside {len(parts)} layers" in told
    adapters: list[Any] = [one for one in adapted.modules() if hasattr(one, "lora_A")]
    products = [one.lora_B @ one.lora_A * 5 / 3 for one in adapters]
    expected = torch.cat([product.detach() for product in products])
    torch.testing.assert_close(moved[moved.any(dim=1)], expected)


def test_queries_keys_and_values_of_other_widths_have_weights_of_their_own() -> None:
    def across() -> nn.Module:
        return nn.MultiheadAttention(DIM, 2, kdim=12, vdim=10, batch_first=True)

    tokens = torch.randn(2, 4, DIM), torch.randn(2, 6, 12), torch.randn(2, 6, 10)
    plain, adapted, told = built(across)
    assert "(q_proj_weight,v_proj_weight)" in told
    assert torch.equal(adapted.attention(*tokens)[0], plain.attention(*tokens)[0])
    perturb(adapted)
    assert not torch.equal(adapted.attention(*tokens)[0], plain.attention(*tokens)[0])
    assert {name.split(".")[-3] for name, _ in adapters_of(built(across, targets=("key",))[1])} == {
        "k_proj_weight"
    }


@pytest.mark.parametrize("name", FUSED)
def test_each_adapter_learns_and_nothing_else_moves(name: str) -> None:
    _, adapted, _ = built(FUSED[name][0], targets=("query", "value"))
    perturb(adapted)
    adapted.requires_grad_(False)
    for _, one in adapters_of(adapted):
        one.requires_grad_(True)
    before = {key: value.clone() for key, value in adapted.state_dict().items()}
    adapted(torch.randn(2, 4, DIM)).square().sum().backward()
    torch.optim.SGD([one for _, one in adapters_of(adapted)], lr=1.0).step()
    for key, value in adapted.state_dict().items():
        assert torch.equal(value, before[key]) != (ADAPTER in key), key
    again = built(FUSED[name][0], targets=("query", "value"))[1]
    again.load_state_dict(adapted.state_dict())
    tokens = torch.randn(2, 4, DIM)
    assert torch.equal(again(tokens), adapted(tokens))


def test_dropout_hides_inputs_of_adapters_in_training_alone() -> None:
    _, adapted, _ = built(FUSED["torch"][0], dropout=0.5)
    perturb(adapted)
    tokens = torch.randn(2, 4, DIM)
    assert torch.equal(adapted(tokens), adapted(tokens))
    adapted.train()
    first, second = adapted(tokens), adapted(tokens)
    assert not torch.equal(first, second)


def test_rows_in_an_unknown_order_are_refused() -> None:
    class ByHead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(DIM, 3 * DIM)

    words = r"attention.qkv makes queries, keys and values at once.*use targets: attention"
    with pytest.raises(ShapeError, match=words):
        built(ByHead, targets=("query",))
    with pytest.raises(ShapeError, match=r"\[query\] fits no layer of this network"):
        built(lambda: nn.Linear(4, 4), targets=("query",))
