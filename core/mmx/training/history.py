"""What training leaves behind besides weights."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mmx.training.precision import Precision


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One epoch.

    Attributes:
        epoch: 1-based.
        loss: mean over the training samples of all that was minimised.
        terms: its named parts.
        scores: of the validation part; empty without one.
        rates: learning rate at the last step, by kind of layer.
        seconds: of training and validation, over all sessions.
        samples_per_second: in training, without validation.
    """

    epoch: int
    loss: float
    terms: Mapping[str, float]
    scores: Mapping[str, float]
    rates: Mapping[str, float]
    seconds: float
    samples_per_second: float

    def values(self) -> dict[str, float]:
        """All figures by name, for logs and hooks."""
        scores = {f"validation {name}": value for name, value in self.scores.items()}
        rates = {f"lr {name}": value for name, value in self.rates.items()}
        figures = {"seconds": self.seconds, "samples_per_second": self.samples_per_second}
        return {"loss": self.loss, **self.terms, **scores, **rates, **figures}


@dataclass(frozen=True, slots=True)
class History:
    """The course of a training.

    Attributes:
        epochs: in order.
        best_epoch: 1-based; the epoch whose weights the model has now. 0: as its heads were fitted
            before the first.
        stopped_early: whether early stopping ended it.
        precision: arithmetic that was used.
        threads: of torch.
        processes: that trained together.
        steps: of the optimiser, over all epochs.
        start: validation scores of epoch 0, where a head was fitted first; empty otherwise.
    """

    epochs: tuple[EpochRecord, ...] = field(default_factory=tuple)
    best_epoch: int = 0
    stopped_early: bool = False
    precision: Precision = "fp32"
    threads: int = 1
    processes: int = 1
    steps: int = 0
    start: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "History":
        """Take back what ``to_json`` gave; a figure that was not finite is NaN."""
        return cls(**{**data, "epochs": tuple(record(epoch) for epoch in data["epochs"])})


def record(data: Mapping[str, object]) -> EpochRecord:
    """An epoch from plain data, where null stands for what was not finite."""
    return EpochRecord(**{name: _number(value) for name, value in data.items()})


def _number(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _number(item) for name, item in value.items()}
    return float("nan") if value is None else value
