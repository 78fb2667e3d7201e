"""Networks of torchvision with their weights, and the cut of any that torch.fx can trace."""

from mmx_plugins.encoders._torchvision.cut import Cut, classifier_layers, find_cut, flatten_map
from mmx_plugins.encoders._torchvision.network import Network, best_weights, network_with

__all__ = [
    "Cut", "Network", "best_weights", "classifier_layers", "find_cut", "flatten_map",
    "network_with",
]  # fmt: skip
