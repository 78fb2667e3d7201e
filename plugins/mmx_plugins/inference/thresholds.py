"""Thresholds of labels, chosen on validation: which labels are called present.

Source: Youden 1950, doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from mmx import hookimpl
from mmx.errors import RunError
from mmx.evaluation import choose_thresholds, share_of_rows
from mmx.interfaces import (
    Batch,
    InferenceHook,
    InferenceParams,
    Interval,
    Params,
    Prediction,
    Validation,
)


class ThresholdsParams(InferenceParams):
    """Settings of thresholds of several labels."""

    source: ClassVar[str] = (
        "Youden 1950, doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3"
    )
    place: ClassVar[int] = 2
    tasks: ClassVar[frozenset[str]] = frozenset({"multi_label"})

    type: Literal["thresholds"] = "thresholds"
    rule: Literal["youden", "sensitivity_95"] = Field(
        default="youden",
        description="youden: largest sensitivity + specificity; sensitivity_95: the largest "
        "threshold that finds 95 % of the validation rows with the label",
    )

    def build(self) -> "Thresholds":
        return Thresholds(self.rule)


class Thresholds(InferenceHook):
    """Label l is called present where p_l >= t_l; probabilities stay as they are."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self.chosen: Tensor | None = None

    def fit(self, validation: Validation) -> None:
        probs = validation.logits[..., 1].double().exp()
        found = choose_thresholds(probs.numpy(), validation.target.numpy(), self.rule)
        self.chosen = torch.tensor(found, dtype=torch.float64)
        told = ", ".join(f"{one:.3f}" for one in found)
        self.notes = (
            f"thresholds of the labels by {self.rule}: {told}, chosen on validation; they describe "
            "its rows and promise nothing of others",
        )

    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        if self.chosen is None:
            raise RunError("inference.thresholds predicts before it was fitted; call fit")
        prediction = next(batch)
        probs = prediction.log_probs[..., 1].double().exp()
        extras = {"present": probs >= self.chosen.to(probs.device)}
        return replace(prediction, extras={**prediction.extras, **extras})

    def measure(
        self, prediction: Prediction, target: Tensor, group: Sequence[str]
    ) -> Mapping[str, float | Interval | str]:
        """Sensitivity and specificity over all known labels together; by label: see the scores."""
        called = prediction.extras["present"].bool()
        found: dict[str, float | Interval | str] = {}
        for name, kind, right in (
            ("sensitivity of all labels", target == 1, called),
            ("specificity of all labels", target == 0, ~called),
        ):
            row, label = kind.nonzero(as_tuple=True)
            names: list[str] = np.asarray(group, dtype=object)[row.numpy()].tolist()
            found[name] = share_of_rows(right[row, label].numpy(), names)
        return found


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [ThresholdsParams]
