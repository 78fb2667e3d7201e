"""The facts of a case as sentences or as columns: what `mmx init` should write.

    python tests/benchmarks/record_or_sentences.py [--drawings 4] [--only none told] [--data DATA]

Each arm is the spec that `mmx init` writes with other readers of the record: sentences and the
frozen encoder of texts, the columns themselves, a transformer over the columns (`--record`), or
sentences and columns. Lesions are drawn anew for each drawing; with DATA, which holds ham10000/,
the split of HAM10000 is dealt anew. What is chosen is chosen on validation; test stands beside it.
Where MMX_RUNS names a folder, a run that is finished there is not repeated.
"""

import argparse
import os
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from init_recipe import written

import mmx

DRAWN = {
    "none": "n: 600, classes: 4",
    "told": "n: 600, classes: 4, record: 0.5",
    "little": "n: 900, classes: 4, synergy: 0.6, record_synergy: 1.0, record: 0.3",
}
"""Name -> data: the record tells the label of no lesion, of 35 % or of 12 %.

No arm reads what the lesions' own texts say, such as complaints.
"""
COLUMNS = "  record: {type: tabular, model: linear}\n"
TRANSFORMER = "  record: {type: tabular}\n"
SETTINGS = ("evaluation.explain=false",)


def arms(spec: str) -> dict[str, str]:
    """Name -> spec, of the one that `mmx init` writes."""
    (text,) = re.findall(r"^  text: .*\n", spec, re.M)
    spec = re.sub(r"^  # record: .*\n|^  # mmx init --record .*\n", "", spec, flags=re.M)
    silent = re.sub(r"^  narrative: .*\n", "", spec, flags=re.M)
    return {
        "sentences": spec,
        "columns": silent.replace(text, COLUMNS),
        "transformer": silent.replace(text, TRANSFORMER),
        "both": spec.replace(text, text + COLUMNS),
    }


def reached(spec: Path, number: int, drawn: bool) -> tuple[float, float]:
    """Balanced accuracy on validation and test."""
    dealt = f"data.{'dataset.seed' if drawn else 'split.seed'}={number}"
    run = mmx.run(mmx.load_spec(spec, overrides=[*SETTINGS, f"seed={number}", dealt]))
    rows = run.predictions[run.predictions["part"] == "validation"]
    right = (rows["predicted"] == rows["label"]).groupby(rows["label"]).mean()
    return float(right.mean()), run.metrics["test"]["metrics"]["balanced_accuracy"]["value"]


def compared(
    name: str, data: Path, folder: Path, drawings: int
) -> dict[str, list[tuple[float, float]]]:
    """Arm -> what it reached in each drawing."""
    drawn = name in DRAWN
    base = written("a" if drawn else name, data, folder).read_text()
    base = base.replace("n: 600, classes: 4", DRAWN[name]) if drawn else base
    found: dict[str, list[tuple[float, float]]] = {}
    for number in range(drawings):
        for arm, text in arms(base).items():
            spec = folder / f"{name}-{arm}.yaml"
            spec.write_text(text)
            found.setdefault(arm, []).append(reached(spec, number, drawn))
    return found


def row(name: str, arm: str, found: Mapping[str, list[tuple[float, float]]]) -> str:
    """Means, and the difference to sentences with its standard error over the drawings."""
    here, first = np.array(found[arm]), np.array(found["sentences"])
    gap = here - first
    error = gap.std(axis=0, ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else np.full(2, np.nan)
    told = [f"{gap[:, part].mean():+.3f} ({error[part]:.3f})" for part in (0, 1)]
    means = here.mean(axis=0)
    return f"| {name} | {arm} | {means[0]:.3f} | {told[0]} | {means[1]:.3f} | {told[1]} |"


def main() -> None:
    """Print the rows of each data set as it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--drawings", type=int, default=4)
    parser.add_argument("--only", nargs="*", default=[*DRAWN])
    asked = parser.parse_args()
    print("| data | arm | validation | to sentences | test | to sentences |")
    print("|---|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        os.environ.setdefault("MMX_RUNS", str(Path(folder) / "runs"))
        for name in [*asked.only, *(["ham10000"] if asked.data else [])]:
            found = compared(name, asked.data or Path(), Path(folder), asked.drawings)
            for arm in found:
                print(row(name, arm, found), flush=True)


if __name__ == "__main__":
    main()
