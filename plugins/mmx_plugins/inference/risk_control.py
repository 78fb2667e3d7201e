"""Conformal risk control: sets of labels that miss as few of those present as promised.

Source: Angelopoulos et al. 2024, Conformal Risk Control, arXiv:2208.02814; one group counts once.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from mmx import hookimpl
from mmx.errors import RunError
from mmx.evaluation import share_of_groups, share_of_rows
from mmx.interfaces import (
    Batch,
    Curve,
    InferenceHook,
    InferenceParams,
    Interval,
    Params,
    Prediction,
    Validation,
)


class RiskControlParams(InferenceParams):
    """Settings of conformal risk control of the share of present labels that a set misses."""

    source: ClassVar[str] = "Angelopoulos et al. 2024, arXiv:2208.02814"
    place: ClassVar[int] = 2
    tasks: ClassVar[frozenset[str]] = frozenset({"multi_label"})
    instead: ClassVar[Mapping[str, str]] = {
        "single_label": "use inference: conformal",
        "ordinal": "use inference: conformal",
    }

    type: Literal["risk_control"] = "risk_control"
    alpha: float = Field(
        default=0.1, gt=0, lt=1, description="share of present labels that sets may miss"
    )

    def build(self) -> "RiskControl":
        return RiskControl(self.alpha)


class RiskControl(InferenceHook):
    """{l : p_l >= 1 - lam}, the smallest lam with n / (n + 1) R(lam) + 1 / (n + 1) <= alpha.

    R is the mean over n groups of the mean over their rows of the share of known present labels
    that the set misses; a row without one misses nothing.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self.threshold: float | None = None  # of log p_l

    def fit(self, validation: Validation) -> None:
        known = (validation.target >= 0).any(dim=1)
        log_p, target = validation.logits[known][..., 1], validation.target[known]
        groups = [name for name, kept in zip(validation.group, known.tolist(), strict=True) if kept]
        count = len(set(groups))
        allowed = (self.alpha * (count + 1) - 1) / max(count, 1)  # of R
        without = float((target != 1).all(dim=1).double().mean()) if len(target) else 0.0
        if allowed < 0:
            self.threshold = -math.inf
            least = math.ceil(1 / self.alpha) - 1
            self.notes = (
                f"sets of labels: {count} validation groups are fewer than the {least} that a "
                f"promise of {self.alpha:.0%} needs, so every set holds all labels",
            )
            return
        self.threshold = threshold(log_p, target, groups, allowed)
        self.notes = (
            f"sets of labels hold those of at least {math.exp(self.threshold):.3f}, so that "
            f"{self.alpha:.0%} of the present labels of a new group are missed in the mean; "
            f"{without:.0%} of the validation rows have no present label and miss nothing",
        )

    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        if self.threshold is None:
            raise RunError("inference.risk_control predicts before it was fitted; call fit")
        prediction = next(batch)
        chosen = prediction.log_probs[..., 1] >= self.threshold
        extras = {"in_set": chosen, "set_size": chosen.sum(dim=1)}
        return replace(prediction, extras={**prediction.extras, **extras})

    def measure(
        self, prediction: Prediction, target: Tensor, group: Sequence[str]
    ) -> Mapping[str, float | Interval | str]:
        """The share of present labels that sets miss, by group and by row, and their size."""
        chosen = prediction.extras["in_set"].bool()
        missed = missed_share(chosen, target).numpy()
        per_group, some = share_of_groups(missed, group), (target == 1).any(dim=1)
        names = [name for name, kept in zip(group, some.tolist(), strict=True) if kept]
        broken = per_group.low > self.alpha
        said = "broken: the interval over groups lies above it"
        return {
            "promised share of present labels missed": self.alpha,
            "share missed per group": per_group,
            "share missed per row with a present label": share_of_rows(missed[some.numpy()], names),
            "rows without a present label": float((~some).double().mean()),
            "promise": said if broken else "not broken: the interval does not lie above it",
            "mean set size": float(prediction.extras["set_size"].double().mean()),
        }

    def curves(self, prediction: Prediction, target: Tensor) -> Sequence[Curve]:
        """How often a set has 0, 1, 2, ... labels."""
        sizes = prediction.extras["set_size"].long()
        shares = torch.bincount(sizes, minlength=target.shape[1] + 1) / len(sizes)
        words = ("Set sizes", "Labels in the set", "Share of samples")
        along = tuple(float(size) for size in range(len(shares)))
        return [Curve(*words, along, tuple(shares.tolist()), bars=True)]


def missed_share(chosen: Tensor, target: Tensor) -> Tensor:
    """Share [n] of the present labels that are not chosen; 0 for a row without one.

    Args:
        chosen: [n, L], bool.
        target: [n, L] in {0, 1, -1}.
    """
    present = target == 1
    missed = (present & ~chosen).sum(dim=1).double()
    return missed / present.sum(dim=1).clamp(min=1)


def threshold(log_p: Tensor, target: Tensor, groups: Sequence[str], allowed: float) -> float:
    """The largest threshold of log p [n, L] at which the mean miss over groups is ``allowed``.

    Args:
        log_p: [n, L].
        target: [n, L] in {0, 1, -1}.
        groups: n names.
        allowed: >= 0.

    Returns:
        At most 0, the logarithm of 1.
    """
    place, sizes = np.unique(
        np.asarray(groups, dtype=str), return_inverse=True, return_counts=True
    )[1:]
    present = target == 1
    of_row = torch.from_numpy(1 / (len(sizes) * sizes[place])) / present.sum(dim=1).clamp(min=1)
    weights = of_row[:, None].expand_as(present)[present]  # what missing a cell adds to the mean
    cells, order = log_p[present].sort()
    if not len(cells):
        return 0.0
    # at the k-th smallest cell as threshold all smaller ones are missed; equal ones are not
    levels, first = torch.unique_consecutive(cells, return_inverse=True)
    sums = torch.zeros(len(levels), dtype=torch.float64).index_add_(0, first, weights[order])
    missed = sums.cumsum(0) - sums
    if float(sums.sum()) <= allowed:
        return 0.0
    kept = int((missed <= allowed + 1e-12).sum())
    return float(levels[kept - 1])


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [RiskControlParams]
