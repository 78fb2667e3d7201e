"""Answers of the simpler models beside a run or a study to the test part, as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmx.data import Manifest
from mmx.interfaces import Task

CONTROL = "control"  # column that says whose answers a row holds
CONTROLS = "controls.parquet"


@dataclass(frozen=True, slots=True)
class ControlAnswers:
    """What a simpler model answered to the test part.

    Attributes:
        task: with what it decided on validation for these answers.
        log_probs: [n, ...], as ``Link.log_probs`` gives them.
    """

    task: Task
    log_probs: Tensor


def control_rows(
    name: str, found: ControlAnswers, manifest: Manifest, rows: NDArray[np.int64]
) -> pd.DataFrame:
    """One row for each of these rows, with the columns of predictions.

    Args:
        name: of the control.
        found: its answers to the rows.
        manifest: of all rows.
        rows: of the test part.
    """
    task, log_probs = found.task, found.log_probs
    values = task.values(log_probs).double().numpy().T
    return pd.DataFrame({
        CONTROL: name,
        "sample": manifest.ids[rows].astype(str),
        "group": manifest.groups[rows].astype(str),
        **task.truths(torch.from_numpy(manifest.targets[rows])),
        **task.answers(log_probs),
        **dict(zip([f"p_{one}" for one in task.names], values, strict=True)),
    })  # fmt: skip


def joined_rows(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of several controls; of none an empty table that has the column."""
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({CONTROL: []})
