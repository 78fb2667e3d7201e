"""Runs that are killed on the card and continued, beside runs that were left alone.

The kernels of a card may add in another order from run to run, so weights are the same bit for bit
only with deterministic algorithms; without them the distance is told.
"""

import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from pathlib import Path

from check import Given, Row, held
from safetensors.torch import load_file
from tiny_runs import TRAINED, tiny_spec
from torch import Tensor

EPOCHS = 40
CLOSE = 1e-3
TRIALS, LONGEST_WAIT = 4, 0.5  # runs of each kind; seconds between a first checkpoint and the kill


def work(home: str, deterministic: bool) -> None:
    """The run, in a process that may be killed."""
    os.environ.update(MMX_RUNS=f"{home}/runs", MMX_CACHE=f"{home}/cache")
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    import torch  # the variable must stand before it is imported

    import mmx

    torch.use_deterministic_algorithms(deterministic)
    changes = ("train.precision=fp32", f"train.epochs={EPOCHS}", "train.checkpoint_minutes=0.0005")
    mmx.run(tiny_spec("name=killed", *TRAINED, *changes))


def start(home: Path, deterministic: bool) -> SpawnProcess:
    """The run, in a process of its own."""
    child = get_context("spawn").Process(target=work, args=(str(home), deterministic))
    child.start()
    return child


def finished(home: Path, deterministic: bool) -> dict[str, Tensor]:
    """Let it run to its end; its weights."""
    child = start(home, deterministic)
    child.join()
    if child.exitcode:
        raise RuntimeError(f"the run ended with {child.exitcode}")
    (found,) = (home / "runs").glob("*/model.safetensors")
    return load_file(found)


def killed(home: Path, deterministic: bool, wait: float) -> bool:
    """Kill it some seconds after its first checkpoint; whether it was still running."""
    child = start(home, deterministic)
    while child.is_alive() and not any((home / "runs").glob("*/checkpoint/latest.json")):
        time.sleep(0.01)
    time.sleep(wait)
    running = child.is_alive()
    if child.pid is not None and running:
        os.kill(child.pid, signal.SIGKILL)
    child.join()
    return running


def trial(home: Path, deterministic: bool, wait: float) -> tuple[dict[str, Tensor], bool]:
    """The weights of a run that was killed and continued; whether it was running when killed."""
    running = killed(home, deterministic, wait)
    return finished(home, deterministic), running


def trials(given: Given, deterministic: bool) -> Row:
    """Runs that were killed, all at once, beside one that was left alone."""
    kind = "deterministic" if deterministic else "as usual"
    place, draws = given.folder / kind.replace(" ", "-"), random.Random(0)
    waits = [draws.uniform(0, LONGEST_WAIT) for _ in range(1 if given.tiny else TRIALS)]
    with ThreadPoolExecutor() as pool:
        alone = pool.submit(finished, place / "whole", deterministic)
        asked = [
            pool.submit(trial, place / f"trial-{number}", deterministic, wait)
            for number, wait in enumerate(waits)
        ]
        whole, found = alone.result(), [one.result() for one in asked]
    far = [max(float((one[name] - whole[name]).abs().max()) for name in whole) for one, _ in found]
    running = sum(was for _, was in found)
    words = (
        f"{running} of {len(far)} killed while they ran; {far.count(0)} with the same weights, "
        f"apart by at most {max(far):.1e}"
    )
    close = 0 if deterministic or not given.on_card else CLOSE
    return held(f"killed and continued, {kind}", words, running > 0 and max(far) <= close)


def main(given: Given) -> Iterator[Row]:
    """Deterministic algorithms first."""
    for deterministic in (True,) if given.tiny else (True, False):
        yield trials(given, deterministic)
