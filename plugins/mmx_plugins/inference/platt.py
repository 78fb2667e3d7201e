"""Platt scaling: a slope and an offset for each label, fitted on validation.

Source: Platt 1999, Probabilistic Outputs for Support Vector Machines, in Advances in Large Margin
Classifiers; its smoothed targets keep the fit finite where the rows are separated.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from mmx import hookimpl
from mmx.errors import RunError
from mmx.interfaces import Batch, InferenceHook, InferenceParams, Params, Prediction, Validation

STEPS = 100  # of Newton's method; it ends far earlier
RIDGE = 1e-8  # so that the matrix of a label without spread can be inverted


class PlattParams(InferenceParams):
    """Settings of Platt scaling of several labels."""

    source: ClassVar[str] = "Platt 1999, Advances in Large Margin Classifiers"
    tasks: ClassVar[frozenset[str]] = frozenset({"multi_label"})

    type: Literal["platt"] = "platt"
    fewest: int = Field(
        default=20,
        ge=2,
        description="known rows of either kind that a label needs; others share one fit",
    )

    def build(self) -> "Platt":
        return Platt(self.fewest)


class Platt(InferenceHook):
    """sigmoid(a_l z_l + b_l); a label with few rows, or ranked the wrong way, shares one fit."""

    def __init__(self, fewest: int) -> None:
        self.fewest = fewest
        self.lines: Tensor | None = None  # [L, 2], slope and offset

    def fit(self, validation: Validation) -> None:
        logits, target = log_odds(validation.logits).double(), validation.target
        known = target >= 0
        common = fitted_line(logits[known], target[known])
        common = common if common[0] > 0 else common.new_tensor([1.0, 0.0])
        lines, sharing = [], []
        for label in range(target.shape[1]):
            rows = known[:, label]
            present = int(target[rows, label].sum())
            line = fitted_line(logits[rows, label], target[rows, label])
            enough = min(present, int(rows.sum()) - present) >= self.fewest
            if not enough or line[0] <= 0:  # a slope below 0 would turn the ranking round
                line = common
                sharing.append(str(label + 1))
            lines.append(line)
        self.lines = torch.stack(lines)
        told = f"; labels {', '.join(sharing)} (in their order) share one fit" if sharing else ""
        slopes = ", ".join(f"{slope:.2f}" for slope in self.lines[:, 0].tolist())
        self.notes = (f"Platt scaling: slopes {slopes}, fitted on validation{told}",)

    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        if self.lines is None:
            raise RunError("inference.platt predicts before it was fitted; call fit")
        prediction = next(batch)
        slope, offset = self.lines.to(prediction.log_probs).unbind(dim=1)
        logits = slope * log_odds(prediction.log_probs) + offset
        log_probs = torch.stack([F.logsigmoid(-logits), F.logsigmoid(logits)], dim=-1)
        return replace(prediction, log_probs=log_probs)


def log_odds(log_probs: Tensor) -> Tensor:
    """z [..., L] of log-probabilities [..., L, 2]."""
    return log_probs[..., 1] - log_probs[..., 0]


def fitted_line(logits: Tensor, target: Tensor) -> Tensor:
    """Slope and offset [2] of the smallest cross-entropy of smoothed targets, by Newton's method.

    Args:
        logits: [n], float64.
        target: [n] in {0, 1}; n = 0 gives 1 and 0.
    """
    start = torch.tensor([1.0, 0.0], dtype=torch.float64)
    if not len(target):
        return start
    positives = float(target.sum())
    high, low = (positives + 1) / (positives + 2), 1 / (len(target) - positives + 2)
    wanted = torch.where(target > 0, high, low).double()
    design = torch.stack([logits, torch.ones_like(logits)], dim=1)
    line, loss = start, _entropy(design @ start, wanted)
    for _ in range(STEPS):
        p = (design @ line).sigmoid()
        slope = design.T @ (p - wanted)
        curve = (design.T * (p * (1 - p))) @ design + RIDGE * torch.eye(2, dtype=torch.float64)
        step, size = torch.linalg.solve(curve, slope), 1.0
        while size > 1e-6 and not _entropy(design @ (line - size * step), wanted) <= loss:
            size /= 2
        moved = line - size * step
        line, before, loss = moved, loss, _entropy(design @ moved, wanted)
        if float(before - loss) < 1e-12:
            break
    return line


def _entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, wanted)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [PlattParams]
