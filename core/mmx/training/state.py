"""Where a training stands, as plain data that a checkpoint can hold."""

from dataclasses import asdict, dataclass, field
from typing import Any

from torch import Tensor

from mmx.training.history import EpochRecord, record
from mmx.training.meter import Meter


@dataclass
class State:
    """Everything about a training besides weights and the optimiser's memory.

    Attributes:
        step: optimiser steps that are done.
        records: of the epochs that are done.
        meter: sums over the epoch that is under way.
        seconds: of the epoch that is under way, over all sessions.
        training_seconds: the same without validation.
        best_score: validation score of the best epoch; None before there is one.
        best_epoch: 1-based; 0 before there is one.
        best: weights of that epoch, on the CPU.
        waited: epochs since then.
        done: whether training came to its end.
        scale: of the gradients under fp16; None otherwise.
        start: validation scores of epoch 0, where a head was fitted first; empty otherwise.
    """

    step: int = 0
    records: list[EpochRecord] = field(default_factory=list)
    meter: Meter = field(default_factory=Meter)
    seconds: float = 0.0
    best_score: float | None = None
    best_epoch: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    waited: int = 0
    done: bool = False
    scale: dict[str, Any] | None = None
    start: dict[str, float] = field(default_factory=dict)

    def facts(self) -> dict[str, object]:
        """Plain data; weights are stored beside it."""
        return {
            "step": self.step,
            "records": [asdict(epoch) for epoch in self.records],
            "sums": self.meter.sums(),
            "samples": self.meter.samples,
            "seconds": self.seconds,
            "best_score": self.best_score,
            "waited": self.waited,
            "done": self.done,
            "scale": self.scale,
            "start": self.start,
        }

    @classmethod
    def of(cls, facts: dict[str, Any], best: dict[str, Tensor], best_epoch: int) -> "State":
        """Take back what ``facts`` gave."""
        return cls(
            step=facts["step"],
            records=[record(epoch) for epoch in facts["records"]],
            meter=Meter(facts["sums"], facts["samples"]),
            seconds=facts["seconds"],
            best_score=facts["best_score"],
            best_epoch=best_epoch,
            best=best,
            waited=facts["waited"],
            done=facts["done"],
            scale=facts["scale"],
            start=facts.get("start", {}),
        )
