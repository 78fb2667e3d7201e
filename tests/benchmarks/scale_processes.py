"""Parts that start processes: some are killed and gone on with, some share one epoch."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

from scale_case import Case, Figures, first_shards, peak, sources_of, words_of
from scale_encoder import WIDTH

import mmx
from mmx.experiment import stages
from mmx.experiment.run_setup import set_up
from mmx.pipeline import open_sources
from mmx.runs import SilentObserver
from mmx.training import train
from mmx_plugins.readers.webdataset import ShardImage


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
    """Two processes of one launch: which images each of them reads in an epoch."""
    few = first_shards(case)
    launch = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
    ]  # fmt: skip
    words = [*launch, *words_of(few, "share")[1:]]
    cpu = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=cpu)
    first, second = (
        json.loads((few.home / f"read-{rank}.json").read_text()) for rank in ("0", "1")
    )
    both = {*first} & {*second}
    return {"images": few.drawn.images, "first": len(first), "second": len(second),
            "by_both": len(both), "twice": len(first) - len({*first})}  # fmt: skip


def share(case: Case) -> Figures:
    """One of the processes; writes the names of what it read in the epoch of training."""
    read = list[str]()
    plain = ShardImage.read

    def noted(self: ShardImage) -> bytes:
        read.append(self.name)
        return plain(self)

    def trained(*given: Any, **named: Any) -> Any:
        with mock.patch.object(ShardImage, "read", noted):
            return train(*given, **named)

    with mock.patch.object(stages, "train", trained):
        os.environ["MMX_RUNS"] = str(case.home / "runs")
        mmx.run(case.spec("share", *_STEPS, *_ALL, "train.epochs=1"))
    file = case.home / f"read-{os.environ['RANK']}.json"
    file.write_text(json.dumps(read))
    return {}
