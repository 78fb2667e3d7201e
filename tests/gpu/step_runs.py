"""Whole runs on the card in each arithmetic, and what is asked of them afterwards."""

import json
import os
from collections.abc import Iterator
from unittest.mock import patch

import numpy as np
from check import Given, Row, held
from numpy.typing import NDArray
from PIL import Image
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


def asked(given: Given) -> Iterator[Row]:
    """A run of the card answers as it did there and on a CPU; made again, it says the same."""
    run = mmx.run(tiny_spec("name=asked", "train.precision=fp32", *TRAINED))
    before = probabilities(run)
    for words, where in (("evaluate", {}), ("evaluate on the CPU", {"ACCELERATE_USE_CPU": "true"})):
        with patch.dict(os.environ, where):
            again = mmx.evaluate_run(run.path, TINY / "spec.yaml", plugins=PLUGINS)
        after = again.predictions.sort_values("sample").filter(regex="^p_").to_numpy()
        share = float(np.abs(before - after).max())
        yield held(f"{words}, beside the run's own answers", f"apart by {share:.1e}", share < CLOSE)
    yield from predicted(run)
    twice = mmx.reproduce(run.path, plugins=PLUGINS)
    close = float(np.abs(before - probabilities(twice.run)).max())
    words = "bit for bit" if twice.identical else f"apart by {close:.1e}"
    yield held("reproduce", words, twice.identical or given.on_card)


def predicted(run: mmx.Run) -> Iterator[Row]:
    """A picture and a sentence, on the device and on the CPU, with what explains the answer."""
    picture = run.path.parent / "case.png"
    drawn = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(drawn).save(picture)
    case, found = mmx.Case(images=[picture], text="a spot on the back"), []
    for where in ({}, {"ACCELERATE_USE_CPU": "true"}):
        with patch.dict(os.environ, where):
            told = mmx.ask(run.path, case, explain=True, plugins=PLUGINS)
        found.append(told.table.filter(regex="^p_").to_numpy(float))
        yield held("explained", f"{len(told.explanations)} case", len(told.explanations) == 1)
    share = float(np.abs(found[0] - found[1]).max())
    yield held("predict, beside the CPU", f"apart by {share:.1e}", share < CLOSE)


def main(given: Given) -> Iterator[Row]:
    """Arithmetics first."""
    yield from arithmetics(given)
    yield from asked(given)
