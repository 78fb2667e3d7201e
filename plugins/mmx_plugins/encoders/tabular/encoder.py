"""The encoder of records: fitted columns, and a network over them."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from mmx.errors import ShapeError
from mmx.interfaces import Features, FeatureShape, Record, RecordEncoder, Records
from mmx_plugins.encoders.tabular.cell_dropout import CellDropout
from mmx_plugins.encoders.tabular.cells import as_stated
from mmx_plugins.encoders.tabular.columns import Column, FittedTable, Number
from mmx_plugins.encoders.tabular.fit import fit_table
from mmx_plugins.encoders.tabular.networks import build_network
from mmx_plugins.encoders.tabular.perceptron import OverVector
from mmx_plugins.encoders.tabular.scaling import scaled
from mmx_plugins.encoders.tabular.settings import TabularSettings
from mmx_plugins.encoders.tabular.tabulate import tabulate
from mmx_plugins.encoders.tabular.transformer import Transformer


class TabularEncoder(RecordEncoder):
    """Records [B, K] -> tokens [B, K, D] of the columns, or one token; pooled [B, D].

    Before ``learn_columns`` it has no layers, and ``linear`` no shape.
    """

    fill_values: Tensor
    fill_codes: Tensor
    network: Transformer | OverVector

    def __init__(self, params: TabularSettings) -> None:
        super().__init__()
        self.params = params
        self.table: FittedTable | None = None
        self.cell_dropout = CellDropout(params.dropped_cells)
        self.shape = FeatureShape(params.width or 1)  # linear is as wide as its columns, later
        self.weights = {"origin": "none: trained from the start"}

    def fit(self, records: Sequence[Record], excluded: Mapping[str, str]) -> str:
        return fit_table(records, self.params.rules, excluded).model_dump_json()

    def learn_columns(self, fitted: str) -> None:
        table = self.table = FittedTable.model_validate_json(fitted)
        columns = table.columns
        self.network = build_network(self.params, columns)
        self.shape = self.network.shape
        self.fields = tuple(sorted({name for one in columns for name in one.origin.fields}))
        self.entries = {"columns": table.names}
        values, codes = zip(*map(_fill, columns), strict=True)
        self.register_buffer("fill_values", torch.tensor(values), persistent=False)
        self.register_buffer("fill_codes", torch.tensor(codes), persistent=False)
        digest = hashlib.sha256(fitted.encode()).hexdigest()
        self.weights = {**self.weights, "columns": digest}  # so a part of every key of the cache
        self.notes = tuple(_sentences(table))

    def tabulate(self, records: Sequence[Record]) -> Records:
        if self.table is None:
            raise ShapeError("encoder.tabular reads no record before its columns are fitted")
        return tabulate(
            as_stated(records, self.params.missing_codes, self.params.dates), self.table
        )

    def forward(self, records: Records) -> Features:
        present = records.present
        known = self.cell_dropout(records.known)
        read = Records(records.values, records.codes, known)
        if self.params.missing == "impute":
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
