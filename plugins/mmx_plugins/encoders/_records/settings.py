"""What every method that reads records can be told: which columns it reads, and how."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, Field, PositiveInt

from mmx.interfaces import EncoderParams, Training
from mmx_plugins.encoders._records.dates import Cycle, Order
from mmx_plugins.encoders._records.rules import Kind, Rules

Share = Annotated[float, Field(ge=0, lt=1)]


class ColumnSettings(BaseModel):
    """Which columns of a record are read; a method adds what it makes of them."""

    columns: tuple[str, ...] | None = Field(
        default=None, description="fields to read; null: all that the data set does not exclude"
    )
    kinds: Mapping[str, Kind] = Field(
        default={}, description="field -> number or category, where its cells do not say it"
    )
    dates: Mapping[str, Order] = Field(
        default={},
        description="date -> day_first or month_first, where its cells are such as 03/04/2021",
    )
    since: Mapping[str, str] = Field(
        default={}, description="date -> earlier date, such as {exam: birth}: the days between them"
    )
    cyclic: Mapping[str, Cycle] = Field(
        default={}, description="date -> month or weekday, read as a point on a circle"
    )
    missing_codes: Mapping[str, tuple[str | float, ...]] = Field(
        default={}, description="field -> values that mean missing, such as {thickness: [-9]}"
    )
    min_count: PositiveInt = Field(
        default=5, description="training rows of a category; rarer ones are other"
    )

    @property
    def rules(self) -> Rules:
        """How columns are fitted."""
        return Rules(
            columns=self.columns,
            kinds=self.kinds,
            missing_codes=self.missing_codes,
            dates=self.dates,
            since=self.since,
            cyclic=self.cyclic,
            min_count=self.min_count,
        )


class RecordParams(ColumnSettings, EncoderParams):
    """The columns that an encoder reads, and how it scales them."""

    modality = "record"

    scaling: Literal["standard", "quantile"] = Field(
        default="standard", description="mean 0 and standard deviation 1, or normal quantiles"
    )

    @property
    def dropped_cells(self) -> float:
        """Share of cells that are missing in training."""
        return 0.0

    @property
    def imputes(self) -> bool:
        """A missing cell is filled with the training mean or mode, and nothing says so."""
        return False

    @property
    def rules(self) -> Rules:
        return replace(super().rules, quantile=self.scaling == "quantile")

    def fields_read(self, fields: Sequence[str], leaks: Collection[str]) -> tuple[str, ...]:
        named = self.rules.named
        asked = fields if self.columns is None else ()
        return tuple(one for one in fields if one in named or (one in asked and one not in leaks))


def check_learns(train: Training) -> None:
    """Refuse to leave the weights of a network over a table as they are.

    Raises:
        ValueError: they would not learn, or adapters alone would.
    """
    if train != "full":
        raise ValueError(
            f"train: {train} would leave random weights as they are; there are no pretrained ones "
            "for a table: use train: full"
        )
