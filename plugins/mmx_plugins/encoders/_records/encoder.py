"""The encoder of records: fitted columns, and a network over them."""

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from mmx.errors import ShapeError
from mmx.interfaces import Features, FeatureShape, Record, RecordEncoder, Records
from mmx_plugins.encoders._records.cell_dropout import CellDropout
from mmx_plugins.encoders._records.cells import as_stated
from mmx_plugins.encoders._records.columns import Column, FittedTable, Number
from mmx_plugins.encoders._records.fit import fit_table
from mmx_plugins.encoders._records.network import RecordNetwork
from mmx_plugins.encoders._records.scaling import scaled
from mmx_plugins.encoders._records.settings import RecordParams
from mmx_plugins.encoders._records.tabulate import tabulate


class ColumnsEncoder(RecordEncoder):
    """Records [B, K] -> features of the fitted columns.

    Before ``learn_columns`` it has no layers.

    Args:
        params: which columns are read, and how.
        width: channels of the features; None where the columns decide them.
    """

    fill_values: Tensor
    fill_codes: Tensor
    network: RecordNetwork

    def __init__(self, params: RecordParams, width: int | None) -> None:
        super().__init__()
        self.params = params
        self.table: FittedTable | None = None
        self.cell_dropout = CellDropout(params.dropped_cells)
        self.shape = FeatureShape(width or 1)
        self.weights = {"origin": "none: trained from the start"}

    @abstractmethod
    def make_network(self, columns: Sequence[Column]) -> RecordNetwork:
        """The network over columns that were fitted."""

    def fit(self, records: Sequence[Record], excluded: Mapping[str, str]) -> str:
        return fit_table(records, self.params.rules, excluded).model_dump_json()

    def learn_columns(self, fitted: str) -> None:
        table = self.table = FittedTable.model_validate_json(fitted)
        columns = table.columns
        self.network = self.make_network(columns)
        self.shape = self.network.shape
        self.fields = tuple(sorted({name for one in columns for name in one.origin.fields}))
        self.entries = {"columns": table.names}
        self.sources = tuple(column.origin.fields for column in table.columns)
        values, codes = zip(*map(_fill, columns), strict=True)
        self.register_buffer("fill_values", torch.tensor(values), persistent=False)
        self.register_buffer("fill_codes", torch.tensor(codes), persistent=False)
        digest = hashlib.sha256(fitted.encode()).hexdigest()
        self.weights = {**self.weights, "columns": digest}  # so a part of every key of the cache
        self.notes = tuple(_sentences(table))

    def tabulate(self, records: Sequence[Record]) -> Records:
        if self.table is None:
            words = f"{self.params.entry_point} reads no record before its columns are fitted"
            raise ShapeError(words)
        return tabulate(
            as_stated(records, self.params.missing_codes, self.params.dates), self.table
        )

    def forward(self, records: Records) -> Features:
        present = records.present
        known = self.cell_dropout(records.known)
        read = Records(records.values, records.codes, known)
        if self.params.imputes:
            read = self._imputed(read)
        found: Features = self.network(read)
        return found.with_present(present)

    def _imputed(self, records: Records) -> Records:
        """With the training mean or mode in missing cells, and nothing that tells which."""
        known = records.known
        values = torch.where(known, records.values, self.fill_values)
        codes = torch.where(known, records.codes, self.fill_codes)
        return Records(values, codes, torch.ones_like(known))


def _fill(column: Column) -> tuple[float, int]:
    """u of the training mean, and the index of the most frequent value."""
    if isinstance(column, Number):
        return float(scaled(np.array([column.scale.mean]), column.scale)[0]), 0
    return 0.0, column.mode


def _sentences(table: FittedTable) -> list[str]:
    """What is read, and what is left out, for the report."""
    read = ", ".join(f"{one.origin.name} ({_said(one)})" for one in table.columns)
    found = [f"columns of the record, fitted on {table.rows} training rows: {read}"]
    if table.left_out:
        out = "; ".join(f"{name}: {why}" for name, why in table.left_out.items())
        found.append(f"fields that the record encoder does not read: {out}")
    return [*found, *table.notes]


def _said(column: Column) -> str:
    """One column in a few words."""
    missing = f", {100 * column.missing:.3g} % missing" if column.missing else ""
    if isinstance(column, Number):
        scale = column.scale
        return f"{scale.low:g} to {scale.high:g}, mean {scale.mean:.4g}{missing}"
    other = " and other" if column.other_seen else ""
    return f"{len(column.values)} values{other}{missing}"
