"""Selective prediction: answer when sure, else leave the case to a person.

Source: Geifman and El-Yaniv 2017, Selective Classification for Deep Neural Networks,
arXiv:1705.08500; area under the risk-coverage curve: Geifman et al. 2019, arXiv:1805.08206. The
promise of a risk is a fixed-sequence test, Angelopoulos et al. 2021, Learn then Test,
arXiv:2110.01052, with exact binomial bounds at the effective number of rows.
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
from mmx.evaluation import bound_of_share, choose_thresholds, share_of_rows
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

Score = Literal["max_prob", "neg_entropy"]
FEWEST_GROUPS = 50  # for a promise; below, no threshold would exist in most cases anyway
STEPS = 20  # thresholds that are tested: 5, 10, ... 100 % of the rows


class SelectiveParams(InferenceParams):
    """Settings of selective prediction; the threshold is chosen on the validation part."""

    source: ClassVar[str] = "Geifman and El-Yaniv 2017, arXiv:1705.08500"
    place: ClassVar[int] = 2
    tasks: ClassVar[frozenset[str]] = frozenset({"single_label", "multi_label", "ordinal"})

    type: Literal["selective"] = "selective"
    score: Score = Field(
        default="max_prob",
        description="confidence kappa of an answer; of several labels max_prob is the distance of "
        "the probability to the threshold of the label",
    )
    target: Literal["coverage", "risk"] = Field(
        default="coverage", description="what `level` is: the share accepted, or the error allowed"
    )
    level: float = Field(default=0.8, gt=0, le=1, description="share of validation rows, 0 to 1")
    delta: float = Field(
        default=0.1,
        gt=0,
        lt=0.5,
        description="target risk: the chance, over validation parts, that the promise is broken",
    )

    @property
    def fewest_groups(self) -> int:
        return FEWEST_GROUPS if self.target == "risk" else 1

    def misfit(self, task: str) -> str:
        if self.score != "neg_entropy" or task != "multi_label":
            return ""
        return (
            "score: neg_entropy is least at 1/2, and labels are called present from thresholds of "
            "their own; use max_prob"
        )

    def build(self) -> "Selective":
        return Selective(self)


class Selective(InferenceHook):
    """Accept a row when kappa >= threshold; probabilities stay as they are.

    Of several labels each is a question of its own, with a threshold and a promise of its own. Its
    answer is whether p reaches the threshold t of the label that is chosen on validation, as in the
    columns ``predicted_LABEL``, and kappa = |p - t|.
    """

    def __init__(self, params: SelectiveParams) -> None:
        self.params = params
        self.thresholds: tuple[float, ...] | None = None  # of kappa; one, or one for each label
        self.called_from: tuple[float, ...] = ()  # of the probability of each of several labels

    def fit(self, validation: Validation) -> None:
        if validation.target.ndim > 1:
            probs = validation.logits[..., 1].double().exp()
            self.called_from = choose_thresholds(probs.numpy(), validation.target.numpy())
        kappa, wrong = self._answered(validation.logits.log_softmax(dim=-1), validation.target)
        questions = zip(kappa.T, wrong.T, columns(validation.target).T >= 0, strict=True)
        found = [self._fitted(*each, validation.group) for each in questions]
        self.thresholds = tuple(found)
        if self.params.target == "coverage":
            self.notes = (
                f"selective prediction accepts the most confident {self.params.level:.0%} of the "
                "part it was fitted on: a share on validation, no promise about errors",
            )
            return
        groups = len(set(validation.group))
        if len(found) == 1:
            known = (validation.target >= 0).nonzero()[:, 0]
            groups = len(set(of_rows(validation.group, known)))
        self.notes = (self._promise(groups),)

    def _answered(self, log_probs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Kappa, and whether the answer is wrong, [n, Q] of Q questions."""
        kappa, answers = self._read(log_probs)
        return columns(kappa), columns(answers != target)

    def _read(self, log_probs: Tensor) -> tuple[Tensor, Tensor]:
        """Kappa and answer: [n] each, or [n, L] of several labels."""
        if not self.called_from:
            return confidence(log_probs, self.params.score), log_probs.argmax(dim=-1)
        p = log_probs[..., 1].double().exp()
        gaps = p - torch.tensor(self.called_from, dtype=p.dtype, device=p.device)
        return gaps.abs(), (gaps >= 0).long()

    def _fitted(self, kappa: Tensor, wrong: Tensor, known: Tensor, group: Sequence[str]) -> float:
        """The threshold of one question, from its known rows."""
        rows = known.nonzero()[:, 0]
        if not len(rows):
            return math.inf
        if self.params.target == "coverage":
            return threshold_for_coverage(kappa[rows], self.params.level)
        groups = of_rows(group, rows)
        level, delta = self.params.level, self.params.delta
        return threshold_for_risk(kappa[rows], wrong[rows], groups, level, delta)

    def _promise(self, groups: int) -> str:
        level = self.params.level
        sure = 1 - self.params.delta
        found = list(self.thresholds or [])
        if len(found) > 1:
            kept = sum(one != math.inf for one in found)
            return (
                f"selective prediction promises an error of at most {level:.0%} among accepted "
                f"rows for {kept} of {len(found)} labels, each with {sure:.0%} confidence, from "
                f"{groups} groups of the part it was fitted on; of the others it accepts nothing"
            )
        if found[0] != math.inf:
            return (
                f"selective prediction promises an error of at most {level:.0%} among accepted "
                f"rows, with {sure:.0%} confidence, from {groups} groups of the part it was "
                "fitted on"
            )
        why = "no share of the part it was fitted on shows that with enough confidence"
        if groups < FEWEST_GROUPS:
            why = f"{groups} groups are fewer than the {FEWEST_GROUPS} that a promise needs"
        return (
            f"selective prediction accepts nothing: an error of at most {level:.0%} cannot be "
            f"promised with {sure:.0%} confidence, as {why}"
        )

    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        if self.thresholds is None:
            raise RunError("inference.selective predicts before it was fitted; call fit")
        prediction = next(batch)
        kappa, _ = self._read(prediction.log_probs)  # [B], or [B, L]
        limits = torch.tensor(self.thresholds, dtype=kappa.dtype, device=kappa.device)
        extras = {
            "confidence": kappa,
            "accepted": kappa >= (limits if kappa.ndim > 1 else limits[0]),
        }
        return replace(prediction, extras={**prediction.extras, **extras})

    def measure(
        self, prediction: Prediction, target: Tensor, group: Sequence[str]
    ) -> Mapping[str, float | Interval | str]:
        """Coverage and risk of what is accepted, AURC, coverage at 5 % risk as of these rows.

        Of several labels over the known ones together; the promise is judged label by label.
        """
        known = target >= 0
        names = of_rows(group, known.nonzero()[:, 0])
        wrong = (self._read(prediction.log_probs)[1] != target)[known]
        accepted = prediction.extras["accepted"].bool()[known]
        coverage, risk = risk_coverage(prediction.extras["confidence"][known], wrong)
        allowed = coverage[risk <= 0.05]
        kept = [name for name, stays in zip(names, accepted.tolist(), strict=True) if stays]
        found = share_of_rows(wrong[accepted].numpy(), kept)
        return {
            **self._kept(prediction, target, group),
            "coverage": share_of_rows(accepted.numpy(), names),
            "risk of accepted": found,
            "AURC": float(risk.mean()),
            "coverage at 5 % risk, chosen on these rows": float(allowed.max())
            if len(allowed)
            else 0.0,
        }

    def _kept(
        self, prediction: Prediction, target: Tensor, group: Sequence[str]
    ) -> Mapping[str, float | Interval | str]:
        """The promise, and whether the interval of the risk lies above it."""
        if self.params.target == "coverage":
            return {}
        _, wrong = self._answered(prediction.log_probs, target)
        stays = columns((target >= 0) & prediction.extras["accepted"].bool())
        risks = []
        for mistaken, kept in zip(wrong.T, stays.T, strict=True):
            rows = kept.nonzero()[:, 0]
            risks.append(share_of_rows(mistaken[rows].numpy(), of_rows(group, rows)))
        broken = sum(risk.low > self.params.level for risk in risks)
        whom = f" for {broken} of {len(risks)} labels" if len(risks) > 1 else ""
        said = f"broken{whom}: the interval of the risk lies above it" if broken else "not broken"
        nothing = not any(math.isfinite(risk.value) for risk in risks)
        said = "nothing was accepted" if nothing else said
        return {"promised risk": self.params.level, "promise": said}

    def curves(self, prediction: Prediction, target: Tensor) -> Sequence[Curve]:
        """Risk over coverage."""
        known = target >= 0
        wrong = (self._read(prediction.log_probs)[1] != target)[known]
        coverage, risk = risk_coverage(prediction.extras["confidence"][known], wrong)
        words = ("Risk and coverage", "Share answered", "Share of answers that is wrong")
        return [Curve(*words, _thinned(coverage), _thinned(risk))]


def columns(values: Tensor) -> Tensor:
    """[n, Q] of one question [n] or of several [n, Q]."""
    return values[:, None] if values.ndim == 1 else values


def of_rows(groups: Sequence[str], rows: Tensor) -> list[str]:
    """The groups of some rows [m]."""
    names: list[str] = np.asarray(groups, dtype=object)[rows.numpy()].tolist()
    return names


def _thinned(values: Tensor) -> tuple[float, ...]:
    """At most 200 of the values, evenly chosen, first and last among them."""
    chosen = torch.linspace(0, len(values) - 1, min(len(values), 200)).round().long()
    return tuple(values[chosen].tolist())


def confidence(log_probs: Tensor, score: Score) -> Tensor:
    """Kappa [...] of log-probabilities [..., C]: max p, or -entropy in nats."""
    if score == "max_prob":
        return log_probs.max(dim=-1).values.exp()
    return (log_probs.exp() * log_probs).sum(dim=-1)


def risk_coverage(kappa: Tensor, wrong: Tensor) -> tuple[Tensor, Tensor]:
    """Coverage [n] and risk [n] when the 1, 2, ... n most confident rows are accepted."""
    ordered = wrong[kappa.argsort(descending=True, stable=True)].double()
    count = torch.arange(1, len(ordered) + 1, dtype=torch.float64)
    return count / len(ordered), ordered.cumsum(0) / count


def threshold_for_coverage(kappa: Tensor, share: float) -> float:
    """The largest threshold that accepts at least this share."""
    ordered = kappa.sort(descending=True).values
    rows = max(1, -(-share * len(ordered) // 1))  # rounded up
    return float(ordered[int(rows) - 1])


def threshold_for_risk(
    kappa: Tensor, wrong: Tensor, groups: Sequence[str], risk: float, delta: float
) -> float:
    """The threshold that accepts most while the error is shown to be at most ``risk``.

    Thresholds that accept 5, 10, ... 100 % of the rows are tested in this order, from the first
    that holds enough rows for the test to succeed; the first failure ends it. So the chance that
    the threshold found has a larger error than promised is at most delta, whatever their number.

    Args:
        kappa: [n].
        wrong: [n], bool.
        groups: n names; rows of one group are no independent evidence.
        risk: promised, in (0, 1].
        delta: chance that the promise is broken.

    Returns:
        Infinite if nothing can be promised.
    """
    if risk >= 1:
        return -math.inf
    if len(set(groups)) < FEWEST_GROUPS:
        return math.inf
    names, enough = np.asarray(groups, dtype=str), 1.5 * math.log(delta) / math.log(1 - risk)
    found, started = math.inf, False
    for share in range(1, STEPS + 1):
        threshold = threshold_for_coverage(kappa, share / STEPS)
        accepted = (kappa >= threshold).numpy()
        bound, rows = bound_of_share(wrong.numpy()[accepted], names[accepted].tolist(), 1 - delta)
        started = started or rows >= enough
        if started and bound > risk:
            break
        found = threshold if started else found
    return found


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [SelectiveParams]
