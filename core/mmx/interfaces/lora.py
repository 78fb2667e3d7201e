"""Low-rank adapters: a frozen network of which only small additions to some layers learn.

y = W x + (alpha / rank) B A x, with A drawn as PyTorch draws a layer and B = 0, so that the network
starts as it was. Source: Hu et al. 2021, arXiv:2106.09685; made by the library peft.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    WrapValidator,
)
from pydantic_core import PydanticKnownError
from torch import nn

from mmx.errors import MissingExtraError, ShapeError

ADAPTER = ".lora_"
"""In the names of parameters that are adapters."""
_QUERY_AND_VALUE = {
    "q", "v", "query", "value", "q_proj", "v_proj", "q_lin", "v_lin", "query_proj", "value_proj",
    "qkv", "Wqkv",
}  # fmt: skip
# they read the weights of the layers inside, and never call these
_READS_PAST = {"MultiheadAttention", "ShiftedWindowAttention", "ShiftedWindowAttentionV2"}


class Lora(BaseModel):
    """Settings of the adapters."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    rank: PositiveInt = Field(default=8, description="of the matrix that is added")
    alpha: PositiveFloat = Field(default=16, description="what is added is scaled by alpha / rank")
    dropout: Annotated[NonNegativeFloat, Field(lt=1)] = Field(
        default=0.0, description="share of the inputs of adapters that is hidden in training"
    )
    targets: Literal["attention", "all_linear"] | None = Field(
        default=None,
        description="attention: queries and values (keys too where one layer makes all three); "
        "all_linear: every linear layer and 1 x 1 convolution; null: attention, and all_linear "
        "where the network has none",
    )


class LoraTraining(BaseModel):
    """``train: {lora: {...}}``: adapters learn, the network itself is frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lora: Lora

    def __str__(self) -> str:
        """As in a spec."""
        return f"{{lora: {{rank: {self.lora.rank}, alpha: {self.lora.alpha:g}}}}}"


def _checked(value: Any, _: Any) -> Any:
    """One of three words, or adapters; each mistake keeps its place."""
    if isinstance(value, LoraTraining) or value in ("frozen", "last", "full"):
        return value
    if isinstance(value, Mapping):
        return LoraTraining.model_validate(dict(value))
    raise PydanticKnownError(
        "literal_error", {"expected": "'frozen', 'last', 'full' or {lora: {rank: 8, alpha: 16}}"}
    )


Training = Annotated[Literal["frozen", "last", "full"] | LoraTraining, WrapValidator(_checked)]
"""What of an encoder is trained: nothing, its last stage, all, or adapters beside it."""


def add_adapters(network: nn.Module, settings: Lora) -> str:
    """Put adapters beside layers of a network, in place; a sentence on what learns then.

    Raises:
        ShapeError: the network has no such layers.
        MissingExtraError: peft is not installed.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model  # an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("peft", "mmx[lora]") from error
    layers = _layers(network, settings)
    config: Any = LoraConfig(  # its types take whole numbers alone for alpha
        r=settings.rank,
        lora_dropout=settings.dropout,
        target_modules="|".join(re.escape(name) for name in layers),
    )
    config.lora_alpha = settings.alpha
    inject_adapter_in_model(config, network)
    added = sum(p.numel() for _, p in adapters_of(network))
    whole = sum(p.numel() for p in network.parameters()) - added
    kinds = sorted({name.rpartition(".")[2] for name in layers if not name[-1].isdigit()})
    return (
        f"adapters of rank {settings.rank} beside {len(layers)} layers"
        f"{f' ({chr(44).join(kinds)})' if kinds else ''} learn: {added:,} parameters, the network "
        f"itself has {whole:,} and is frozen"
    )


def adapters_of(network: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Name and parameter of each adapter."""
    return ((name, one) for name, one in network.named_parameters() if ADAPTER in name)


def _layers(network: nn.Module, settings: Lora) -> list[str]:
    """Names of the layers that get adapters."""
    past = [
        f"{name}." for name, one in network.named_modules() if type(one).__name__ in _READS_PAST
    ]
    found = {
        name: one
        for name, one in network.named_modules()
        if _is_linear(one) and not name.startswith(tuple(past))
    }
    attention = [name for name in found if name.rpartition(".")[2] in _QUERY_AND_VALUE]
    if settings.targets == "attention" and not attention:
        why = (
            "its attention reads its weights past the layers that could have adapters"
            if past
            else "it has no layers of queries and values"
        )
        raise ShapeError(f"targets: attention fits no layer of this network: {why}; use all_linear")
    chosen = attention if attention and settings.targets != "all_linear" else list(found)
    if not chosen:
        raise ShapeError("this network has no linear layer and no 1 x 1 convolution for adapters")
    return chosen


def _is_linear(layer: nn.Module) -> bool:
    """Whether it multiplies by one matrix; on a depthwise convolution an adapter outgrows it."""
    if isinstance(layer, nn.Conv2d):
        return layer.kernel_size == (1, 1) and layer.groups == 1
    return isinstance(layer, nn.Linear)
