"""How long the audit takes, and how often clean data raise an alarm.

python tests/benchmarks/audit.py            # all; needs a quarter of an hour on two cores
python tests/benchmarks/audit.py hashes     # pairs among 100,000 hashes: under 30 s
python tests/benchmarks/audit.py images     # near copies among 10,000 images: under 60 s
python tests/benchmarks/audit.py clean      # 50 clean synthetic data sets: no error
python tests/benchmarks/audit.py short      # HAM10000 cold and cached (MMX_DATA): 30 s and 1 s
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import mmx
from mmx.audit import all_checks, examine
from mmx.audit.hashes import close_above
from mmx.experiment.auditing import short_audit
from mmx.pipeline.audited_rows import subject_of
from mmx.pipeline.prepare import prepare
from mmx.pipeline.spec_hooks import open_hooks
from mmx.runs import SilentObserver

ROOT = Path(__file__).parents[2]


def hashes() -> None:
    draw = np.random.default_rng(0)
    made = draw.integers(0, 2**63, 100_000, dtype=np.uint64)
    made[1::1000] = made[::1000] ^ np.uint64(0b11)  # 100 planted pairs
    start = time.perf_counter()
    pairs = close_above(made, made, 10)
    seconds = time.perf_counter() - start
    planted = ((pairs[:, 1] == pairs[:, 0] + 1) & (pairs[:, 0] % 1000 == 0)).sum()
    print(f"hashes: {seconds:.1f} s for all pairs among 100,000; {planted} of 100 planted found")


def synthetic(**settings: Any) -> mmx.Spec:
    inside = ", ".join(f"{name}: {value}" for name, value in settings.items())
    changes = [f"data.dataset={{type: synthetic, {inside}}}"]
    return mmx.load_spec(ROOT / "examples" / "quickstart.yaml", overrides=changes)


def images() -> None:
    spec = synthetic(n=10_000, image_size=64)
    prepared = prepare(spec, SilentObserver())
    check = [one for one in all_checks() if one.id == "near_identical_images"]
    start = time.perf_counter()
    examine(subject_of(spec, prepared), check)
    print(f"images: {time.perf_counter() - start:.1f} s for near copies among 10,000 images")


def clean() -> None:
    draw, errors, warnings = np.random.default_rng(0), 0, dict[str, int]()
    for seed in range(50):
        settings = {
            "n": int(draw.integers(300, 1500)), "classes": int(draw.integers(2, 8)),
            "repeats": int(draw.integers(1, 4)), "imbalance": float(draw.choice([1.0, 3.0, 8.0])),
            "image_size": 32, "seed": seed,
        }  # fmt: skip
        spec = synthetic(**settings)
        for one in examine(subject_of(spec, prepare(spec, SilentObserver())), all_checks()):
            errors += one.verdict == "error"
            if one.verdict == "error":
                print("  ", settings, one.check, one.message)
            warnings[one.check] = warnings.get(one.check, 0) + (one.verdict == "warning")
    print(f"clean: {errors} errors in 50 data sets; data sets with a warning: {warnings}")


def short() -> None:
    spec = mmx.load_spec(ROOT / "examples/ham10000/baseline.yaml")
    prepared = prepare(spec, SilentObserver())
    for words in ("cold", "cached"):
        start = time.perf_counter()
        found = short_audit(spec, prepared, open_hooks(spec, SilentObserver()), SilentObserver())
        print(f"short: {time.perf_counter() - start:.2f} s {words}, cached: {found.cached}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MMX_CACHE"] = folder
        for name in sys.argv[1:] or ["hashes", "images", "clean", "short"]:
            {"hashes": hashes, "images": images, "clean": clean, "short": short}[name]()
