"""Optimisers with one learning rate for each kind of layer."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from mmx.errors import RunError
from mmx.interfaces import WrappingEncoder
from mmx.spec import OptimizerSpec
from mmx.training.interfaces import Trainable

NEW = "new"
NONE: Mapping[str, str] = {}


def parameter_groups(
    model: Trainable, settings: OptimizerSpec, kinds: Mapping[str, str] = NONE
) -> list[dict[str, Any]]:
    """Groups of the parameters that learn, by kind of layer and by weight decay.

    Each encoder learns at the rate of its modality, all else at ``lr``, also what a wrapping
    encoder adds to its backbone.
    Biases, norms and other parameters of fewer than two axes have no weight decay, nor has a
    parameter whose attribute ``no_weight_decay`` is true.

    Args:
        model: whose parameters.
        settings: rates and weight decay.
        kinds: modality -> kind of its data, where its name does not say it.

    Returns:
        Groups in a fixed order, with ``kind`` and ``base_lr`` beside what torch asks for.
    """
    rates = {name: settings.rate_of(name, kinds.get(name, name)) for name in model.encoders}
    rates[NEW] = settings.lr
    members: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            members.setdefault((_kind(model, name), _decays(parameter)), []).append(parameter)
    return [
        {
            "params": members[kind, decays],
            "kind": kind,
            "lr": rates[kind],
            "base_lr": rates[kind],
            "weight_decay": settings.weight_decay if decays else 0.0,
        }
        for kind in rates
        for decays in (True, False)
        if (kind, decays) in members
    ]


def _kind(model: Trainable, name: str) -> str:
    """Kind of layer of a parameter."""
    room, *path = name.split(".")
    if room != "encoders":
        return NEW
    modality = path.pop(0)
    encoder: object = model.encoders[modality]
    while isinstance(encoder, WrappingEncoder):
        if path[0] not in encoder.pretrained:
            return NEW
        encoder = getattr(encoder, path.pop(0))
    return modality


def _decays(parameter: nn.Parameter) -> bool:
    return parameter.ndim >= 2 and not getattr(parameter, "no_weight_decay", False)


def build_optimizer(
    model: Trainable, settings: OptimizerSpec, kinds: Mapping[str, str] = NONE
) -> Optimizer:
    """The optimiser of a spec over all parameters that learn.

    Raises:
        RunError: nothing in the model learns.
    """
    groups = parameter_groups(model, settings, kinds)
    if not groups:
        raise RunError("no parameter of the model learns; set train: last or full for an encoder")
    # one fused kernel per group where torch has one for these devices; it is two to three times
    # quicker than one call per parameter on heads of a few layers
    devices = {parameter.device.type for group in groups for parameter in group["params"]}
    fused = devices <= {"cpu", "cuda"}
    if settings.type == "sgd":
        return SGD(groups, lr=settings.lr, momentum=settings.momentum, fused=fused)
    chosen = AdamW if settings.type == "adamw" else Adam
    return chosen(groups, lr=settings.lr, fused=fused)


def set_rates(optimizer: Optimizer, factor: float) -> None:
    """Give every group its own rate times a factor."""
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor


def rates(optimizer: Optimizer) -> dict[str, float]:
    """Learning rate now, by kind of layer."""
    return {group["kind"]: float(group["lr"]) for group in optimizer.param_groups}


def flat_state(optimizer: Optimizer) -> dict[str, torch.Tensor]:
    """The optimiser's memory as named tensors; groups and rates follow from spec and step."""
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": value
        for index, values in state.items()
        for name, value in values.items()
        if isinstance(value, torch.Tensor)
    }


def load_flat_state(optimizer: Optimizer, flat: dict[str, torch.Tensor]) -> None:
    """Take back what ``flat_state`` gave."""
    owners = [owner for group in optimizer.param_groups for owner in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in flat.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = _laid_out_like(value, owners[int(index)])
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _laid_out_like(value: torch.Tensor, owner: torch.Tensor) -> torch.Tensor:
    """In the memory layout of its parameter: fused kernels walk both in the order of memory."""
    if value.shape != owner.shape:
        return value  # such as the count of steps
    return torch.empty_like(owner, dtype=value.dtype).copy_(value)
