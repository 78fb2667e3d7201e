"""Two processes of a study on one card give the figures of one."""

import os
from pathlib import Path

import yaml
from check import Given, Row, held
from tiny_runs import PLUGINS, TINY

import mmx

CLOSE = 1e-3


def write_study(file: Path, seeds: int) -> Path:
    """Two fusions with some seeds."""
    plain = {
        "study": "card",
        "base": str(TINY / "spec.yaml"),
        "vary": "model.fusion",
        "arms": ["concat", "gated"],
        "controls": False,
        "seeds": list(range(seeds)),
    }
    file.write_text(yaml.safe_dump(plain))
    return file


def figures(folder: Path, study: Path, workers: int) -> dict[str, float]:
    """Balanced accuracy of each run by arm and seed."""
    os.environ.update(MMX_RUNS=str(folder / "runs"), MMX_CACHE=str(folder / "cache"))
    mmx.run_study(study, workers=workers, plugins=PLUGINS)
    found = {}
    for run in sorted((folder / "runs").rglob("metrics.json")):
        metrics = mmx.Run(run.parent).metrics
        spec = yaml.safe_load((run.parent / "resolved.yaml").read_text())
        name = f"{spec['model']['fusion']['type']} {spec['seed']}"
        found[name] = float(metrics["test"]["metrics"]["nll"]["value"])
    return found


def main(given: Given) -> list[Row]:
    """One worker, then two."""
    study = write_study(given.folder / "study.yaml", 1 if given.tiny else 2)
    one, two = (figures(given.folder / str(workers), study, workers) for workers in (1, 2))
    far = max(abs(one[name] - two[name]) for name in one) if one.keys() == two.keys() else 9.0
    return [held("two workers beside one", f"{len(one)} runs, apart by {far:.1e}", far < CLOSE)]
