"""What `mmx init` writes beside the probe: the logistic regression on the same frozen features.

    python tests/benchmarks/init_recipe.py --data DATA [--seeds 4] [--only ham10000 spine a b c]
        [--splits FIRST] [--set KEY=VALUE ...]

DATA holds ham10000/ and spine/ with their tables and images. For each data set the spec is written
by `mmx init`, run unedited but for its seed, and compared with the probe of the same run. One split
for all seeds: what differs is the start and the order of the rows. With --splits each seed has a
split of its own, FIRST and those that follow it, and the drawn sets are drawn anew by the same
numbers: choose numbers that nobody has used, and what comes is fresh evidence. d has ordered
levels, whose headline is the quadratic kappa; of the others it is balanced accuracy.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import mmx

TABLES = {"ham10000": "HAM10000_metadata.csv", "spine": "metadata.csv"}
DRAWN = {"a": "n: 600, classes: 4", "b": "n: 1500, classes: 6", "c": "n: 300, classes: 3",
         "d": "n: 600, classes: 4"}  # fmt: skip
LEVELS = (
    "data.dataset.target=levels", "task={type: ordinal, levels: [minimal, mild, moderate, severe]}",
    "train.select=quadratic_kappa", "loss=cumulative_link",
)  # fmt: skip
OWN = {"d": LEVELS}
SETTINGS = ("evaluation.explain=false",)


def written(name: str, data: Path, folder: Path) -> Path:
    """The spec that `mmx init` writes for a data set, in a folder of its own."""
    spec, words = folder / f"{name}.yaml", ["--out", f"{name}.yaml"]
    if name in TABLES:
        table = folder / f"{name}.csv"
        table.write_bytes((data / name / TABLES[name]).read_bytes())
        (folder / "images").unlink(missing_ok=True)
        (folder / "images").symlink_to((data / name / "images").resolve())
        words = ["--table", table.name, *words]
    mmx_words = [sys.executable, "-m", "mmx_cli", "init", *words]
    subprocess.run(mmx_words, cwd=folder, check=True, capture_output=True)
    if name in DRAWN:
        text = spec.read_text().replace(DRAWN["a"], DRAWN[name])
        spec.write_text(text)
    return spec


def own_rows(name: str, number: int) -> list[str]:
    """Overrides by which a seed has a split of its own, and a drawn set of its own."""
    drawn = [f"data.dataset.seed={number}"] if name in DRAWN else []
    return [f"data.split.seed={number}", *drawn]


def row(name: str, spec: Path, seeds: int, first: int | None, settings: list[str]) -> str:
    """Means over the seeds of the model and of the probe, and of their differences."""
    found = []
    for seed in range(seeds):
        own = [] if first is None else own_rows(name, first + seed)
        fixed = [*SETTINGS, *OWN.get(name, ()), *settings]
        chosen = mmx.load_spec(spec, overrides=[*fixed, f"seed={seed}", *own])
        told, headline = mmx.run(chosen).metrics, next(iter(chosen.task.selects))
        model = told["test"]["metrics"][headline]["value"]
        found.append((model, told["probe"][headline]["value"], told["best_epoch"]))
    model, probe, epochs = np.array(found).T
    each = " ".join(f"{one - other:+.3f}" for one, other in zip(model, probe, strict=True))
    best = ", ".join(f"{int(one)}" for one in epochs)
    return (
        f"| {name} | {model.mean():.3f} | {probe.mean():.3f} | {model.mean() - probe.mean():+.3f} "
        f"| {each} | {best} |"
    )


def main() -> None:
    """Print one row for each data set as it comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--only", nargs="*", default=[*TABLES, *DRAWN])
    parser.add_argument("--splits", type=int, metavar="FIRST")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    asked = parser.parse_args()
    print("| data | model | probe | difference | of each seed | best epoch |")
    print("|---|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        os.environ["MMX_RUNS"] = str(Path(folder) / "runs")
        for name in asked.only:
            spec = written(name, asked.data.resolve(), Path(folder))
            print(row(name, spec, asked.seeds, asked.splits, asked.set), flush=True)


if __name__ == "__main__":
    main()
