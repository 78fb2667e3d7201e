"""A whole network of torchvision with its weights, for the encoders that take it apart."""

import warnings
from dataclasses import dataclass
from typing import Any

from torch import nn

from mmx import WeightsError
from mmx.blocks import Weights, find_weights, load_tensors, read_tensors, state_digest
from mmx.errors import said_by
from mmx_plugins.encoders._torchvision.cut import classifier_layers


@dataclass(frozen=True, slots=True)
class Network:
    """A classifier as torchvision has it.

    Attributes:
        module: the whole of it.
        record: where its weights came from, and their SHA-256.
        notes: what was noticed while they were read.
    """

    module: nn.Module
    record: dict[str, str]
    notes: tuple[str, ...] = ()


def network_with(arch: str, weights: Weights, *, instead: str) -> Network:
    """Build a network.

    Args:
        arch: its name in torchvision.
        weights: where they come from.
        instead: what is said where ``bundled`` ones are asked for; there are none.

    Raises:
        WeightsError: the weights cannot be had, or do not fit.
    """
    if weights == "bundled":
        raise WeightsError(instead)
    with warnings.catch_warnings(), said_by("torchvision", f"building the network {arch!r}"):
        warnings.simplefilter("ignore")  # old networks warn about their initialisation
        return _downloaded(arch) if weights == "default" else _from_file(arch, weights)


def best_weights(arch: str) -> Any:
    """What torchvision recommends for a network."""
    from torchvision import models  # seconds of import

    # each enumeration has DEFAULT, but the type that they share does not say so
    return getattr(models.get_model_weights(arch), "DEFAULT")  # noqa: B009 - no checker knows it


def _downloaded(arch: str) -> Network:
    """With torchvision's best weights; it checks the digest in their name."""
    from torchvision import models  # seconds of import

    weights = best_weights(arch)
    try:
        module: nn.Module = models.get_model(arch, weights=weights, progress=False)
    except OSError as error:
        raise WeightsError(
            f"the weights of {arch} cannot be downloaded ({error}); use weights: none or a file"
        ) from error
    return Network(module, {"origin": f"torchvision {weights}", "sha256": state_digest(module)})


def _from_file(arch: str, weights: Weights) -> Network:
    """With those of a file or a package, or random ones."""
    from torchvision import models  # seconds of import

    module: nn.Module = models.get_model(arch, weights=None)
    if weights == "none":
        return Network(module, {"origin": "none", "sha256": ""})
    found = find_weights(weights)
    heads = [f"{name}." for name in classifier_layers(module)]  # cut off: a file may lack them
    notes = load_tensors(module, read_tensors(found.path), found.origin, unused=heads)
    return Network(module, found.record(), notes)
