"""Conformal prediction: sets of classes that hold the truth as often as promised.

Source: Sadinle et al. 2019, arXiv:1609.00451 (lac); Romano et al. 2020, arXiv:2006.02544 (aps);
Angelopoulos et al. 2021, arXiv:2009.14193 (raps). Sets of levels without a gap: Chakraborty et al.
2024, arXiv:2404.16610, there by other scores; the order from the median is that of mmx.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from mmx import hookimpl
from mmx.errors import RunError
from mmx.evaluation import share_of_groups, share_of_rows, shares_of_classes
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

ROUNDING = 1e-9  # of a probability above 1/2, as where levels are decided
FOLDS = 8  # enough to spread own numbers evenly, too few to carry rounding into them


class ConformalParams(InferenceParams):
    """Settings of split conformal prediction, calibrated on one row per group."""

    source: ClassVar[str] = "Romano et al. 2020, arXiv:2006.02544"
    place: ClassVar[int] = 2
    tasks: ClassVar[frozenset[str]] = frozenset({"single_label", "ordinal"})
    instead: ClassVar[Mapping[str, str]] = {"multi_label": "use inference: risk_control"}

    type: Literal["conformal"] = "conformal"
    score: Literal["lac", "aps", "raps", "contiguous"] = Field(
        default="aps",
        description="lac: 1 - p_y; aps: randomised mass of the classes down to y; raps: aps with a "
        "price for ranks beyond `free_rank`; contiguous: aps of ordered levels, grown from the "
        "median to its neighbours, so that a set has no gap",
    )
    alpha: float = Field(default=0.1, gt=0, lt=1, description="share of sets that may miss")
    per_class: bool = Field(default=False, description="promise it for each class on its own")
    penalty: float = Field(default=0.01, ge=0, description="raps: price of each further rank")
    free_rank: int = Field(default=2, ge=0, description="raps: ranks without a price")
    seed: int = Field(
        default=0, ge=0, description="which row stands for a group, and the random shares"
    )

    def misfit(self, task: str) -> str:
        if self.score != "contiguous" or task == "ordinal":
            return ""
        return f"score: contiguous needs ordered levels, and this spec has task: {task}; use aps"

    def build(self) -> "Conformal":
        return Conformal(self)


class Conformal(InferenceHook):
    """{y : s(x, y) <= q}, q the ceil((n + 1)(1 - alpha)) / n quantile over n calibration groups."""

    def __init__(self, params: ConformalParams) -> None:
        self.params = params
        self.thresholds: Tensor | None = None

    def fit(self, validation: Validation) -> None:
        rows = one_per_group(validation.group, validation.target, self.params.seed)
        log_probs, target = validation.logits[rows].log_softmax(dim=1), validation.target[rows]
        own = self.scores(log_probs).gather(1, target[:, None])[:, 0]
        classes = log_probs.shape[1]
        if self.params.per_class:
            of_class = [own[target == c] for c in range(classes)]
        else:
            of_class = [own] * classes
        self.thresholds = torch.stack([quantile(s, self.params.alpha) for s in of_class])
        short = [c for c in range(classes) if torch.isinf(self.thresholds[c])]
        if short:
            least = math.ceil(1 / self.params.alpha) - 1
            whom = (
                f"{len(short)} of {classes} classes have" if self.params.per_class else "there are"
            )
            self.notes = (
                f"conformal sets: {whom} fewer than {least} validation groups, too few to promise "
                f"{1 - self.params.alpha:.0%}; these classes are in every set",
            )

    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        if self.thresholds is None:
            raise RunError("inference.conformal predicts before it was fitted; call fit")
        prediction = next(batch)
        scores = self.scores(prediction.log_probs)
        chosen = scores <= self.thresholds.to(prediction.log_probs)
        if self.params.score == "contiguous":  # thresholds of classes of their own may leave gaps
            chosen = without_gaps(chosen)
        extras = {"in_set": chosen, "set_size": chosen.sum(dim=1)}
        return replace(prediction, extras={**prediction.extras, **extras})

    def scores(self, log_probs: Tensor) -> Tensor:
        """s(x, y) [B, C] of every class."""
        probs = log_probs.exp()
        if self.params.score == "lac":
            return 1 - probs
        by_rank = self.params.score != "contiguous"
        order = probs.argsort(dim=1, descending=True, stable=True) if by_rank else grown(probs)
        ranked = probs.gather(1, order)
        own = own_number(log_probs, self.params.seed).to(ranked)[:, None]
        mass = ranked.cumsum(dim=1) - own * ranked
        if self.params.score == "raps":
            rank = torch.arange(1, probs.shape[1] + 1)
            mass = mass + self.params.penalty * (rank - self.params.free_rank).clamp(min=0)
        return torch.empty_like(mass).scatter_(1, order, mass)

    def measure(
        self, prediction: Prediction, target: Tensor, group: Sequence[str]
    ) -> Mapping[str, float | Interval | str]:
        """Coverage in the unit of the promise and by row, least of a class, and the mean set size.

        The sets are calibrated on one row of each group, so the promise is about a row drawn from
        a new group: coverage is the mean over groups of the share of their rows that is covered.
        """
        hit = prediction.extras["in_set"].bool().gather(1, target[:, None])[:, 0].double().numpy()
        per_group, by_class = share_of_groups(hit, group), shares_of_classes(hit, target, group)
        return {
            "promised coverage": 1 - self.params.alpha,
            "coverage per group": per_group,
            "coverage per row": share_of_rows(hit, group),
            "least coverage of a class per group": min(by_class.values(), key=_value),
            "promise": self._verdict(hit, per_group, target, group),
            "mean set size": float(prediction.extras["set_size"].double().mean()),
        }

    def _verdict(
        self, hit: NDArray[np.float64], per_group: Interval, target: Tensor, group: Sequence[str]
    ) -> str:
        """Whether the interval of what was promised lies below the promise."""
        promised, found = 1 - self.params.alpha, [per_group]
        if self.params.per_class:  # one promise for each class: the intervals hold together
            level = 1 - 0.05 / len(set(target.tolist()))
            found = list(shares_of_classes(hit, target, group, level).values())
        broken = sum(one.high < promised for one in found)
        whom = f" for {broken} of {len(found)} classes" if self.params.per_class else ""
        if broken:
            return f"broken{whom}: the interval over groups lies below it"
        return "not broken: the interval over groups does not lie below it"

    def curves(self, prediction: Prediction, target: Tensor) -> Sequence[Curve]:
        """How often a set has 0, 1, 2, ... classes."""
        sizes = prediction.extras["set_size"].long()
        shares = torch.bincount(sizes, minlength=prediction.log_probs.shape[1] + 1) / len(sizes)
        words = ("Set sizes", "Classes in the set", "Share of samples")
        along = tuple(float(size) for size in range(len(shares)))
        return [Curve(*words, along, tuple(shares.tolist()), bars=True)]


def _value(interval: Interval) -> float:
    return interval.value


def one_per_group(groups: Sequence[str], target: Tensor, seed: int) -> Tensor:
    """Places of one row of each group, drawn by seed; rows without a label are left out."""
    indices = np.flatnonzero((target >= 0).numpy())
    shuffled = np.random.default_rng(seed).permutation(indices)
    _, first = np.unique(np.array(groups, dtype=object)[shuffled].astype(str), return_index=True)
    return torch.from_numpy(np.sort(shuffled[first]))


def grown(probs: Tensor) -> Tensor:
    """Levels [B, C] in the order in which an interval takes them in, from the median outwards.

    Of the two neighbours the more probable one comes first, the lower one where both are alike.

    Args:
        probs: [B, C], of ordered levels.
    """
    reached = probs.double().flip(1).cumsum(dim=1).flip(1)  # P(y >= k)
    low = (reached[:, 1:] > 0.5 + ROUNDING).sum(dim=1, keepdim=True)  # the median, [B, 1]
    high, order = low.clone(), [low]
    walled = F.pad(probs, (1, 1), value=-1.0)  # level k stands at k + 1; no level beyond the ends
    for _ in range(probs.shape[1] - 1):
        down = walled.gather(1, low) >= walled.gather(1, high + 2)
        low, high = torch.where(down, low - 1, low), torch.where(down, high, high + 1)
        order.append(torch.where(down, low, high))
    return torch.cat(order, dim=1)


def without_gaps(chosen: Tensor) -> Tensor:
    """The levels [B, C] between the lowest and the highest that is chosen."""
    from_below = chosen.cummax(dim=1).values
    return from_below & chosen.flip(1).cummax(dim=1).values.flip(1)


def quantile(scores: Tensor, alpha: float) -> Tensor:
    """The ceil((n + 1)(1 - alpha))-th smallest of n scores; infinite when n is too small."""
    rank = math.ceil((len(scores) + 1) * (1 - alpha))
    if rank > len(scores):
        return torch.tensor(math.inf, dtype=scores.dtype)
    return scores.sort().values[rank - 1]


def own_number(log_probs: Tensor, seed: int) -> Tensor:
    """A number [B] in [0, 1) from what is predicted itself, spread evenly over cases.

    Neither from a generator nor from a name: a case has the same set in any batch, at any time and
    whatever the number of its row is. Sets keep their promise with any fixed score of a case.
    """
    drawn = torch.rand(log_probs.shape[1], generator=torch.Generator().manual_seed(seed))
    weights = FOLDS * (0.5 + drawn.double()).to(log_probs.device)
    mixed = (log_probs.double().clamp(min=-50) * weights).sum(dim=1)
    return mixed - mixed.floor()


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [ConformalParams]
