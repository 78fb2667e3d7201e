"""A perceptron over the record as one vector: the simple encoder of a clinical table.

z = [numbers, scaled, 0 where missing; a flag for each number that is missing; one place for each
category, one for ``other``, one for ``missing``], then Drop ReLU(W h) in each layer. What is known
of the columns comes from the training rows alone.

Source of its use beside larger networks: Gorishniy et al. 2021, arXiv:2106.11959.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from mmx import Params, hookimpl
from mmx.interfaces import Training
from mmx_plugins.encoders._records.columns import Column
from mmx_plugins.encoders._records.encoder import ColumnsEncoder
from mmx_plugins.encoders._records.perceptron import OverVector, perceptron
from mmx_plugins.encoders._records.settings import RecordParams, Share, check_learns
from mmx_plugins.encoders._records.vector import RecordVector


class MlpParams(RecordParams):
    """Which fields of a record are read, and how wide and deep the perceptron is."""

    source: ClassVar[str] = "Gorishniy et al. 2021, arXiv:2106.11959"

    type: Literal["mlp"] = "mlp"
    train: Training = Field(
        default="full", description="full: there are no pretrained weights that could be frozen"
    )
    missing: Literal["flag", "impute"] = Field(
        default="flag",
        description="a missing cell is 0 and a flag says so; or the training mean or mode, and "
        "nothing says so",
    )
    dim: PositiveInt = Field(default=256, description="width of each layer, channels")
    layers: PositiveInt = Field(default=2, description="of the perceptron")
    dropout: Share = Field(default=0.1, description="share of hidden channels dropped")
    cell_dropout: Share = Field(
        default=0.1,
        description="share of cells that are missing in training, so that flags of complete "
        "columns are learned too",
    )

    @model_validator(mode="after")
    def _learns(self) -> "MlpParams":
        check_learns(self.train)
        return self

    @property
    def dropped_cells(self) -> float:
        return self.cell_dropout

    @property
    def imputes(self) -> bool:
        return self.missing == "impute"

    def build(self) -> "Mlp":
        return Mlp(self)


class Mlp(ColumnsEncoder):
    """Records [B, K] -> one token [B, 1, dim], which is also pooled."""

    def __init__(self, settings: MlpParams) -> None:
        super().__init__(settings, settings.dim)
        self.settings = settings

    def make_network(self, columns: Sequence[Column]) -> OverVector:
        vector = RecordVector(columns, flags=not self.settings.imputes)
        return perceptron(vector, self.settings.dim, self.settings.layers, self.settings.dropout)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MlpParams]
