"""Which layers and weights of a network get low-rank adapters."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from mmx.errors import ShapeError
from mmx.interfaces.low_rank import Rows

Part = Literal["query", "key", "value"]
"""What a layer of attention makes of its input."""
Targets = (
    Literal["attention", "all_linear"] | Annotated[tuple[Part, ...], Field(min_length=1)] | None
)

_PARTS: Sequence[Part] = ("query", "key", "value")  # in the order of rows where one layer makes all
_NAMES: Mapping[Part, frozenset[str]] = {
    "query": frozenset({"q", "query", "q_proj", "q_lin", "query_proj"}),
    "key": frozenset({"k", "key", "k_proj", "k_lin", "key_proj"}),
    "value": frozenset({"v", "value", "v_proj", "v_lin", "value_proj"}),
}
_FUSED = frozenset({"qkv", "Wqkv"})
# they read the weights of the layers inside, and never call these
_READS_PAST = {"MultiheadAttention", "ShiftedWindowAttention", "ShiftedWindowAttentionV2"}
# they cut what one layer gives into queries, keys and values, in this order; others mix the rows
_THIRDS = {
    "Attention", "AttentionRope", "EvaAttention", "ModernBertAttention", "MultiheadAttention",
    "ShiftedWindowAttention", "ShiftedWindowAttentionV2", "WindowAttention",
    "WindowMultiHeadAttention",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TargetWeight:
    """A weight that is read past its layer, or some rows of a weight.

    Attributes:
        module: name of what holds it.
        tensor: its name there.
        rows: first one that gets an addition, and the one behind the last; None: all.
    """

    module: str
    tensor: str
    rows: Rows | None = None


@dataclass(frozen=True, slots=True)
class LoraTargets:
    """What of a network gets adapters.

    Attributes:
        layers: names of layers that are called.
        weights: other weights.
    """

    layers: tuple[str, ...] = ()
    weights: tuple[TargetWeight, ...] = ()

    def __len__(self) -> int:
        """How many adapters there are."""
        return len(self.layers) + len(self.weights)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Last names of layers and weights, sorted."""
        last = {name.rpartition(".")[2] for name in self.layers}
        held = {
            one.tensor if one.tensor != "weight" else one.module.rpartition(".")[2]
            for one in self.weights
        }
        return tuple(sorted(name for name in last | held if not name.isdigit()))


def lora_targets(network: nn.Module, targets: Targets) -> LoraTargets:
    """The layers and weights that are meant.

    Raises:
        ShapeError: the network has none.
    """
    if isinstance(targets, tuple):
        return _of_parts(network, targets)
    attention = _of(network, _NAMES["query"] | _NAMES["value"] | _FUSED)
    if targets == "attention" and not len(attention):
        raise ShapeError(
            "targets: attention fits no layer of this network: it has no layers of queries and "
            "values; use all_linear"
        )
    found = attention if len(attention) and targets != "all_linear" else _of(network, None)
    if not len(found):
        raise ShapeError("this network has no linear layer and no 1 x 1 convolution for adapters")
    return found


def _of(network: nn.Module, names: frozenset[str] | None) -> LoraTargets:
    """Layers and weights of these names; of all names where there are none."""
    past = _past(network)
    layers: list[str] = []
    weights: list[TargetWeight] = []
    for name, module in network.named_modules():
        last = name.rpartition(".")[2]
        for tensor, part in _own_weights(module):
            if names is None or part is None or part in ("query", "value"):
                weights.append(TargetWeight(name, tensor))
        if _is_linear(module) and (names is None or last in names):
            if name.startswith(past):
                weights.append(TargetWeight(name, "weight"))
            else:
                layers.append(name)
    return LoraTargets(tuple(layers), tuple(weights))


def _of_parts(network: nn.Module, parts: Sequence[Part]) -> LoraTargets:
    """Queries, keys or values alone, wherever they are made."""
    past = _past(network)
    layers: list[str] = []
    weights: list[TargetWeight] = []
    for name, module in network.named_modules():
        above, _, last = name.rpartition(".")
        for tensor, part in _own_weights(module):
            if part is None:
                weights += _rows(name, module, tensor, parts)
            elif part in parts:
                weights.append(TargetWeight(name, tensor))
        if not _is_linear(module):
            continue
        if last in _FUSED:
            weights += _rows(name, network.get_submodule(above), "weight", parts)
        elif any(last in _NAMES[part] for part in parts):
            if name.startswith(past):
                weights.append(TargetWeight(name, "weight"))
            else:
                layers.append(name)
    if not layers and not weights:
        raise ShapeError(
            f"targets: [{', '.join(parts)}] fits no layer of this network; use all_linear"
        )
    return LoraTargets(tuple(layers), tuple(weights))


def _past(network: nn.Module) -> tuple[str, ...]:
    """Beginnings of the names of layers that are never called."""
    return tuple(
        f"{name}." for name, one in network.named_modules() if type(one).__name__ in _READS_PAST
    )


def _own_weights(module: nn.Module) -> Iterator[tuple[str, Part | None]]:
    """Weights that attention of PyTorch holds itself, and what each makes; None: all three."""
    if not isinstance(module, nn.MultiheadAttention):
        return
    if module.in_proj_weight is not None:
        yield "in_proj_weight", None
    else:
        yield from zip(("q_proj_weight", "k_proj_weight", "v_proj_weight"), _PARTS, strict=True)


def _rows(
    name: str, attention: nn.Module, tensor: str, parts: Sequence[Part]
) -> Iterator[TargetWeight]:
    """The rows of each part of a weight that makes all three.

    Raises:
        ShapeError: the order of its rows is not known.
    """
    held = attention if tensor != "weight" else attention.get_submodule(name.rpartition(".")[2])
    rows, rest = divmod(len(getattr(held, tensor)), len(_PARTS))
    known = type(attention).__name__ in _THIRDS and not getattr(attention, "head_first", False)
    if rest or not known:
        raise ShapeError(
            f"{name} makes queries, keys and values at once, and the order of its rows is not "
            "known; use targets: attention, which adapts all of them"
        )
    for place, part in enumerate(_PARTS):
        if part in parts:
            yield TargetWeight(name, tensor, (place * rows, (place + 1) * rows))


def _is_linear(layer: nn.Module) -> bool:
    """Whether it multiplies by one matrix; on a depthwise convolution an adapter outgrows it."""
    if isinstance(layer, nn.Conv2d):
        return layer.kernel_size == (1, 1) and layer.groups == 1
    return isinstance(layer, nn.Linear)
