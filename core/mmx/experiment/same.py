"""Whether two results are the same, and by how much they differ."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mmx.spec import differences

_SHOWN = 3  # figures named in a sentence


@dataclass(frozen=True, slots=True)
class ResultComparison:
    """One kind of result beside the same of another run.

    Attributes:
        name: what is compared, such as ``weights``.
        same: bit for bit.
        words: what differs and by how much; empty where nothing does.
    """

    name: str
    same: bool
    words: str = ""


def same_tensors(left: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> ResultComparison:
    """Compare weights by name; NaN equals NaN in the same bits."""
    if {name: value.shape for name, value in left.items()} != {
        name: value.shape for name, value in right.items()
    }:
        return ResultComparison("weights", False, "they are of another model")
    differ = [name for name in left if not _same_bits(left[name], right[name])]
    if not differ:
        return ResultComparison("weights", True)
    most = max(float((left[n].double() - right[n].double()).abs().max()) for n in differ)
    words = f"{len(differ)} of {len(left)} tensors differ, by at most {most:.3g}"
    return ResultComparison("weights", False, words)


def _same_bits(left: Tensor, right: Tensor) -> bool:
    if left.dtype != right.dtype:
        return False
    return torch.equal(*(one.contiguous().reshape(-1).view(torch.uint8) for one in (left, right)))


def same_rows(left: pd.DataFrame, right: pd.DataFrame) -> ResultComparison:
    """Compare predictions sample by sample."""
    if left.equals(right):
        return ResultComparison("predictions", True)
    if list(left.columns) != list(right.columns) or len(left) != len(right):
        return ResultComparison(
            "predictions", False, "they have other columns or another number of rows"
        )
    if (left["sample"].to_numpy() != right["sample"].to_numpy()).any():
        return ResultComparison("predictions", False, "they are of other samples")
    changed = int((left["predicted"].to_numpy() != right["predicted"].to_numpy()).sum())
    numbers = [name for name in left.select_dtypes("number") if str(name).startswith("p_")]
    gaps = np.abs(left[numbers].to_numpy(float) - right[numbers].to_numpy(float))
    most = float(np.nan_to_num(gaps, nan=1.0).max(initial=0.0))
    words = f"{changed} of {len(left)} samples get another class; probabilities differ by at most "
    return ResultComparison("predictions", False, f"{words}{most:.3g}")


def same_figures(left: Mapping[str, object], right: Mapping[str, object]) -> ResultComparison:
    """Compare nested figures."""
    found = differences(left, right)
    if not found:
        return ResultComparison("metrics", True)
    first = [one for one in found if one.key.startswith("test.metrics")] or found
    shown = "; ".join(f"{one.key} {one.left} -> {one.right}" for one in first[:_SHOWN])
    return ResultComparison("metrics", False, f"{len(found)} figures differ, such as {shown}")
