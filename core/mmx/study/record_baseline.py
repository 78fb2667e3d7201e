"""Answers of one baseline of a study, which sees of each row its record alone."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmx.data import Manifest
from mmx.errors import DataError
from mmx.interfaces import BaselineParams, Record, TargetRows
from mmx.pipeline import hidden_fields, open_split, read_rows
from mmx.runs import write_beside, write_sealed
from mmx.spec import Spec
from mmx.study.baselines import answer_table, priors
from mmx.training import class_weights


def write_record_baseline(
    spec: Spec, params: BaselineParams, name: str, forms: Sequence[str], file: Path
) -> None:
    """Predict the test part from the records, and write what it says of itself beside.

    Args:
        spec: of the base, with its seed and fold.
        params: of the baseline.
        name: of the control.
        forms: class shares that it is trained for: see ``priors``.
        file: the Parquet file to write, with the columns of predictions.parquet.

    Raises:
        MmxError: nothing can be learned of these records.
    """
    manifest = read_rows(spec)
    split = open_split(spec, manifest)
    excluded, shares = hidden_fields(spec, manifest), priors(spec, manifest, split)
    asked = records_of(manifest, split.rows("test"))
    answers, notes = dict[str, Tensor](), dict[str, str]()
    for form in forms:
        train, validation = (
            _known(manifest, split.rows(part), part, shares[form])
            for part in ("train", "validation")
        )
        found = params.build().answers(manifest.task, train, validation, asked, excluded)
        answers[f"{name}{form}"] = found.log_probs
        notes[f"{name}{form}"] = found.note
    buffer = BytesIO()
    answer_table(answers, manifest, split).to_parquet(buffer, index=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_beside(file, buffer.getvalue())
    write_sealed(file.with_suffix(".json"), {"notes": notes})


def records_of(manifest: Manifest, rows: NDArray[np.int64]) -> list[Record]:
    """[n], the records of some rows, and nothing else of them."""
    return [manifest.samples[int(row)].record for row in rows]


def _known(
    manifest: Manifest, rows: NDArray[np.int64], part: str, prior: Tensor | None
) -> TargetRows:
    known = rows[manifest.known[rows]]
    if not len(known):
        raise DataError(f"the {part} part has no row whose label is known")
    target = torch.from_numpy(manifest.targets[known])
    return TargetRows(records_of(manifest, known), target, class_weights(target, prior))
