"""What ``encoder.torchvision`` needs to cut any network that torch.fx can trace."""

from mmx_plugins.encoders._torchvision.cut import Cut, classifier_layers, find_cut, flatten_map

__all__ = ["Cut", "classifier_layers", "find_cut", "flatten_map"]
