"""Runs that are killed at random moments and continued must end like runs that were not.

    python tests/benchmarks/kill_resume.py --trials 200

Each trial starts a whole experiment (``tests/tiny``) with an empty cache, kills it with SIGKILL one
to three times at moments drawn over its whole length, runs it to the end, and compares weights,
predictions and metrics with those of a run that was left alone, byte by byte. In every third trial
the disk is slow, so that many kills fall into the writing of a file. Exit status 1 if any differs.
"""

import argparse
import json
import os
import random
import shutil
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

TINY = Path(__file__).parents[1] / "tiny"
COMMON = ("train.threads=1", "train.checkpoint_minutes=0.0005", "train.epochs=15")
_WRAPPED = "model.image={{type: {}, backbone: {{type: tiny_image}}}}"
VARIANTS = {
    "frozen encoders": ("train.epochs=25",),
    "all trains": (
        "model.image.train=full", "model.text.train=full", "train.modality_dropout=0.3",
        "train.accumulate=2",
    ),
    "gated, weighted, temperature": (
        "model.fusion=gated", "train.sampler={type: weighted, q: 0.5}",
        "inference=[{type: temperature}]", "train.early_stopping=20",
    ),
    "several views, flips": (
        _WRAPPED.format("multi_view"), "model.image.train=full", "train.epochs=6",
    ),
    "co-attention, experts": ("model.fusion=co_attention", "model.head={type: moe, experts: 3}"),
    "state space, kan": ("model.fusion={type: mamba, dim: 16, head_dim: 8}", "model.head=kan"),
    "levels, focal": ("model.fusion=hierarchical", "loss=focal"),
    "parts, disagreement": ("model.fusion=ibfa", "loss=mp"),
    "logit adjustment, sets": (
        "loss=logit_adjusted", "inference=[{type: temperature}, {type: conformal}]",
        "data.dataset.n=240",
    ),
    "drawn dropout": ("inference=[{type: mc_dropout, samples: 4}]", "model.head.dropout=0.3"),
    "two kinds of images and text": (
        "data.dataset.images=[derm, clinic]", "train.modality_dropout={derm: 0.3, text: 0.3}",
        "model.encoders={derm: {type: tiny_image, train: full}, clinic: tiny_image, "
        "text: tiny_text}", "model.fusion=gated", "train.augment=light", "train.epochs=6",
    ),
    "image, text and record": (
        "data.dataset={type: synthetic, n: 120, classes: 3, image_size: 32, record: 0.5, "
        "record_synergy: 0.3}", "model.record={type: tabular, dim: 16, heads: 2}",
        "model.fusion=gated", "train.modality_dropout=0.3", "train.epochs=8",
    ),
    "record alone": (
        "data.dataset={type: synthetic, n: 120, classes: 3, image_size: 32, record: 0.5}",
        "model.encoders={record: {type: tabular, dim: 16, heads: 2}}", "model.fusion=only",
    ),
    "one modality": ("model.text=null", "model.fusion={type: only, modality: image}"),
    "late, template": ("model.fusion=late", "data.narrative=template"),
    "several labels": (
        "task=multi_label", "loss=asymmetric", "inference=[platt]", "data.max_bad=0.05",
        "data.dataset={type: synthetic, n: 120, classes: 3, image_size: 32, target: labels, "
        "unknown: 0.15}",
    ),
    "ordered levels, thresholds that learn": (
        "task={type: ordinal, levels: [minimal, mild, moderate]}", "model.head.dropout=0.3",
        "data.dataset={type: synthetic, n: 120, classes: 3, image_size: 32, target: levels}",
    ),
}  # fmt: skip
COMPARED = ("model.safetensors", "predictions.parquet")
LATE = (  # imported once, as every child is a fork of this process
    "torch", "torch._dynamo", "accelerate", "accelerate.utils", "pandas", "pyarrow.parquet",
    "scipy.stats", "scipy.optimize", "sklearn.metrics", "matplotlib", "PIL.Image",
    "mmx.experiment", "mmx.report",
)  # fmt: skip


def start(home: Path, overrides: tuple[str, ...], slow: float) -> int:
    """Fork a process that runs the experiment in this home; its id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.environ.update(MMX_RUNS=str(home / "runs"), MMX_CACHE=str(home / "cache"))
        sync = os.fsync
        os.fsync = lambda handle: (time.sleep(slow), sync(handle))[1]
        import mmx

        mmx.run(mmx.load_spec(TINY / "spec.yaml", overrides=[*COMMON, *overrides],
                              plugins=[TINY / "encoders.py"]))  # fmt: skip
        status = 0
    except BaseException:
        traceback.print_exc()
    os._exit(status)


def ended(child: int) -> int:
    """Wait for a process; its exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def results(home: Path) -> dict[str, Any]:
    """What must be equal: bytes of weights and predictions, and the metrics without times."""
    (run,) = (home / "runs").iterdir()
    metrics = json.loads((run / "metrics.json").read_text())
    kept = {name: metrics[name] for name in ("validation", "test", "best_epoch", "digest")}
    return {name: (run / name).read_bytes() for name in COMPARED} | {"metrics": kept}


def stage(home: Path) -> str:
    """What the run was doing when it was killed, as its files tell."""
    run = next(iter((home / "runs").glob("*")), None)
    if run is None:
        return "reading data"
    if next(run.rglob(".*.part"), None):
        return "writing a file"
    if not (run / "checkpoint" / "latest.json").exists():
        return "encoding, before the first checkpoint"
    state = json.loads((run / "checkpoint" / "latest.json").read_text())
    return "after training" if state["facts"]["done"] else "training"


def trial(
    number: int, seed: int, home: Path, whole: dict[str, Any], seconds: dict[str, float]
) -> tuple[list[str], list[str]]:
    """One trial of the variants that were run whole; where it was killed, and what differs."""
    draws = random.Random(f"{seed}-{number}")
    variant = list(whole)[number % len(whole)]
    slow = 0.02 if number // len(whole) % 3 == 0 else 0.0
    killed = []
    for _ in range(draws.randint(1, 3)):
        child = start(home, VARIANTS[variant], slow)
        time.sleep(draws.uniform(0, seconds[variant] * (2.5 if slow else 1)))
        os.kill(child, signal.SIGKILL)
        if ended(child) == -signal.SIGKILL:
            killed.append(stage(home))
    if ended(start(home, VARIANTS[variant], 0.0)):
        return killed, ["it did not come to its end"]
    found = results(home)
    return killed, [name for name, value in whole[variant].items() if found[name] != value]


def references(home: Path, variants: Sequence[str]) -> tuple[dict[str, Any], dict[str, float]]:
    """Results and seconds of each of these variants that is left alone."""
    whole, seconds = {}, {}
    for number, variant in enumerate(variants):
        begun = time.monotonic()
        if ended(start(home / f"whole-{number}", VARIANTS[variant], 0.0)):
            raise SystemExit(f"{variant}: the run that is left alone does not end")
        seconds[variant] = time.monotonic() - begun
        whole[variant] = results(home / f"whole-{number}")
    return whole, seconds


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--trials", type=int, default=200)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--variant", action="append", choices=VARIANTS, help="without: all")
    given = options.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in LATE:
        import_module(name)
    stages, failures, equal = Counter[str](), [], 0
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        whole, seconds = references(home, given.variant or [*VARIANTS])
        print("seconds of a run left alone:", {k: round(v, 2) for k, v in seconds.items()})
        for number in range(given.trials):
            place = home / "trial"
            killed, differ = trial(number, given.seed, place, whole, seconds)
            stages.update(killed)
            equal += not differ
            failures += [f"trial {number}: {', '.join(differ)}"] if differ else []
            shutil.rmtree(place)
            if number % 20 == 19:
                print(f"{number + 1} trials, {equal} equal, {stages.total()} kills", flush=True)
    print(f"{given.trials} trials, {equal} ended equal; {stages.total()} kills:")
    for stage_name, count in stages.most_common():
        print(f"  {stage_name}: {count}")
    if failures:
        raise SystemExit("\n".join(failures))


if __name__ == "__main__":
    main()
