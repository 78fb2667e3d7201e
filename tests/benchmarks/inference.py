"""What inference hooks cost: ratios to a plain prediction, measured in turns in one run.

    python tests/benchmarks/inference.py [--rows 192]

Drawn images, the encoders of mmx[bundled], the head of the quickstart. Plain: encode images and
texts, predict. tta: eight views, text once. mc_dropout: 20 samples, each side encoded once.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import mmx
from mmx.data import Part, TextStore, part_of
from mmx.inference.prediction import Chain
from mmx.pipeline.learner import Learner, build_learner
from mmx.pipeline.prepare import prepare
from mmx.runs import SilentObserver

SPEC = Path(__file__).parents[2] / "examples" / "quickstart.yaml"
TURNS = 5


def setting(rows: int) -> tuple[Learner, Part]:
    """The learner, and a part whose images and texts are not encoded yet."""
    overrides = [f"data.dataset.n={rows * 4}", "data.split.test=0.25", "data.split.train=0.6"]
    spec = mmx.load_spec(SPEC, overrides=overrides)
    prepared = prepare(spec, SilentObserver())
    learner = build_learner(spec, prepared.manifest, prepared.split)
    texts = TextStore(prepared.texts, learner.model.encoder("text"))  # type: ignore[arg-type]
    sources = {"image": prepared.images, "text": texts}
    part = part_of(prepared.manifest, prepared.split, "test", sources)
    return learner, part


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=192)
    rows = parser.parse_args().rows
    learner, part = setting(rows)
    hooks = {
        "plain": [],
        "tta d4": ["{type: tta, views: d4}"],
        "mc_dropout 20": ["{type: mc_dropout, samples: 20}"],
    }
    chains = {}
    for name, given in hooks.items():
        own = mmx.load_spec(SPEC, overrides=[f"inference=[{', '.join(given)}]"]).inference
        chains[name] = Chain(own, learner.model, learner.loss, learner.task, "fp32")
    times: dict[str, list[float]] = {name: [] for name in chains}
    for turn in range(TURNS + 1):
        for name, chain in chains.items():
            taken = seconds(lambda chain=chain: chain.over(part, 64, lambda done: None))
            if turn:  # the first one also warms up
                times[name].append(taken)
    plain = statistics.median(times["plain"])
    limits = {"tta d4": 8.5, "mc_dropout 20": 1.5}
    for name, limit in limits.items():
        ratio = statistics.median(times[name]) / plain
        verdict = "within" if ratio <= limit else "above"
        print(f"{name}: {ratio:.2f} x plain, {verdict} {limit} ({len(part)} rows, {TURNS} turns)")


if __name__ == "__main__":
    main()
