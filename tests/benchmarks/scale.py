"""What many images cost: plan, split, audit, training, cached features, resuming, processes.

    python tests/benchmarks/scale.py --images 300000 --studies 20000 --size 224

Drawn radiographs lie in WebDataset shards. Each part is a process of its own, so that its memory is
its own; ``--part`` does some of them, ``--folder`` keeps the shards for another time. Exit status 1
where a limit is missed: 600 s of clock (or ``--limit``) and 4 GiB for plan, split and audit, 0.9 of
the throughput of 10,000 images, runs that do not end equal.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the neighbours, however this is started

from scale_case import Case, Figures, peak, words_of
from scale_processes import SAMPLERS, encode, processes, resume, run, share, stream
from scale_sets import DrawnShards, draw_shards
from scale_throughput import LEAST_SPEED, features, pixels

import mmx
from mmx.runs import Progress, SilentObserver


class Clock(SilentObserver):
    """Notes when the audit begins."""

    def __init__(self) -> None:
        self.begun: float | None = None

    def progress(self, progress: Progress) -> None:
        if progress.stage == "audit" and self.begun is None:
            self.begun = time.perf_counter()


def audit(case: Case) -> Figures:
    """Rows, split, a look at every image, then every check."""
    clock, start, used = Clock(), time.perf_counter(), time.process_time()
    result = mmx.audit_spec(case.spec("audit"), out=case.home / "audited", observer=clock)
    return {
        "plan_and_split_seconds": round((clock.begun or start) - start, 1),
        "seconds": round(time.perf_counter() - start, 1),
        "processor_seconds": round(time.process_time() - used, 1),
        "findings": len(result.findings), "peak_gib": peak(), "limit_gib": 4,
    }  # fmt: skip


PARTS: Mapping[str, Callable[[Case], Figures]] = {
    "audit": audit, "pixels": pixels, "features": features, "stream": stream, "resume": resume,
    "processes": processes,
}  # fmt: skip
CHILDREN: Mapping[str, Callable[[Case], Figures]] = {
    "encode": encode,
    **{f"share-{sampler}": partial(share, sampler=sampler) for sampler in SAMPLERS},
}


def missed(part: str, found: Figures, limit: float) -> list[str]:
    """Which limits these figures miss."""
    faults = []
    if part == "audit" and (found["seconds"] > limit or found["peak_gib"] > found["limit_gib"]):
        faults.append("time or memory of the audit")
    if found.get("ratio", 1) < LEAST_SPEED:
        faults.append(f"throughput of {part}")
    if part == "stream" and (found["again"] or found["encoded_anew_while_it_grew"]):
        faults.append("features that were there are encoded again")
    if part == "resume" and not (found["equal"] and found["resumed"]):
        faults.append("a resumed run is another one")
    if part == "processes":
        faults += shared(found)
    return faults


def shared(found: Figures) -> list[str]:
    """What two processes read both, and should not."""
    faults = []
    for sampler in SAMPLERS:
        if found[sampler]["train_images_by_both"] or found[sampler]["twice"]:
            faults.append(f"an image is read twice in an epoch of {sampler}")
    if found["shards"]["train_shards_by_both"]:
        faults.append("two processes read the same shard in training")
    if found["shards"]["validation_shards_by_both"] > 1:  # where the rows of one end
        faults.append("two processes read the same shards in validation")
    return faults


def options() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser()
    found.add_argument("--images", type=int, default=300_000)
    found.add_argument("--studies", type=int, default=20_000)
    found.add_argument("--size", type=int, default=224)
    found.add_argument("--memory-gb", type=float, default=2.0)
    found.add_argument("--limit", type=float, default=600, help="seconds of plan, split and audit")
    found.add_argument("--folder", type=Path, help="of the shards, which stay there")
    found.add_argument("--home", type=Path, help="of caches and runs; emptied afterwards if absent")
    found.add_argument("--part", action="append", choices=PARTS, help="without: all")
    found.add_argument("--child", choices=[*PARTS, *CHILDREN, "run"], help=argparse.SUPPRESS)
    found.add_argument("--run", default="run", help=argparse.SUPPRESS)
    return found


def main(given: argparse.Namespace, home: Path) -> int:
    """Draw, do each part in its process, print what it found; 1 where a limit is missed."""
    drawn = DrawnShards(given.images, given.studies, given.size)
    case = Case(home, given.folder or home / "shards", drawn, given.memory_gb)
    if given.child == "run":
        run(case, given.run)
        return 0
    if given.child:
        print(json.dumps({**PARTS, **CHILDREN}[given.child](case)))
        return 0
    if not case.shards.exists():
        draw_shards(case.shards, drawn)
    faults = []
    for part in given.part or PARTS:
        done = subprocess.run(words_of(case, part), stdout=subprocess.PIPE, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        print(part, json.dumps(found), flush=True)
        faults += missed(part, found, given.limit)
        shutil.rmtree(home / "runs", ignore_errors=True)
    print("missed: " + "; ".join(faults) if faults else "no limit missed")
    return int(bool(faults))


if __name__ == "__main__":
    asked = options().parse_args()
    if asked.home:
        asked.home.mkdir(parents=True, exist_ok=True)
        sys.exit(main(asked, asked.home))
    with tempfile.TemporaryDirectory() as name:
        sys.exit(main(asked, Path(name)))
