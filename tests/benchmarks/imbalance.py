"""All losses and samplers on drawn data with class sizes 50 : 1, three seeds each.

Run ``python tests/benchmarks/imbalance.py``; it writes docs/results/imbalance.md, and finds
finished runs again. No download, no data needed.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from paired import balanced_difference, points, verdict

import mmx

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "results" / "imbalance.md"
SEEDS = (0, 1, 2)
TASK = """
name: imbalance
data:
  dataset: {type: synthetic, n: 6000, classes: 5, imbalance: 50, noise: 0.3, image_size: 64}
  narrative: {type: column, column: text}
  image: {height: 64, width: 64}
  split: {train: 0.5, validation: 0.1, test: 0.4}
model:
  image: {type: timm, arch: tf_efficientnet_lite0, weights: bundled}
  text: {type: transformers, model: bundled}
  fusion: concat
train: {epochs: 12, batch_size: 64}
"""
BASE = "cross_entropy"
ARMS: dict[str, list[str]] = {
    BASE: [],
    "cross_entropy, smoothing 0.1": ["loss={type: cross_entropy, smoothing: 0.1}"],
    "cross_entropy, inverse-frequency weights": [
        "loss={type: cross_entropy, weights: inverse_frequency}"
    ],
    "focal": ["loss=focal"],
    "focal, inverse-frequency alpha": ["loss={type: focal, alpha: inverse_frequency}"],
    "class_balanced": ["loss=class_balanced"],
    "ldam, cosine head": ["loss=ldam", "model.head={type: mlp, cosine: true}"],
    "logit_adjusted": ["loss=logit_adjusted"],
    "logit_adjusted, post hoc": ["loss={type: logit_adjusted, mode: post_hoc}"],
    "symmetric_kl": ["loss=symmetric_kl"],
    "mp": ["loss=mp"],
    "sampler weighted, q 0.5": ["train.sampler={type: weighted, q: 0.5}"],
    "sampler weighted, q 1": ["train.sampler={type: weighted, q: 1}"],
    "sampler weighted, q 1, prior corrected": [
        "train.sampler={type: weighted, q: 1}",
        "inference=[prior_correction]",
    ],
}
INTRODUCTION = """# Losses and samplers on imbalanced data

Written by `python tests/benchmarks/imbalance.py`. Machine: 2 virtual processors, no GPU,
one thread.

Data: `dataset.synthetic` with n = 6,000 drawn photographs at 64 pixels, 5 classes whose sizes fall
geometrically to 1/50 of the largest, noise 0.3 (share of looks and words that are wrong), the other
settings at their defaults. Split 50 / 10 / 40, the same for all seeds:

- training part: {train};
- test part: {test}.

Model: bundled frozen encoders, concatenation, MLP; 12 epochs, batch 64; the epoch is chosen by
balanced accuracy on validation for every arm.

Balanced accuracy is the mean of three training seeds, in percent; plain accuracy and the NLL (nats)
are means too. Intervals: 95 %, bootstrap over groups crossed with the seeds. Differences are paired
on the same test rows and seeds; three seeds are few, so the seeds' share of the interval is rough,
and the verdicts are not corrected for the number of rows.

| method | balanced accuracy | difference to cross_entropy | verdict | accuracy | NLL |
|---|---|---|---|---|---|
"""


def main() -> int:
    """Run all arms and write the page; 1 when neither correction beats plain cross-entropy."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "imbalance.yaml"
        task.write_text(TASK, encoding="utf-8")
        runs = {name: [run(task, name, seed) for seed in SEEDS] for name in ARMS}
    differences = {name: difference(found, runs[BASE]) for name, found in runs.items()}
    lines = [line(name, runs[name], differences[name]) for name in runs]
    PAGE.write_text(introduction(runs[BASE][0]) + "\n".join(lines) + "\n", encoding="utf-8")
    wanted = ("logit_adjusted", "class_balanced")
    return 0 if any(verdict(differences[name]) == "better" for name in wanted) else 1


def run(task: Path, name: str, seed: int) -> mmx.Run:
    """One arm with one seed."""
    finished = mmx.run(mmx.load_spec(task, overrides=[*ARMS[name], f"seed={seed}"]))
    print(f"{name}, seed {seed}: {finished.headline()}", flush=True)  # noqa: T201
    return finished


def introduction(run: mmx.Run) -> str:
    """The text before the table, with the class counts of the parts."""
    parts = {
        name: ", ".join(f"{kind} {count['samples']:,}" for kind, count in counts.items())
        for name, counts in run.metrics["ledger"]["parts"].items()
    }
    return INTRODUCTION.format(test=parts["test"], train=parts["train"])


def difference(ours: list[mmx.Run], theirs: list[mmx.Run]) -> tuple[float, float, float]:
    """Balanced accuracy of ours minus theirs, with its interval."""
    labels, groups = truth(theirs[0])
    return balanced_difference(predicted(ours), predicted(theirs), labels, groups)


def line(name: str, runs: list[mmx.Run], gap: tuple[float, float, float]) -> str:
    """One row of the table."""
    labels, groups = truth(runs[0])
    never = np.full((len(runs), len(labels)), "", dtype=object)  # minus nothing: the score itself
    reached = balanced_difference(predicted(runs), never, labels, groups)
    against = ["-", "-"] if name == BASE else [points(gap, sign=True), verdict(gap)]
    accuracy, nll = (
        np.mean([run.metrics["test"]["metrics"][kind]["value"] for run in runs])
        for kind in ("accuracy", "nll")
    )
    cells = [name, points(reached), *against, f"{100 * accuracy:.1f}", f"{nll:.3f}"]
    return f"| {' | '.join(cells)} |"


def truth(run: mmx.Run) -> tuple[NDArray[Any], list[str]]:
    """Labels and groups of the test rows."""
    table = run.predictions
    table = table[table["part"] == "test"]
    return table["label"].to_numpy(), table["group"].astype(str).tolist()


def predicted(runs: list[mmx.Run]) -> NDArray[Any]:
    """[S, n], predicted classes of the test rows."""
    tables = [run.predictions for run in runs]
    return np.stack([t.loc[t["part"] == "test", "predicted"].to_numpy() for t in tables])


if __name__ == "__main__":
    sys.exit(main())
