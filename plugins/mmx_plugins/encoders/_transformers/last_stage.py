"""What ``train: last`` lets learn of a network of texts of transformers."""

from typing import Any

from torch import nn

_BEHIND = ("final_layer_norm", "final_norm", "layer_norm", "norm", "ln_f", "pooler")


def last_layer(network: Any) -> list[nn.Module]:
    """The last layer, with the norm behind it and the pooler where there are any.

    Some models keep the parts of their layers in lists side by side (XLM): the last of each is
    taken. Others have one layer that they run through many times (ALBERT): none of it is the last.
    """
    layers = int(network.config.num_hidden_layers)
    stacks = {
        name: module for name, module in network.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) == layers
    }  # fmt: skip
    if not stacks:
        return []
    owner = next(iter(stacks)).rpartition(".")[0]
    last = [stack[-1] for name, stack in stacks.items() if name.rpartition(".")[0] == owner]
    behind = [getattr(network, name, None) for name in _BEHIND]
    return [*last, *(module for module in behind if isinstance(module, nn.Module))]
