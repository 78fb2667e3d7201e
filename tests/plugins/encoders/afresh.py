"""Networks of which all that a file holds is drawn, for comparisons with the library's own.

What a library draws itself hides missing parts: biases that are 0, norms that are 1, a LayerScale
of 1e-5. Such a comparison proves the graph, the names, the order of tokens, pooling, the epsilon of
norms and activations. It does not prove that a published file has these names.
"""

import torch
from torch import nn


def afresh(network: nn.Module, seed: int = 0) -> nn.Module:
    """Draw scales of norms from N(1, .2), all else from N(0, .2); variances stay positive."""
    generator = torch.Generator().manual_seed(seed)
    state = dict(network.named_parameters()) | dict(network.named_buffers())
    kept = network.state_dict()  # without buffers that a configuration decides
    with torch.no_grad():
        for name, tensor in state.items():
            if not tensor.is_floating_point() or name not in kept:
                continue
            drawn = torch.randn(tensor.shape, generator=generator, dtype=torch.float64) * 0.2
            if name.endswith("running_var"):
                drawn = drawn.abs() + 0.5
            elif name.endswith("weight") and tensor.ndim == 1:
                drawn = drawn + 1
            tensor.copy_(drawn)
    return network.eval()
