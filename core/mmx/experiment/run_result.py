"""What the stages of a run came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmx.data import DataReport, Part, TokenLoss
from mmx.experiment.frozen_probe import FrozenProbe
from mmx.experiment.outcome import Outcome
from mmx.experiment.zero_shot import ZeroShot
from mmx.pipeline import Sources
from mmx.training import History


@dataclass(frozen=True, slots=True)
class LostTokens:
    """What of the texts never reaches the model.

    Attributes:
        counts: by part of the data, and by modality where several are written.
        warnings: where it is much.
    """

    counts: Mapping[str, TokenLoss]
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class RunResult:
    """A trained run that is not on disk yet.

    Attributes:
        surroundings: versions and digests, as environment.json holds them.
        lost: tokens of texts.
        data_report: of the rows, their parts and faults.
        sources: what the model read.
        parts: of the data, over these sources.
        history: of the training.
        outcome: predictions and scores.
        probe: logistic regression on the features of the frozen encoders.
        zero_shot: by modality, its images compared with the names of the classes.
        accesses: how many runs have read this test part.
        seconds: stage to duration.
    """

    surroundings: Mapping[str, Any]
    lost: LostTokens
    data_report: DataReport
    sources: Sources
    parts: Mapping[str, Part]
    history: History
    outcome: Outcome
    probe: FrozenProbe
    zero_shot: Mapping[str, ZeroShot]
    accesses: int
    seconds: Mapping[str, float]
