"""torch.compile: the same answers within rounding, and after how many epochs it pays."""

import json
import statistics
from collections.abc import Iterator

import numpy as np
from check import Given, Row, held
from step_runs import probabilities
from tiny_runs import TRAINED, tiny_spec

import mmx

CLOSE = 5e-3
EPOCHS = 20


def main(given: Given) -> Iterator[Row]:
    """The same run with and without; without a card twice without, for mmx refuses it there."""
    runs = []
    for compiled in (False, True):
        changes = (f"name=compile-{compiled}", f"train.epochs={3 if given.tiny else EPOCHS}")
        learns = f"train.compile={str(compiled and given.on_card).lower()}"
        runs.append(mmx.run(tiny_spec(*TRAINED, *changes, learns, "train.precision=fp32")))
    without, made = runs
    far = float(np.abs(probabilities(made) - probabilities(without)).max())
    yield held("compile, beside the run without", f"apart by {far:.1e}", far < CLOSE)
    yield Row("compile, time", pays(seconds(without), seconds(made)))


def seconds(run: mmx.Run) -> list[float]:
    """Of each epoch."""
    lines = (run.path / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    return [float(one["seconds"]) for one in events if one["event"] == "epoch"]


def pays(without: list[float], made: list[float]) -> str:
    """After how many epochs the time of compiling is won back."""
    plain, fast = (statistics.median(one[1:]) for one in (without, made))
    words = f"an epoch takes {fast:.3f} s, {plain:.3f} s without, and compiling {made[0]:.1f} s"
    if fast >= plain:
        return f"{words}: it never pays"
    return f"{words}: it pays after {(made[0] - plain) / (plain - fast):.0f} epochs"
