"""Tensors of a weights file, which is never unpickled."""

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmx.errors import WeightsError

_NESTED = ("state_dict", "model")  # where checkpoints keep the network beside other things
_COPIES = ("teacher", "student")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Named tensors of a file, on the CPU; code inside a file is refused, never run.

    Raises:
        WeightsError: neither safetensors nor a plain state dict, or damaged.
    """
    from safetensors import SafetensorError  # only where weights are read
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():  # torch warns of pickle protocols before it refuses them
            warnings.simplefilter("ignore")
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, OSError, EOFError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsError(
            f"{path} holds no plain tensors ({reason}). Nothing in it was run. Convert it to "
            ".safetensors where you trust it"
        ) from error
    return _state_dict(loaded, path)


def _state_dict(loaded: object, path: Path) -> dict[str, Tensor]:
    """The state dict itself, or the one that a checkpoint keeps under a usual name."""
    for nested in _NESTED:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(nested), Mapping):
            loaded = loaded[nested]
    if not isinstance(loaded, Mapping) or not loaded:
        raise WeightsError(f"{path} holds a {type(loaded).__name__}, not named tensors")
    named = _of_copies(loaded) or loaded
    if not all(isinstance(value, Tensor) for value in named.values()):
        raise WeightsError(f"{path} is not a state dict: some of its values are no tensors")
    return {str(name): value for name, value in named.items()}


def _of_copies(loaded: Mapping[Any, Any]) -> dict[str, Any]:
    """Names such as ``teacher.norm.weight``, where a checkpoint keeps copies of one network."""
    copies = {name: loaded[name] for name in _COPIES if isinstance(loaded.get(name), Mapping)}
    return {f"{name}.{key}": value for name, copy in copies.items() for key, value in copy.items()}
