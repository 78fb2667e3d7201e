"""A whole study of token fusions to convergence, and the same by two processes on one card."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import yaml
from check import Given, Row, held
from tiny_runs import PLUGINS, TINY

import mmx

CLOSE = 1e-3
ARMS = ["concat", "cross_attention", "bottleneck", "mamba"]
LONG = {"train.epochs": 60, "train.early_stopping": 8, "data.dataset.n": 2000}


def write_study(given: Given) -> Path:
    """Fusions of tokens with some seeds, each trained until validation no longer gets better."""
    file = given.folder / "study.yaml"
    plain = {
        "study": "card",
        "base": str(TINY / "spec.yaml"),
        "vary": "model.fusion",
        "arms": ARMS[:2] if given.tiny else ARMS,
        "controls": False,
        "seeds": list(range(1 if given.tiny else 2)),
        "set": {"train.epochs": 1} if given.tiny else LONG,
    }
    file.write_text(yaml.safe_dump(plain))
    return file


def figures(folder: Path, study: Path, workers: int) -> tuple[dict[str, float], float]:
    """Negative log-likelihood of each run by arm and seed, and the seconds of all."""
    begun = time.monotonic()
    own = {"MMX_RUNS": str(folder / "runs"), "MMX_CACHE": str(folder / "cache")}
    with patch.dict(os.environ, own):
        mmx.run_study(study, workers=workers, plugins=PLUGINS)
    taken, found = time.monotonic() - begun, {}
    for run in sorted((folder / "runs").rglob("metrics.json")):
        metrics = mmx.Run(run.parent).metrics
        spec = yaml.safe_load((run.parent / "resolved.yaml").read_text())
        name = f"{spec['model']['fusion']['type']} {spec['seed']}"
        found[name] = float(metrics["test"]["metrics"]["nll"]["value"])
    return found, taken


def main(given: Given) -> Iterator[Row]:
    """One worker, then two."""
    study = write_study(given)
    found = {}
    for workers in (1, 2):
        found[workers], taken = figures(given.folder / str(workers), study, workers)
        yield Row(f"study, {workers} workers", f"{len(found[workers])} runs in {taken:.0f} s")
    one, two = found[1], found[2]
    far = max(abs(one[name] - two[name]) for name in one) if one.keys() == two.keys() else 9.0
    yield held("two workers beside one", f"{len(one)} runs, apart by {far:.1e}", far < CLOSE)
