"""Predictions of a run as a table, one row per sample."""

from collections.abc import Mapping
from io import BytesIO

import pandas as pd

from mmx.data import Part
from mmx.inference import PartPrediction, prediction_columns
from mmx.interfaces import Task
from mmx.pipeline import PreparedData


def prediction_table(
    prepared: PreparedData,
    task: Task,
    parts: Mapping[str, Part],
    predictions: Mapping[str, PartPrediction],
) -> pd.DataFrame:
    """One row per sample: sample, group, part, label, predicted, p_NAME, and columns of hooks."""
    tables = [
        _rows(prepared, task, name, parts[name], found) for name, found in predictions.items()
    ]
    return pd.concat(tables, ignore_index=True)


def _rows(
    prepared: PreparedData, task: Task, name: str, part: Part, found: PartPrediction
) -> pd.DataFrame:
    columns: dict[str, object] = {
        "sample": prepared.manifest.ids[part.rows],
        "group": list(part.groups),
        "part": name,
    }
    return pd.DataFrame(columns | prediction_columns(task, found, found.target))


def parquet(table: pd.DataFrame) -> bytes:
    """The table as a Parquet file."""
    buffer = BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()
