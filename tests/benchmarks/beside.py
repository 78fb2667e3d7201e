"""What this version costs beside another one: start-up, quickstart, frozen second run, fine-tuning.

    python tests/benchmarks/beside.py --other /path/to/other/environment/bin/python

The other interpreter belongs to an environment in which another commit is installed. Both do each
step right after each other, in an order of chance, so that a busy machine slows both. Each line is
the median of the ratios of all turns, this version over the other, with its range: wall time,
processor time, and peak of resident memory of the whole process.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import yaml

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart.yaml"
LIMIT = 1.05
STARTS = 10
Cost = tuple[float, float, float]


def cost(words: list[str], folder: Path) -> Cost:
    """Wall seconds, processor seconds and peak memory in KiB of one process."""
    environment = os.environ | {"MMX_CACHE": f"{folder}/cache", "MMX_RUNS": f"{folder}/runs"}
    silent = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    began = time.perf_counter()
    process = os.posix_spawn(words[0], words, environment, file_actions=silent)
    _, status, used = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{' '.join(words)} failed")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss


def run(python: str, folder: Path, *words: str) -> Cost:
    """``mmx run`` with these words."""
    return cost([python, "-m", "mmx_cli", "run", *words], folder)


def start(python: str, folder: Path) -> Cost:
    """``mmx --help``."""
    return cost([python, "-m", "mmx_cli", "--help"], folder)


def quickstart(python: str, folder: Path) -> Cost:
    """The quickstart, from an empty cache."""
    return run(python, folder, str(QUICKSTART))


def frozen(python: str, folder: Path) -> Cost:
    """The quickstart with another fusion and more epochs, from the cache that it left."""
    words = ("--set", "model.fusion=gated", "--set", "train.epochs=60")
    return run(python, folder, str(QUICKSTART), *words)


def tuned(python: str, folder: Path) -> Cost:
    """Two epochs of a ResNet-18 from scratch on synthetic images."""
    spec = yaml.safe_load(QUICKSTART.read_text())
    spec["name"] = "finetune"
    spec["data"]["dataset"]["n"] = 600
    network = {"type": "torchvision", "arch": "resnet18", "weights": "none", "train": "full"}
    spec["model"]["image"] = network
    spec["train"] = {"epochs": 2}
    path = folder / "finetune.yaml"
    path.write_text(yaml.safe_dump(spec))
    return run(python, folder, str(path))


STEPS: dict[str, Callable[[str, Path], Cost]] = {
    "start-up": start,
    "quickstart": quickstart,
    "frozen": frozen,
    "fine-tuning": tuned,
}


def pairs(step: str, folders: Mapping[str, Path]) -> Iterator[tuple[Cost, Cost]]:
    """What a step costs this version and the other one, right after each other."""
    for _ in range(STARTS if step == "start-up" else 1):
        order = random.sample([*folders], 2)
        costs = {python: STEPS[step](python, folders[python]) for python in order}
        ours, other = (costs[python] for python in folders)
        yield ours, other


def measure(other: str, turns: int) -> dict[str, list[tuple[Cost, Cost]]]:
    """The costs of all steps; each turn begins in empty folders."""
    found: dict[str, list[tuple[Cost, Cost]]] = {step: [] for step in STEPS}
    for _ in range(turns):
        with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
            folders = {sys.executable: Path(ours), other: Path(theirs)}
            for step, known in found.items():
                known.extend(pairs(step, folders))
    return found


def main() -> int:
    """Measure and print; the exit status says whether each median of wall time is within LIMIT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--other", required=True, help="interpreter of the other environment")
    parser.add_argument("--turns", type=int, default=5)
    asked = parser.parse_args()
    over = False
    for step, known in measure(asked.other, asked.turns).items():
        for index, what in enumerate(("wall time", "processor time", "peak memory")):
            ratios = [ours[index] / other[index] for ours, other in known]
            middle = statistics.median(ratios)
            over |= index == 0 and middle > LIMIT
            print(f"{step:12} {what:15} {middle:.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
