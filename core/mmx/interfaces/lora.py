"""Low-rank adapters: a frozen network of which only small additions to some layers learn.

y = W x + (alpha / rank) B A x, with A drawn as PyTorch draws a layer and B = 0, so that the network
starts as it was. Source: Hu et al. 2021, arXiv:2106.09685; made by the library peft.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
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

from mmx.errors import MissingExtraError
from mmx.interfaces.lora_targets import Targets, lora_targets
from mmx.interfaces.low_rank import add_low_rank

ADAPTER = ".lora_"
"""In the names of parameters that are adapters."""


class Lora(BaseModel):
    """Settings of the adapters."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    rank: PositiveInt = Field(default=8, description="of the matrix that is added")
    alpha: PositiveFloat = Field(default=16, description="what is added is scaled by alpha / rank")
    dropout: Annotated[NonNegativeFloat, Field(lt=1)] = Field(
        default=0.0, description="share of the inputs of adapters that is hidden in training"
    )
    targets: Targets = Field(
        default=None,
        description="attention: queries and values (keys too where one layer makes all three); "
        "[query, value]: these alone, also where one layer makes all three; all_linear: every "
        "linear layer and 1 x 1 convolution; null: attention, and all_linear where the network "
        "has none",
    )

    @property
    def scale(self) -> float:
        """Of what is added."""
        return self.alpha / self.rank


class LoraTraining(BaseModel):
    """``train: {lora: {...}}``: adapters learn, the network itself is frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lora: Lora

    def __str__(self) -> str:
        """As in a spec."""
        return f"{{lora: {{rank: {self.lora.rank}, alpha: {self.lora.alpha:g}}}}}"


def _checked(value: object, _: object) -> object:
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
    targets = lora_targets(network, settings.targets)
    if targets.layers:
        _inject(network, targets.layers, settings)
    for one in targets.weights:
        add_low_rank(
            network.get_submodule(one.module), one.tensor, one.rows,
            rank=settings.rank, scale=settings.scale, dropout=settings.dropout,
        )  # fmt: skip
    added = sum(p.numel() for _, p in adapters_of(network))
    whole = sum(p.numel() for p in network.parameters()) - added
    kinds = targets.kinds
    return (
        f"adapters of rank {settings.rank} beside {len(targets)} layers"
        f"{f' ({chr(44).join(kinds)})' if kinds else ''} learn: {added:,} parameters, the network "
        f"itself has {whole:,} and is frozen"
    )


def _inject(network: nn.Module, layers: Sequence[str], settings: Lora) -> None:
    """Put adapters of peft around layers that are called."""
    try:
        from peft import LoraConfig, inject_adapter_in_model  # an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("peft", "mmx[lora]") from error
    config: Any = LoraConfig(  # its types take whole numbers alone for alpha
        r=settings.rank,
        lora_dropout=settings.dropout,
        target_modules="|".join(re.escape(name) for name in layers),
    )
    config.lora_alpha = settings.alpha
    inject_adapter_in_model(config, network)


def adapters_of(network: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Name and parameter of each adapter."""
    return ((name, one) for name, one in network.named_parameters() if ADAPTER in name)
