"""Whole runs on the card in each arithmetic, and what is asked of them afterwards."""

import json

import numpy as np
from check import Given, Row, held
from numpy.typing import NDArray
from tiny_runs import PLUGINS, TINY, TRAINED, tiny_spec

import mmx

CLOSE = 1e-3  # of probabilities, where a run answers on another device or in another arithmetic


def trained_on(run: mmx.Run) -> str:
    """Type of the device that the run trained on, as it wrote it down."""
    return str(json.loads((run.path / "training.json").read_text())["device"])


def probabilities(run: mmx.Run) -> NDArray[np.float64]:
    """[n, C] of the test part, in the order of the samples' names."""
    table = run.predictions
    table = table[table["part"] == "test"].sort_values("sample")
    found: NDArray[np.float64] = table.filter(regex="^p_").to_numpy()
    return found


def arithmetics(given: Given) -> list[Row]:
    """fp32, bf16, fp16 and auto train without a number that is not finite."""
    names = ("fp32", "bf16", "fp16", "auto") if given.on_card else ("fp32", "bf16")
    rows = []
    for name in names:
        run = mmx.run(tiny_spec(f"name=in-{name}", f"train.precision={name}", *TRAINED))
        good = trained_on(run) == given.device and bool(np.isfinite(probabilities(run)).all())
        rows.append(held(f"run in {name}", f"on {trained_on(run)}", good))
    return rows


def asked(given: Given) -> list[Row]:
    """A run of the card answers as it did there; made again, it gives the same numbers."""
    run = mmx.run(tiny_spec("name=asked", "train.precision=fp32", *TRAINED))
    before = probabilities(run)
    again = mmx.evaluate_run(run.path, TINY / "spec.yaml", plugins=PLUGINS)
    after = again.predictions.sort_values("sample").filter(regex="^p_").to_numpy()
    share = float(np.abs(before - after).max())
    twice = mmx.reproduce(run.path, plugins=PLUGINS)
    close = float(np.abs(before - probabilities(twice.run)).max())
    words = "bit for bit" if twice.identical else f"apart by {close:.1e}"
    return [
        held("evaluate, beside the run's own answers", f"apart by {share:.1e}", share < CLOSE),
        held("reproduce", words, twice.identical or given.on_card),
    ]


def main(given: Given) -> list[Row]:
    """Arithmetics first."""
    return [*arithmetics(given), *asked(given)]
