"""What ``encoder.tabular`` can be told beside the columns."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from mmx.interfaces import Training
from mmx_plugins.encoders._records.rules import Rules
from mmx_plugins.encoders._records.settings import RecordParams, Share, check_learns

Model = Literal["ft", "mlp", "resnet", "linear"]

_ONLY_FT = ("numbers", "bins", "sigma", "heads", "attention_dropout")
_NOT_LINEAR = ("dim", "blocks", "dropout")
_DIM: Mapping[Model, int] = {"ft": 128, "mlp": 256, "resnet": 256}
_DROPOUT: Mapping[Model, float] = {"ft": 0.05, "mlp": 0.1, "resnet": 0.1}


class TabularSettings(RecordParams):
    """The settings of a spec without the network that they describe."""

    source: ClassVar[str] = "Gorishniy et al. 2021, arXiv:2106.11959, and 2022, arXiv:2203.05556"

    type: Literal["tabular"] = "tabular"
    train: Training = Field(
        default="full", description="full: there are no pretrained weights that could be frozen"
    )
    model: Model = Field(
        default="ft",
        description="FT-Transformer, multilayer perceptron, residual network, or the columns "
        "themselves",
    )
    missing: Literal["token", "mask", "impute"] = Field(
        default="token",
        description="a missing cell has a learned token or a flag; or no token at all; or the "
        "training mean or mode, and nothing says so",
    )
    numbers: Literal["ple", "linear", "periodic"] = Field(
        default="ple", description="how ft reads a number: piecewise linear, linear, or periodic"
    )
    bins: PositiveInt = Field(default=16, description="of ple, at most")
    sigma: PositiveFloat = Field(
        default=0.01, description="of the frequencies of periodic at the start"
    )
    dim: PositiveInt | None = Field(
        default=None, description="width, channels; null: 128 for ft, 256 for mlp and resnet"
    )
    blocks: PositiveInt = Field(
        default=2, description="of ft, which needs one to see any column; or layers"
    )
    heads: PositiveInt = Field(default=8, description="attention heads of ft; divides dim")
    attention_dropout: Share = Field(default=0.15, description="share of attention weights of ft")
    dropout: Share | None = Field(
        default=None, description="of hidden layers; null: 0.05 for ft, 0.1 for mlp and resnet"
    )
    cell_dropout: Share | None = Field(
        default=None,
        description="share of cells that are missing in training, so that what stands for a "
        "missing cell is learned in complete columns too; null: 0.1, and 0 for linear",
    )

    @model_validator(mode="after")
    def _nothing_idle(self) -> "TabularSettings":
        idle = [name for name in _ONLY_FT if self.model != "ft" and self._set(name)]
        idle += [name for name in _NOT_LINEAR if self.model == "linear" and self._set(name)]
        if idle:
            raise ValueError(f"{', '.join(idle)} means nothing for model: {self.model}; leave out")
        for name, numbers in (("bins", "ple"), ("sigma", "periodic")):
            if self.numbers != numbers and self._set(name):
                raise ValueError(f"{name} means nothing for numbers: {self.numbers}; leave out")
        if self.missing == "mask" and self.model != "ft":
            raise ValueError(f"missing: mask leaves out tokens, and model: {self.model} has none")
        if self.model == "linear" and self.cell_dropout:
            raise ValueError("cell_dropout teaches what stands for a missing cell; linear learns "
                             "nothing itself")  # fmt: skip
        if self.model != "linear":
            check_learns(self.train)
        return self

    def _set(self, name: str) -> bool:
        """Whether a setting differs from its default; a spec that is written out names all."""
        return bool(getattr(self, name) != type(self).model_fields[name].default)

    @property
    def rules(self) -> Rules:
        return replace(super().rules, bins=self.bins)

    @property
    def width(self) -> int | None:
        """Channels of the features; None where the columns decide them."""
        return self.dim or _DIM.get(self.model)

    @property
    def hidden_dropout(self) -> float:
        """Share of hidden channels dropped."""
        return _DROPOUT.get(self.model, 0.0) if self.dropout is None else self.dropout

    @property
    def dropped_cells(self) -> float:
        if self.cell_dropout is not None:
            return self.cell_dropout
        return 0.0 if self.model == "linear" else 0.1

    @property
    def imputes(self) -> bool:
        return self.missing == "impute"
