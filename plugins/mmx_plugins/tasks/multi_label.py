"""Multi-label: each case has any of several labels, of which some may be unknown; a sigmoid each.

Unknown labels are in no score, and in the loss as ``unknown`` says. The headline is the mean AUROC
over the labels that enough groups have and enough lack; thresholds are chosen on validation.

Source: Irvin et al. 2019, CheXpert, arXiv:1901.07031 (unknown labels and what may be done with
them); the scores are those of mmx.evaluation.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from mmx import DataError, Params, hookimpl
from mmx.blocks import Sigmoid
from mmx.evaluation import (
    choose_thresholds,
    evaluate_labels,
    label_areas,
    label_gains,
    label_probe,
    quick_labels,
    scores_of_labels,
)
from mmx.interfaces import (
    Breakdown,
    ConstantAnswer,
    FeatureRows,
    Link,
    MethodAnswers,
    MetricWords,
    Sample,
    Score,
    Strata,
    Target,
    Task,
    TaskParams,
    Value,
    WrongAnswer,
)
from mmx_plugins.tasks._multi_label import COMPARED, MultiLabelScores

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNKNOWN = -1
RULE = "youden"  # of the threshold by which a label is called present
RULES = (RULE, "sensitivity_95")


class MultiLabelParams(TaskParams):
    """Each case has any of several labels; some may be unknown."""

    type: Literal["multi_label"] = "multi_label"
    source: ClassVar[str] = "Irvin et al. 2019, arXiv:1901.07031 (unknown labels)"
    default_loss: ClassVar[str] = "bce"
    selects: ClassVar[Mapping[str, bool]] = {
        "macro_auroc": True, "macro_average_precision": True, "brier": False, "nll": False,
    }  # fmt: skip
    unknown: Literal["ignore", "negative", "positive"] = Field(
        default="ignore",
        description="what a blank or -1 means for the loss; in the scores it is always left out",
    )

    @property
    def compares(self) -> Mapping[str, MetricWords]:
        return COMPARED

    def build(
        self, names: Sequence[str], state: Mapping[str, object] | None = None
    ) -> "MultiLabel":
        given = (state or {}).get("thresholds")
        rules = given if isinstance(given, Mapping) else {}
        thresholds = {str(rule): tuple(map(float, of)) for rule, of in rules.items()}
        return MultiLabel(names, self.unknown, thresholds)


class MultiLabel(Task):
    """One sigmoid for each of L labels; target [n, L] in {0, 1, -1}, -1 for unknown."""

    type = "multi_label"

    def __init__(
        self,
        names: Sequence[str],
        unknown: str = "ignore",
        thresholds: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        self.names = tuple(names)
        self.thresholds = {rule: tuple(of) for rule, of in (thresholds or {}).items()}
        self._unknown = unknown

    def target(self, sample: Sample) -> Target:
        cells = [sample.labels.get(name) for name in self.names]
        read = [_SPELT[cell] if cell in _SPELT else _read(cell) for cell in cells]
        value = tuple(UNKNOWN if one is None else one for one in read)
        if None in read:
            strange = [name for name, one in zip(self.names, read, strict=True) if one is None]
            cell = sample.labels[strange[0]]
            return Target(
                (UNKNOWN,) * len(value),
                f"column {strange[0]!r} of labels holds {cell!r}, which is none of 1, 0, -1 and "
                "blank",
            )
        fault = "" if any(one != UNKNOWN for one in value) else "has no known label"
        return Target(value, fault)

    def known(self, target: Tensor) -> Tensor:
        return (target >= 0).any(dim=1)

    def for_training(self, target: Tensor) -> Tensor:
        if self._unknown == "ignore":
            return target
        return target.masked_fill(target < 0, 1 if self._unknown == "positive" else 0)

    def strata(self, target: "NDArray[np.int64]") -> Sequence[Strata]:
        return tuple(
            Strata(name, ("absent", "present"), target[:, index])
            for index, name in enumerate(self.names)
        )

    def counts(self, target: Tensor) -> Tensor:
        seen = self.for_training(target)
        return torch.stack([(seen == value).sum(dim=0) for value in (0, 1, UNKNOWN)], dim=1)

    def check(self, target: "NDArray[np.int64]", part: str = "") -> None:
        if not self.names:
            raise DataError(
                "task: multi_label needs several columns of labels: data.dataset.labels: [a, b]"
            )
        told = [name for name, of in zip(self.names, target.T, strict=True) if _both(of)]
        if part and not told:
            raise DataError(
                f"no label of the {part} part is present in some rows and absent in others: "
                "there is nothing to learn to tell apart"
            )

    def words(self, target: "NDArray[np.int64]") -> "NDArray[np.object_]":
        found = np.empty(len(target), dtype=object)
        known: dict[bytes, str] = {}  # of many rows few have labels of their own
        for place, row in enumerate(np.ascontiguousarray(target)):
            key = row.tobytes()
            if key not in known:
                known[key] = self._words(row.tolist())
            found[place] = known[key]
        return found

    def _words(self, row: Sequence[int]) -> str:
        if all(one == UNKNOWN for one in row):
            return ""
        there = [name for name, one in zip(self.names, row, strict=True) if one == 1]
        unknown = [name for name, one in zip(self.names, row, strict=True) if one == UNKNOWN]
        told = " + ".join(there) or "none"
        return f"{told}; unknown: {', '.join(unknown)}" if unknown else told

    def link(self) -> Link:
        return Sigmoid(len(self.names))

    def part_loss(self, log_probs: Tensor, target: Tensor) -> Tensor:
        known = target >= 0
        chosen = target.clamp(min=0)[..., None]
        each = -log_probs.gather(-1, chosen)[..., 0].masked_fill(~known, 0)
        return each.sum(dim=1) / self.known_answers(target).clamp(min=1)

    def known_answers(self, target: Tensor) -> Tensor:
        return (target >= 0).sum(dim=1)

    def quick_scores(
        self, log_probs: "NDArray[np.float64]", target: "NDArray[np.int64]"
    ) -> dict[str, float]:
        return quick_labels(log_probs, target)

    def gains(
        self, name: str, kept: "NDArray[np.float64]", new: "NDArray[np.float64]",
        target: "NDArray[np.int64]", block: "NDArray[np.int64]",
    ) -> "NDArray[np.float64] | None":  # fmt: skip
        return label_gains(name, kept, new, target, block)

    def evaluate(
        self, log_probs: "NDArray[np.float64]", target: "NDArray[np.int64]", groups: Sequence[str]
    ) -> "MultiLabelScores":
        return MultiLabelScores(
            evaluate_labels(log_probs, target, groups, self.names, self.thresholds)
        )

    def fitted(self, log_probs: Tensor, target: Tensor, groups: Sequence[str]) -> "MultiLabel":
        probs = log_probs.double()[..., 1].exp().numpy()
        chosen = {rule: choose_thresholds(probs, target.numpy(), rule) for rule in RULES}
        return MultiLabel(self.names, self._unknown, chosen)

    def state(self) -> dict[str, Any]:
        return {"thresholds": {rule: list(of) for rule, of in self.thresholds.items()}}

    def compared(
        self, answers: Mapping[str, MethodAnswers], truths: "Mapping[str, NDArray[np.generic]]",
        groups: Sequence[str], metrics: Sequence[str],
    ) -> Mapping[str, Score]:  # fmt: skip
        probs = {name: one.values for name, one in answers.items()}
        return scores_of_labels(probs, self._target_of(truths), groups, metrics)

    def breakdown(
        self, answers: MethodAnswers, truths: "Mapping[str, NDArray[np.generic]]"
    ) -> Breakdown | None:
        areas = label_areas(answers.values, self._target_of(truths))
        named = zip(self.names, areas.tolist(), strict=True)
        return Breakdown("Labels", "AUROC", "label", {k: v for k, v in named if isfinite(v)})

    def _target_of(self, truths: "Mapping[str, NDArray[np.generic]]") -> "NDArray[np.int64]":
        """[n, L], the target that ``truths`` was made of."""
        cells = np.stack([truths[f"label_{name}"] for name in self.names], axis=1).astype(float)
        return np.where(np.isnan(cells), UNKNOWN, cells).astype(np.int64)

    def constants(self, target: Tensor) -> Sequence[ConstantAnswer]:
        present = torch.from_numpy(_prevalence(target.numpy()))
        both = torch.stack([1 - present, present], dim=1)
        return (ConstantAnswer("prevalence", "the prevalence of each label alone", both.log()),)

    def probe(
        self,
        train: FeatureRows,
        target: Tensor,
        test: FeatureRows,
        prior: Tensor | None,
        strength: float,
    ) -> Tensor | None:
        known = target.numpy()
        present = torch.from_numpy(label_probe(train, known, test, _prevalence(known), strength))
        return torch.stack([1 - present, present], dim=-1).log()

    def prompted(self, logits: Tensor, *, alone: bool) -> Tensor | None:
        return self.link().log_probs(logits) if alone else None

    def values(self, log_probs: Tensor) -> Tensor:
        return log_probs[..., 1].exp()

    def predicted(self, log_probs: Tensor) -> Tensor:
        return log_probs[..., 1].argmax(dim=1)

    def called(self, log_probs: Tensor) -> Tensor:
        """[n, L], bool: labels whose probability reaches their threshold; 0.5 where none is."""
        probs = log_probs.double()[..., 1].exp()
        limits = self.thresholds.get(RULE, (0.5,) * len(self.names))
        return probs >= torch.tensor(limits, dtype=torch.float64)

    def answers(self, log_probs: Tensor) -> "dict[str, NDArray[np.generic]]":
        called = self.called(log_probs).long().numpy()
        columns = {f"predicted_{name}": called[:, at] for at, name in enumerate(self.names)}
        return {"predicted": self.words(called), **columns}

    def truths(self, target: Tensor) -> "dict[str, NDArray[np.generic]]":
        plain = target.numpy()
        cells = np.where(plain < 0, np.nan, plain.astype(np.float64))
        columns = {f"label_{name}": cells[:, at] for at, name in enumerate(self.names)}
        words = self.words(plain)
        words[words == ""] = None
        return {"label": words, **columns}

    def wrong(self, log_probs: Tensor, target: Tensor, most: int) -> Sequence[WrongAnswer]:
        """Labels that are called or missed against the truth, the most confident first."""
        probs, called = log_probs[..., 1].exp(), self.called(log_probs)
        mistaken = (target >= 0) & (called != (target == 1))
        confidence = torch.where(called, probs, 1 - probs)
        indices = mistaken.nonzero()
        order = confidence[mistaken].argsort(descending=True)[:most]
        return [
            self._wrong(row, label, bool(called[row, label]), float(confidence[row, label]))
            for row, label in indices[order].tolist()
        ]

    def _wrong(self, row: int, label: int, called: bool, confidence: float) -> WrongAnswer:
        there, not_there = f"{self.names[label]}: present", f"{self.names[label]}: absent"
        true, predicted = (not_there, there) if called else (there, not_there)
        return WrongAnswer(row, label, true, predicted, confidence, 1 - confidence)


# of a million cells nearly all are written like this
_SPELT: Mapping[Value, int] = {None: UNKNOWN, "": UNKNOWN, "0": 0, "1": 1, "-1": UNKNOWN}


def _read(cell: Value) -> int | None:
    """1, 0 or -1 of a cell; None for anything else."""
    if cell is None or cell == "":
        return UNKNOWN
    try:
        number = float(cell)
    except ValueError:
        return None
    return int(number) if number in (0, 1, UNKNOWN) else None


def _prevalence(target: "NDArray[np.int64]") -> "NDArray[np.float64]":
    """[L], share of the known rows that have each label; 1/2 where none is known."""
    known = (target >= 0).sum(axis=0)
    shares = (target == 1).sum(axis=0) / np.maximum(known, 1)
    return np.where(known > 0, shares, 0.5)


def _both(column: "NDArray[np.generic]") -> bool:
    return bool((column == 0).any() and (column == 1).any())


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this task."""
    return [MultiLabelParams]
