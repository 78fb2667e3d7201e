"""Multilayer perceptron: one hidden layer on the pooled features, or none at all.

Source: Rumelhart et al. 1986, doi:10.1038/323533a0; the cosine last layer after Wang et al. 2018,
CosFace, arXiv:1801.09414.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, cast

import torch
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, field_validator
from torch import Tensor, nn
from torch.nn import functional as F

import mmx
from mmx import hookimpl
from mmx.errors import MmxError, ShapeError
from mmx.interfaces import Features, Head, HeadOutput, HeadParams, Params

TOLERANCE = 0.05  # how far a matched head may be from the parameters it was asked to match


class MlpParams(HeadParams):
    """Settings of the multilayer perceptron."""

    source: ClassVar[str] = "Rumelhart et al. 1986, doi:10.1038/323533a0"

    type: Literal["mlp"] = "mlp"
    hidden: PositiveInt | None = Field(
        default=256, description="width of the hidden layer, channels; null: a linear probe"
    )
    dropout: float = Field(default=0.5, ge=0, lt=1, description="share of hidden channels dropped")
    cosine: bool = Field(
        default=False, description="last layer gives scale x cosine and has no bias"
    )
    scale: PositiveFloat = Field(
        default=1.0,
        description="factor of the cosine; 1 leaves the scale to the loss, as loss.ldam does",
    )
    match: str | dict[str, Any] | None = Field(
        default=None,
        description="a head such as kan, or {type: kan, ...} with its settings; hidden is then "
        "chosen to have as many parameters",
    )

    def misfit(self, task: str) -> str:
        if not self.cosine or task == "single_label":
            return ""
        return f"cosine is for a softmax over classes, and this spec has task: {task}; leave it out"

    @property
    def gives_cosines(self) -> bool:
        return self.cosine

    @field_validator("match")
    @classmethod
    def _can_be_made(cls, value: str | dict[str, object] | None) -> str | dict[str, object] | None:
        if isinstance(value, dict):
            try:
                _other(value)
            except ValidationError as error:
                told = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
                raise ValueError("; ".join(told)) from None
            except MmxError as error:  # no such head
                raise ValueError(str(error)) from None
        return value

    def build(self, dim: int, classes: int) -> "Mlp":
        hidden = self.hidden if self.match is None else matched_width(self, dim, classes)
        return Mlp(dim, hidden, classes, self.dropout, _last(self, hidden or dim, classes))


class Mlp(Head):
    """Pooled [B, D] -> W2 Drop(ReLU(W1 z)); without a hidden layer W z."""

    def __init__(
        self,
        dim: int,
        hidden: int | None,
        classes: int,
        dropout: float,
        last: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.hidden = nn.Sequential()
        if hidden is not None:
            self.hidden = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Dropout(dropout))
        self.last = last or nn.Linear(hidden or dim, classes)

    def forward(self, features: Features) -> HeadOutput:
        return HeadOutput(self.last(self.hidden(features.pooled)))


class Cosine(nn.Module):
    """[B, D] -> scale x cosine of the angle to each class vector, [B, C] in [-scale, scale]."""

    def __init__(self, dim: int, classes: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(classes, dim))
        self.scale = scale
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of x [B, D]; a zero vector has cosine 0 to everything."""
        return self.scale * F.linear(F.normalize(x, dim=-1), F.normalize(self.weight, dim=-1))

    def extra_repr(self) -> str:
        """Shape and scale."""
        return f"{self.weight.shape[1]}, {self.weight.shape[0]}, scale={self.scale}"


def matched_width(params: MlpParams, dim: int, classes: int) -> int:
    """Hidden width with which this head has the parameters of ``params.match``.

    Raises:
        ShapeError: no width comes within 5 %.
    """
    with torch.device("meta"):  # only counts: no memory, no random numbers
        other = _other(params.match or "")
        wanted = _count(other.build(dim, classes))
        bias = 0 if params.cosine else classes
    per_unit = dim + 1 + classes
    width = max(1, round((wanted - bias) / per_unit))
    got = width * per_unit + bias
    if abs(got - wanted) > TOLERANCE * wanted:
        raise ShapeError(
            f"no mlp matches the {wanted} parameters of {other.entry_point} within 5 % for "
            f"{dim} channels and {classes} classes; the nearest has {got}"
        )
    return width


def _other(match: str | Mapping[str, object]) -> HeadParams:
    """The settings of the head that is to be matched.

    Raises:
        PluginError: no such head is installed.
        ValueError: a mapping without a type, or with settings that the head does not take.
    """
    told = {"type": match} if isinstance(match, str) else dict(match)
    if "type" not in told:
        raise ValueError("a head to match needs a type, such as {type: kan, dim: 64}")
    found = cast(type[HeadParams], mmx.Plugins().find("head", str(told.pop("type"))))
    return found(**told)


def _last(params: MlpParams, dim: int, classes: int) -> nn.Module:
    if params.cosine:
        return Cosine(dim, classes, params.scale)
    return nn.Linear(dim, classes)


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MlpParams]
