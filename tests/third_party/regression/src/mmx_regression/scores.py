"""Scores of one set of answers, and how a report shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from mmx.interfaces import (
    Grid,
    Interval,
    Line,
    MetricWords,
    Plot,
    Scores,
    ScoreSection,
    Summary,
)
from numpy.typing import NDArray

from mmx_regression.statistics import intervals

SHARES = (0.5, 0.75, 0.9, 0.95, 1.0)  # of the samples, in the table of errors
PARTS = 10  # of the samples, sorted by what is true, in the figure


def metric_words(unit: str) -> dict[str, MetricWords]:
    """Words on the three metrics; the first is the headline."""
    return {
        "mean_absolute_error": MetricWords(
            "Mean absolute error", "how far off an answer is, on average", True, False, ".2f", unit
        ),
        "r2": MetricWords("R2", "share of the spread that is explained", share=False),
        "spearman": MetricWords("Rank correlation", "Spearman's, of answer and truth", share=False),
    }


@dataclass(frozen=True)
class RegressionScores(Scores):
    """Answers [n] held against what is true [n].

    Attributes:
        answers: of n rows.
        target: what is true.
        names: n, of their groups.
        unit: of the target; empty: none is told.
    """

    answers: NDArray[np.float64]
    target: NDArray[np.float64]
    names: tuple[str, ...]
    unit: str

    @property
    def errors(self) -> NDArray[np.float64]:
        """[n], absolute."""
        return np.abs(self.answers - self.target)

    @property
    def samples(self) -> int:
        """Rows."""
        return len(self.target)

    @property
    def groups(self) -> int:
        """Distinct groups."""
        return len(set(self.names))

    @property
    def effective(self) -> float:
        """Each group counts as one independent row, which is careful."""
        return float(self.groups)

    @cached_property
    def _intervals(self) -> dict[str, Interval]:
        return intervals(self.answers, self.target, self.names)

    @property
    def metrics(self) -> Mapping[str, Interval]:
        """All three, with intervals that allow for several rows of a group."""
        return self._intervals

    @property
    def notes(self) -> Sequence[str]:
        """What a reader has to know first."""
        if self.groups >= 50:
            return ()
        return (f"Intervals of {self.groups} groups are wide and not to be trusted far.",)

    @property
    def described(self) -> Mapping[str, MetricWords]:
        """What the report calls them."""
        return metric_words(self.unit)

    @property
    def answer_unit(self) -> str:
        """Answers are numbers, not probabilities."""
        return self.unit

    def to_json(self) -> dict[str, Any]:
        """For metrics.json."""
        metrics = {
            name: {"value": one.value, "low": one.low, "high": one.high}
            for name, one in self.metrics.items()
        }
        return {"metrics": metrics, "samples": self.samples, "groups": self.groups}

    def summary(self, group: str) -> Summary:
        """The top of the report."""
        headline, r2 = (self.metrics[name] for name in ("mean_absolute_error", "r2"))
        unit = f" {self.unit}" if self.unit else ""
        middle = float(np.abs(self.target - np.median(self.target)).mean())
        ends = headline.ends(".2f")
        return Summary(
            metric="mean_absolute_error",
            title=f"mean absolute error{', ' + self.unit if self.unit else ''}",
            headline=headline,
            ends=f"95\u202f% interval {ends}{unit}; lower is better" if ends else "no interval",
            meaning=(
                f"On average the answer is {headline.value:.2f}{unit} off. Always answering the "
                f"median of these samples would be {middle:.2f}{unit} off. The answers explain "
                f"{100 * max(r2.value, 0):.0f}\u202f% of the squared spread (R2 {r2.value:.3f})."
            ),
            measured=f"Measured on {self.samples:,} samples; {group}s among them: {self.groups:,}.",
            intervals=(
                f"Intervals hold for 95 % and allow for several samples of one {group}. They hold "
                "for this trained model: another training seed would add to them."
            ),
            guess=middle,
            scale=(0.0, 1.2 * max(middle, headline.value)),
            form=".2f",
            compared=("mean_absolute_error", "r2", "spearman"),
        )

    def sections(self, group: str) -> Sequence[ScoreSection]:
        """How answers follow the truth, and how errors are spread."""
        lead = "Means of samples that are sorted by what is true and cut into tenths."
        head = f"Absolute error up to{', ' + self.unit if self.unit else ''}"
        rows = tuple((f"{one:.0%}", f"{np.quantile(self.errors, one):.3g}") for one in SHARES)
        return (
            ScoreSection("answers", "Answers", "Answers", lead, (self._plot(),)),
            ScoreSection(
                "errors", "Errors", "Errors", "How far off the answers are.",
                (Grid(("Share of the samples", head), rows),),
            ),
        )  # fmt: skip

    def _plot(self) -> Plot:
        parts = np.array_split(np.argsort(self.target, kind="stable"), min(PARTS, self.samples))
        true = tuple(float(self.target[rows].mean()) for rows in parts)
        given = tuple(float(self.answers[rows].mean()) for rows in parts)
        low, high = min(true), max(true)
        unit = f", {self.unit}" if self.unit else ""
        return Plot(
            "Answer and truth",
            f"True{unit}",
            f"Answered{unit}",
            (Line("answers", true, given), Line("right", (low, high), (low, high))),
            caption="A flat line answers the mean whatever it sees.",
            words=f"Mean answers of {len(parts)} parts of the samples against what is true",
        )
