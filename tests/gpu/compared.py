"""The same computation on two devices: its results and its gradients beside each other."""

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from mmx.interfaces import map_tensors

T = TypeVar("T")
HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def leaves_on(value: T, device: str) -> T:
    """A copy on a device; each tensor of numbers is asked for its gradient by itself."""

    def leaf(tensor: Tensor) -> Tensor:
        moved = tensor.detach().to(device)
        return moved.requires_grad_() if tensor.is_floating_point() else moved

    return map_tensors(value, leaf)


def tensors_in(value: object) -> list[Tensor]:
    """All tensors of a batch, of features or of outputs."""
    found: list[Tensor] = []

    def look(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    map_tensors(value, look)
    return found


def asked_of(module: nn.Module, inputs: object) -> dict[str, Tensor]:
    """The tensors whose gradients are compared: of the inputs, and the parameters that learn."""
    given = [one for one in tensors_in(inputs) if one.requires_grad]
    named = {f"input {place}": one for place, one in enumerate(given)}
    return named | {name: one for name, one in module.named_parameters() if one.requires_grad}


def numbers(outputs: Mapping[str, Tensor], asked: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Results and the gradients of their squares, in fp32 on the CPU."""
    parts = [out.float().square().mean() for out in outputs.values() if out.requires_grad]
    grads: tuple[Tensor | None, ...] = ()
    if parts and asked:
        total = torch.stack(parts).sum()
        grads = torch.autograd.grad(total, list(asked.values()), allow_unused=True)
    got = {f"gradient of {n}": g for n, g in zip(asked, grads, strict=False) if g is not None}
    return {name: value.detach().float().cpu() for name, value in {**outputs, **got}.items()}


def apart(here: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> float:
    """The largest difference of two sets of tensors, as a share of each tensor's largest value."""
    assert here.keys() == there.keys(), here.keys() ^ there.keys()
    shares = [
        float((here[name] - there[name]).abs().max() / here[name].abs().max().clamp(min=1e-3))
        for name in here
        if here[name].numel()
    ]
    return max(shares)


def finite(found: Mapping[str, Tensor]) -> bool:
    """Whether no number is NaN or infinite."""
    return all(bool(value.isfinite().all()) for value in found.values())
