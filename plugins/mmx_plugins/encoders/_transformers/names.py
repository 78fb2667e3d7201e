"""Names of tensors in published files, where the library has renamed parts of a network since."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from mmx.blocks import known_prefixes, load_tensors


def load_published(
    network: Any, tensors: Mapping[str, Tensor], origin: str, unused: Sequence[str]
) -> tuple[str, ...]:
    """Load tensors that have the names of a published file, or those of the network.

    Args:
        network: of transformers.
        tensors: by name, behind any known prefix.
        origin: named in errors.
        unused: beginnings of names that may be left over, as for ``mmx.blocks.load_tensors``.
    """
    family = [f"{network.base_model_prefix}."] if network.base_model_prefix else []
    today, prefixes = _names_of_today(network), known_prefixes(tensors, family)
    given = {_renamed(name, prefixes, today): tensor for name, tensor in tensors.items()}
    return load_tensors(network, given, origin, unused=unused, prefixes=family)


def _names_of_today(network: Any) -> dict[str, str]:
    """Published name -> name in the network, of tensors that are renamed and nothing else."""
    from transformers.core_model_loading import revert_weight_conversion  # seconds of import

    state = network.state_dict()
    names = {(value.data_ptr(), value.shape): name for name, value in state.items()}
    published = revert_weight_conversion(network, dict(state))
    found = {name: names.get((value.data_ptr(), value.shape)) for name, value in published.items()}
    return {name: own for name, own in found.items() if own is not None and name not in state}


def _renamed(name: str, prefixes: Sequence[str], today: Mapping[str, str]) -> str:
    """The name of today; norms of the first BERT were called gamma and beta."""
    for old, new in ((".gamma", ".weight"), (".beta", ".bias")):
        if name.endswith(f"LayerNorm{old}"):
            name = name.removesuffix(old) + new
    for prefix in prefixes:
        rest = name.removeprefix(prefix)
        if name.startswith(prefix) and rest in today:
            return prefix + today[rest]
    return name
