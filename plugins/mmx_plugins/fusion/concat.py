"""Concatenation of all modalities: the baseline that every fusion is compared with."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field

from mmx import Features, FeatureShape, Fusion, FusionParams, Params, hookimpl
from mmx.blocks import LearnedPlaceholder, PerModality, either_present, fused_vector, same_width


class ConcatParams(FusionParams):
    """Concatenates channels, or tokens; as wide as all modalities together, or as one of them."""

    type: Literal["concat"] = "concat"
    source: ClassVar[str] = "common practice; no paper"
    takes: ClassVar[tuple[int, int | None]] = (1, None)

    tokens: bool = Field(
        default=False,
        description="true: one sequence of the tokens of all modalities instead of one vector, for "
        "heads that pool tokens; all must then have the same width",
    )

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"pooled", "tokens"} if self.tokens else {"pooled"})

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Concat | ConcatTokens":
        if self.tokens:
            same_width("concat with tokens: true", *shapes.values())
            return ConcatTokens({name: shape.dim for name, shape in shapes.items()})
        return Concat({name: shape.dim for name, shape in shapes.items()})


class Concat(Fusion):
    """f = [x_1; ...; x_M]: [B, D_m] -> [B, sum D_m]; a learned vector for a missing modality."""

    def __init__(self, dims: Mapping[str, int]) -> None:
        super().__init__()
        self.dim = sum(dims.values())
        self.missing = PerModality({name: LearnedPlaceholder(dim) for name, dim in dims.items()})

    def forward(self, features: Mapping[str, Features]) -> Features:
        x = {name: self.missing[name].pooled(one) for name, one in features.items()}
        return fused_vector(torch.cat([*x.values()], dim=-1), *features.values(), parts=x)


class ConcatTokens(Fusion):
    """[X_1; ...; X_M] along tokens: [B, N_m, D] -> [B, sum N_m, D]; pooled is their mean."""

    def __init__(self, dims: Mapping[str, int]) -> None:
        super().__init__()
        self.dim = next(iter(dims.values()))
        self.missing = PerModality({name: LearnedPlaceholder(dim) for name, dim in dims.items()})

    def forward(self, features: Mapping[str, Features]) -> Features:
        found = [self.missing[name].tokens(one) for name, one in features.items()]
        return Features(
            torch.cat([tokens for tokens, _ in found], dim=1),
            torch.cat([mask for _, mask in found], dim=1),
            present=either_present(*features.values()),
            parts={name: self.missing[name].pooled(one) for name, one in features.items()},
        )


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [ConcatParams]
