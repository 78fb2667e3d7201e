"""Fusions on a part of HAM10000, with and without the norm in front of the head.

Run ``MMX_DATA=FOLDER python tests/benchmarks/head_norm.py``; it prints the table of
docs/benchmarks.md. Photographs of lesions drawn by seed 0 are copied beside the runs, small and
frozen; training and prediction are those of a run, without its report.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import mmx
from mmx.inference.prediction import Chain
from mmx.pipeline.learner import build_learner
from mmx.pipeline.prepare import PreparedData, prepare
from mmx.pipeline.sources import open_sources
from mmx.runs import RunFolder, SilentObserver
from mmx.training import TrainingData, train

ROOT = Path(__file__).parents[2]
BASE = ROOT / "examples" / "ham10000" / "baseline.yaml"
FUSIONS = ("concat", "mlb", "mfb", "metablock")
SEEDS, LESIONS = (0, 1, 2), 1000
SMALL = (
    "data.image.height=75", "data.image.width=100", "train.epochs=4", "train.batch_size=64",
)  # fmt: skip


def main() -> int:
    """Run all, print the table."""
    torch.set_num_threads(1)
    folder = Path(os.environ.get("MMX_RUNS") or "runs").absolute() / "some lesions of HAM10000"
    if not folder.exists():
        some_lesions(Path(os.environ["MMX_DATA"]), folder)
    os.environ["MMX_DATA"] = str(folder)
    base = spec_of("concat", "layer", 0)
    prepared = prepare(base, SilentObserver())
    found: dict[tuple[str, str], list[float]] = {}
    for fusion in FUSIONS:
        for norm in ("none", "layer"):
            specs = [spec_of(fusion, norm, seed) for seed in SEEDS]
            found[fusion, norm] = [reached(spec, prepared) for spec in specs]
            print(fusion, norm, found[fusion, norm], file=sys.stderr, flush=True)
    print("| fusion | without norm | gap to concat | with norm | gap to concat |")
    print("|---|---|---|---|---|")
    for fusion in FUSIONS:
        cells = [fusion]
        for norm in ("none", "layer"):
            own, base = (np.array(found[name, norm]) for name in (fusion, "concat"))
            cells += [f"{own.mean():.1f}", f"{(own - base).mean():+.1f} ({spelled(own - base)})"]
        print(f"| {' | '.join(cells)} |")
    return 0


def spec_of(fusion: str, norm: str, seed: int) -> mmx.Spec:
    """The baseline, small, with another fusion."""
    chosen = (f"model.fusion={fusion}", f"model.head_norm={norm}", f"seed={seed}")
    return mmx.load_spec(BASE, overrides=(*chosen, *SMALL))


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


def reached(spec: mmx.Spec, prepared: PreparedData) -> float:
    """Balanced accuracy on the test part, in percent, after training on cached features."""
    learner, rows = (
        build_learner(spec, prepared.manifest, prepared.split),
        range(len(prepared.texts)),
    )
    stores = learner.inputs.stores(prepared.rows)
    sources = open_sources(
        spec, learner.model, stores, SilentObserver(), rows=list(rows), statistics={}
    )
    parts = sources.parts(prepared)
    with tempfile.TemporaryDirectory() as place:
        folder = RunFolder.create(Path(place), spec.name, "0" * 64, fresh=True)
        train(learner.trainee, TrainingData(parts), spec, folder, SilentObserver())
    chain = Chain((), learner.model, learner.loss, learner.task, spec.model.encoding)
    found = chain.over(parts["test"], 256, lambda done: None)[-1]
    hit = (found.log_probs.argmax(dim=1) == found.target).double()
    classes = found.target.unique()
    return 100 * float(torch.stack([hit[found.target == one].mean() for one in classes]).mean())


def spelled(gaps: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> str:
    """The gap of each seed."""
    return ", ".join(f"{gap:+.1f}" for gap in gaps)


if __name__ == "__main__":
    sys.exit(main())
