"""torch.compile: the same answers within rounding, and whether it pays."""

import numpy as np
from check import Given, Row, held
from step_runs import probabilities
from tiny_runs import TRAINED, tiny_spec

import mmx

CLOSE = 5e-3


def main(given: Given) -> list[Row]:
    """The same run with and without."""
    if not given.on_card:
        return [Row("compile", "it pays on a card only, and mmx refuses it elsewhere")]
    found = {}
    for compiled in (False, True):
        changes = (f"name=compile-{compiled}", f"train.compile={str(compiled).lower()}")
        run = mmx.run(tiny_spec(*changes, *TRAINED, "train.precision=fp32", "train.epochs=20"))
        found[compiled] = probabilities(run), float(run.metrics["seconds"]["train"])
    far = float(np.abs(found[True][0] - found[False][0]).max())
    ratio = found[False][1] / found[True][1]
    return [
        held("compile, beside the run without", f"apart by {far:.1e}", far < CLOSE),
        Row("compile, time", f"{ratio:.2f} times as fast, compiling included"),
    ]
