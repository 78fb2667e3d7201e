"""A pretended device: whatever a module leaves in main memory meets what was moved, and fails."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
)

from mmx.interfaces import map_tensors
from mmx.testing.law import demand

T = TypeVar("T")
ELSEWHERE = torch.device("cuda:0")


def unregistered(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Tensors in attributes of a module that are no parameters or buffers of it, by name."""
    known = {id(tensor) for tensor in (*module.parameters(), *module.buffers())}
    for name, part in module.named_modules():
        for attribute, value in vars(part).items():
            if attribute in ("_parameters", "_buffers", "_modules"):
                continue
            for tensor in _tensors(value):
                if id(tensor) not in known:
                    yield f"{name}.{attribute}".lstrip("."), tensor


def runs_elsewhere(
    module: nn.Module, inputs: T, forward: Callable[[nn.Module, T], object]
) -> str | None:
    """Run a module as if it were on another device, with shapes and devices but no numbers.

    Args:
        module: it is changed and must not be used again.
        inputs: a dataclass, tuple or mapping of tensors.
        forward: runs the module on the moved inputs.

    Returns:
        Words where the way depends on numbers, so that it could not be followed to its end.
    """
    for name, _ in unregistered(module):
        demand(False, f"{name} is a plain tensor, which .to(device) leaves behind; use a buffer")
    mode = FakeTensorMode()

    def moved(tensor: Tensor) -> Tensor:
        return FakeTensor(mode, tensor.detach().to("meta"), ELSEWHERE)

    for part in module.modules():
        _move(part, moved)
    given = map_tensors(inputs, moved)
    try:
        with mode, torch.no_grad():
            forward(module, given)
    except (DataDependentOutputException, DynamicOutputShapeException):
        return "followed to the first branch that depends on numbers"
    return None


def _move(part: nn.Module, moved: Callable[[Tensor], Tensor]) -> None:
    for held in (part._parameters, part._buffers):
        for name, tensor in held.items():
            if tensor is not None:
                held[name] = moved(tensor)  # type: ignore[assignment]
    if isinstance(part, nn.RNNBase):  # it keeps its weights in a list too
        part._flat_weights = [getattr(part, name) for name in part._flat_weights_names]


def _tensors(value: object) -> Iterable[Tensor]:
    """Tensors in an attribute, also inside lists and mappings."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
