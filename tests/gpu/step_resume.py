"""Runs that are killed on the card and continued, beside runs that were left alone.

The kernels of a card may add in another order from run to run, so weights are the same bit for bit
only with deterministic algorithms; without them the distance is told.
"""

import os
import random
import signal
import time
from multiprocessing import get_context
from pathlib import Path

from check import Given, Row, held
from safetensors.torch import load_file
from tiny_runs import TRAINED, tiny_spec

EPOCHS = 12
CLOSE = 1e-3


def work(home: str, deterministic: bool) -> None:
    """The run, in a process that may be killed."""
    os.environ.update(MMX_RUNS=f"{home}/runs", MMX_CACHE=f"{home}/cache")
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    import torch  # the variable must stand before it is imported

    import mmx

    torch.use_deterministic_algorithms(deterministic)
    changes = ("train.precision=fp32", f"train.epochs={EPOCHS}", "train.checkpoint_minutes=0.0005")
    mmx.run(tiny_spec("name=killed", *TRAINED, *changes))


def ended(home: Path, deterministic: bool, after: float | None = None) -> float:
    """Start the run, kill it after some seconds or let it end; how long it took."""
    child = get_context("spawn").Process(target=work, args=(str(home), deterministic))
    begun = time.monotonic()
    child.start()
    if after is not None:
        time.sleep(after)
        if child.pid is not None and child.is_alive():
            os.kill(child.pid, signal.SIGKILL)
    child.join()
    if after is None and child.exitcode:
        raise RuntimeError(f"the run ended with {child.exitcode}")
    return time.monotonic() - begun


def weights(home: Path) -> Path:
    """Of the one run there."""
    (found,) = (home / "runs").glob("*/model.safetensors")
    return found


def trials(given: Given, deterministic: bool) -> Row:
    """Kill and continue, and compare with the run that was left alone."""
    kind = "deterministic" if deterministic else "as usual"
    place, draws = given.folder / kind.replace(" ", "-"), random.Random(0)
    seconds = ended(place / "whole", deterministic)
    whole = load_file(weights(place / "whole"))
    same, furthest, count = 0, 0.0, 1 if given.tiny else 4
    for number in range(count):
        home = place / f"trial-{number}"
        ended(home, deterministic, draws.uniform(0.3, 0.95) * seconds)
        ended(home, deterministic)
        found = load_file(weights(home))
        far = max(float((found[name] - whole[name]).abs().max()) for name in whole)
        same, furthest = same + (far == 0), max(furthest, far)
    words = f"{same} of {count} with the same weights, the others apart by at most {furthest:.1e}"
    good = same == count if deterministic or not given.on_card else furthest < CLOSE
    return held(f"killed and continued, {kind}", words, good)


def main(given: Given) -> list[Row]:
    """Deterministic algorithms first."""
    kinds = (True,) if given.tiny else (True, False)
    return [trials(given, deterministic) for deterministic in kinds]
