"""Fusions on a part of HAM10000, with and without the norm in front of the head.

Run ``MMX_DATA=FOLDER python tests/benchmarks/head_norm.py``; it prints the table of
docs/benchmarks.md. Photographs of lesions drawn by seed 0 are copied beside the runs, small and
frozen, so that all runs take some minutes of one core; finished runs are not repeated.
"""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import mmx

ROOT = Path(__file__).parents[2]
BASE = ROOT / "examples" / "ham10000" / "baseline.yaml"
FUSIONS = ("concat", "mlb", "mfb", "metablock")
SEEDS, LESIONS = (0, 1), 1500
SMALL = (
    "data.image.height=75", "data.image.width=100", "train.epochs=4", "train.batch_size=64",
    "evaluation.resamples=100", "evaluation.explain=0",
)  # fmt: skip


def main() -> int:
    """Run all, print the table."""
    torch.set_num_threads(1)
    folder = Path(os.environ.get("MMX_RUNS") or "runs").absolute() / "some lesions of HAM10000"
    if not folder.exists():
        some_lesions(Path(os.environ["MMX_DATA"]), folder)
    os.environ["MMX_DATA"] = str(folder)
    found = {
        (fusion, norm): [reached(fusion, norm, seed) for seed in SEEDS]
        for fusion in FUSIONS
        for norm in ("none", "layer")
    }
    print("| fusion | without norm | gap to concat | with norm | gap to concat |")
    print("|---|---|---|---|---|")
    for fusion in FUSIONS:
        cells = [fusion]
        for norm in ("none", "layer"):
            own, base = (np.array(found[name, norm]) for name in (fusion, "concat"))
            cells += [f"{own.mean():.1f}", f"{(own - base).mean():+.1f} ({spelled(own - base)})"]
        print(f"| {' | '.join(cells)} |")
    return 0


def some_lesions(data: Path, folder: Path) -> None:
    """Copy the photographs of some lesions, and their rows of the table."""
    source, target = data / "ham10000", folder / "ham10000"
    rows = pd.read_csv(source / "HAM10000_metadata.csv", dtype=str, keep_default_na=False)
    lesions = np.random.default_rng(0).permutation(rows["lesion_id"].unique())[:LESIONS]
    rows = rows[rows["lesion_id"].isin(lesions)]
    (target / "images").mkdir(parents=True)
    rows.to_csv(target / "HAM10000_metadata.csv", index=False)
    for image in rows["image_id"]:
        shutil.copy(source / "images" / f"{image}.jpg", target / "images")


def reached(fusion: str, norm: str, seed: int) -> float:
    """Balanced accuracy on the test part, in percent."""
    chosen = (f"model.fusion={fusion}", f"model.head_norm={norm}", f"seed={seed}")
    run = mmx.run(mmx.load_spec(BASE, overrides=(*chosen, *SMALL)))
    print(fusion, norm, seed, run.headline(), file=sys.stderr, flush=True)
    return 100 * float(run.metrics["test"]["metrics"]["balanced_accuracy"]["value"])


def spelled(gaps: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> str:
    """The gap of each seed."""
    return ", ".join(f"{gap:+.1f}" for gap in gaps)


if __name__ == "__main__":
    sys.exit(main())
