"""Parts that start processes: some are killed and gone on with, some share one epoch."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

from scale_case import Case, Figures, first_shards, many_shards, peak, sources_of, words_of
from scale_encoder import WIDTH

import mmx
from mmx.experiment.run_setup import set_up
from mmx.pipeline import open_sources
from mmx.runs import SilentObserver
from mmx.training.loop import Loop
from mmx_plugins.readers.webdataset import ShardImage

Reads = list[tuple[str, str]]  # an image and its shard
PHASES = ("train", "validation")
SAMPLERS = ("shuffle", "shards")


def encode(case: Case) -> Figures:
    """Only encodes; ``stream`` kills it."""
    found = sources_of(set_up(case.spec("stream", "model.image=wide"), SilentObserver()))
    return {"encoded": found.encoded["image"]}


def stream(case: Case) -> Figures:
    """Encode, be killed half-way, be used meanwhile, go on."""
    setup = set_up(case.spec("stream", "model.image=wide"), SilentObserver())
    folder, rows = case.home / "cache" / "mmx-cache" / "features", len(setup.prepared.manifest)
    child = subprocess.Popen(words_of(case, "encode"), stdout=subprocess.DEVNULL)
    while held(folder) < rows * WIDTH and child.poll() is None:  # half of 2 bytes a number
        time.sleep(0.02)
    half = list(range(rows // 4))
    meanwhile = open_sources(
        setup.spec, setup.learner.model, setup.stores, SilentObserver(),
        rows=half, statistics=setup.learner.inputs.statistics,
    )  # fmt: skip
    child.send_signal(signal.SIGKILL)
    child.wait()
    start, used = time.perf_counter(), time.process_time()
    rest = sources_of(setup).encoded["image"]
    return {
        "images": rows, "encoded_anew_while_it_grew": meanwhile.encoded["image"],
        "encoded_after_the_kill": rest, "again": sources_of(setup).encoded["image"],
        "seconds": round(time.perf_counter() - start, 1),
        "processor_seconds": round(time.process_time() - used, 1),
        "gb": round(held(folder) / 1e9, 3), "shards": len([*folder.rglob("index.json")]),
        "open_files": len(os.listdir("/proc/self/fd")), "peak_gib": peak(),
    }  # fmt: skip


def held(folder: Path) -> int:
    """Bytes of whole shards below a folder."""
    found = 0
    for index in folder.rglob("shard-*/pooled.bin"):
        with suppress(FileNotFoundError):  # joined with others just now
            found += index.stat().st_size
    return found


_STEPS = ("train.epochs=3", "train.threads=1", "train.checkpoint_minutes=0.0005")
_ALL = ("model.image={type: tiny_image, train: full}", "model.projection=8")


def resume(case: Case) -> Figures:
    """Training on images of shards, killed twice and gone on with, beside one left alone."""
    few = first_shards(case)
    for name, kills in (("whole", 0), ("killed", 2)):
        for kill in range(kills + 1):
            child = subprocess.Popen(
                [*words_of(few, "run"), "--run", name], stdout=subprocess.DEVNULL
            )
            if kill < kills:
                until_step(few.home / "runs", name, 5 + 20 * kill, child)
                child.send_signal(signal.SIGKILL)
            child.wait()
    runs = [next((few.home / "runs").glob(f"{name}-*")) for name in ("whole", "killed")]
    same = [
        runs[0].joinpath(name).read_bytes() == runs[1].joinpath(name).read_bytes()
        for name in ("model.safetensors", "predictions.parquet")
    ]
    resumed = (runs[1] / "events.jsonl").read_text().count('"resumed"')
    return {"images": few.drawn.images, "resumed": resumed, "equal": all(same)}


def until_step(runs: Path, name: str, step: int, child: "subprocess.Popen[bytes]") -> None:
    """Wait until a run has kept a checkpoint of this step."""
    while child.poll() is None:
        for file in runs.glob(f"{name}-*/checkpoint/latest.json"):
            with suppress(OSError, ValueError, KeyError):
                if json.loads(file.read_text())["facts"]["step"] >= step:
                    return
        time.sleep(0.005)


def run(case: Case, name: str) -> Figures:
    """One run on a few shards, none of whose pixels are kept; ``resume`` kills it."""
    os.environ["MMX_RUNS"] = str(case.home / "runs")
    mmx.run(case.spec(name, *_STEPS, *_ALL))
    return {}


def processes(case: Case) -> Figures:
    """Two processes of one launch: what each of them reads in an epoch, by two samplers."""
    small = many_shards(case)
    found: Figures = {"images": small.drawn.images, "files": len([*small.shards.glob("*.tar")])}
    for sampler in SAMPLERS:
        launch = [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
        ]  # fmt: skip
        words = [*launch, *words_of(small, f"share-{sampler}")[1:]]
        cpu = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=cpu)
        found[sampler] = compared(*(json.loads(_told(small, rank).read_text()) for rank in "01"))
    return found


def compared(first: Mapping[str, Reads], second: Mapping[str, Reads]) -> Figures:
    """Images and shards that two processes read in training and in validation."""
    found: Figures = {}
    for phase in PHASES:
        for place, what in enumerate(("images", "shards")):
            both = [{read[place] for read in one[phase]} for one in (first, second)]
            found[f"{phase}_{what}"] = [*map(len, both)]
            found[f"{phase}_{what}_by_both"] = len(both[0] & both[1])
    again = [len(one["train"]) - len({*map(tuple, one["train"])}) for one in (first, second)]
    return found | {"twice": sum(again)}


def share(case: Case, sampler: str) -> Figures:
    """One of the processes; writes what it reads in an epoch of training and its validation."""
    reads: dict[str, Reads] = {phase: [] for phase in PHASES}
    phases, plain = list[str](), ShardImage.read

    def noted(image: ShardImage) -> bytes:
        if phases:
            reads[phases[-1]].append((image.name, image.shard.name))
        return plain(image)

    def told(phase: str, method: str) -> Any:
        work = getattr(Loop, method)

        def within(*given: Any) -> Any:
            phases.append(phase)
            try:
                return work(*given)
            finally:
                phases.pop()

        return mock.patch.object(Loop, method, within)

    order = f"train.sampler={sampler}"
    reading = mock.patch.object(ShardImage, "read", noted)
    with reading, told("train", "_epoch"), told("validation", "_validate"):
        os.environ["MMX_RUNS"] = str(case.home / "runs")
        mmx.run(case.spec(f"share-{sampler}", *_STEPS, *_ALL, "train.epochs=1", order))
    _told(case, os.environ["RANK"]).write_text(json.dumps(reads))
    return {}


def _told(case: Case, rank: str) -> Path:
    return case.home / f"read-{rank}.json"
