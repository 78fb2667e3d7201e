"""An image encoder that reads images of 48 x 48 pixels and no others, as a local plugin file."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

import mmx


class SizedParams(mmx.EncoderParams):
    """One linear map of all pixels."""

    modality: ClassVar[str] = "image"
    type: Literal["sized"] = "sized"
    fault: str = Field(default="", description="what is wrong with it; empty: nothing")

    def build(self) -> "Sized":
        if self.fault == "build":
            raise LookupError("no such network")
        return Tokens() if self.fault == "kind" else Sized(self.fault)  # type: ignore[return-value]


class Sized(mmx.SingleImageEncoder):
    def __init__(self, fault: str) -> None:
        super().__init__((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        self.fault, self.weights = fault, {"origin": "random"}
        levels = (4,) if fault == "levels" else ()
        self.shape = mmx.FeatureShape(5 if fault == "width" else 4, levels)
        self.layer = nn.Linear(3 * 48 * 48, 4)

    def encode(self, pixels: Tensor) -> mmx.Features:
        if self.fault == "all":
            raise ValueError("never.")
        found = self.layer(pixels.flatten(1))
        return found if self.fault == "tensor" else mmx.Features.of_pooled(found)  # type: ignore


class Tokens(nn.Module):
    """No encoder at all."""


@mmx.hookimpl
def mmx_components() -> Sequence[type[mmx.Params]]:
    return [SizedParams]
