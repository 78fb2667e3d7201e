"""What many images cost: plan, split, audit, training, cached features, resuming, processes.

    python tests/benchmarks/scale.py --images 300000 --studies 20000 --size 224

Drawn radiographs lie in WebDataset shards. Each part is a process of its own, so that its memory is
its own; ``--part`` does some of them, ``--folder`` keeps the shards for another time. Exit status 1
where a limit is missed: 600 s of clock (or ``--limit``) and 4 GiB for plan, split and audit, 0.9 of
the throughput of 10,000 images, runs that do not end equal.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))  # the neighbours, however this is started

from scale_encoder import WIDTH
from scale_sets import PER_SHARD, DrawnShards, draw_shards
from torch import Tensor

import mmx
from mmx.data import Part
from mmx.experiment import stages
from mmx.experiment.run_setup import RunSetup, set_up
from mmx.interfaces import Sampler
from mmx.pipeline import Sources, open_sources
from mmx.runs import Progress, RunFolder, SilentObserver
from mmx.training import TrainingData, train
from mmx_plugins.readers.webdataset import ShardImage

WIDE = Path(__file__).parent / "scale_encoder.py"
TINY = Path(__file__).parents[1] / "tiny" / "encoders.py"
GIB = 1 << 30
Figures = dict[str, Any]
LEAST_SPEED = 0.9
FEW = 10_000  # images of the small set that throughput is compared with


@dataclass(frozen=True, slots=True)
class Case:
    """A drawn data set, and where things are kept.

    Attributes:
        home: folder of runs and caches.
        shards: folder of the tar files.
        drawn: what is in them.
        memory_gb: of ``data.memory_gb``.
    """

    home: Path
    shards: Path
    drawn: DrawnShards
    memory_gb: float

    def spec(self, name: str, *overrides: str) -> mmx.Spec:
        """Tiny frozen encoders of images and notes, unless an override says another."""
        file = self.home / f"{name}.yaml"
        file.write_text(_SPEC)
        own = (
            f"name={name}", f"data.dataset.path={self.shards}",
            f"data.image.height={self.drawn.size}", f"data.image.width={self.drawn.size}",
            f"data.memory_gb={self.memory_gb}", f"data.cache.folder={self.home / 'cache'}",
        )  # fmt: skip
        return mmx.load_spec(file, overrides=[*own, *overrides], plugins=[TINY, WIDE])


_SPEC = """
data:
  dataset:
    type: table
    images: {image: [image]}
    label: finding
    group: study
    text: notes
    record: [age]
  narrative: {type: joined, column: notes}
model:
  image: tiny_image
  text: tiny_text
  fusion: concat
  projection: 8
  head: {type: mlp, hidden: 16}
train: {epochs: 2, batch_size: 32}
"""


def peak() -> float:
    """GiB that this process held at most, pages of memory maps among them."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB, 2)


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


class First(Sampler):
    """The first rows of each epoch of another sampler."""

    def __init__(self, whole: Sampler, rows: int) -> None:
        self._whole, self._rows = whole, rows

    def __len__(self) -> int:
        return min(self._rows, len(self._whole))

    def __iter__(self) -> Iterator[int]:
        return islice(iter(self._whole), self._rows)

    def set_epoch(self, epoch: int) -> None:
        self._whole.set_epoch(epoch)

    def expected_counts(self, class_counts: Tensor) -> Tensor:
        return self._whole.expected_counts(class_counts)


def speed(case: Case, setup: RunSetup, turn: int, rows: int) -> float:
    """Images a second that training takes, of so many rows."""
    parts = sources_of(setup).parts(setup.prepared)
    held = parts["validation"]
    parts["validation"] = Part(
        held.rows[:32].tolist(), held.sources, held.labels[:32], held.groups[:32]
    )
    trainee = replace(setup.learner.trainee, sampler=First(setup.learner.sampler, rows))
    folder = RunFolder.create(case.home / "runs", f"turn-{turn}", setup.digest, True)
    with folder.lock(SilentObserver()):
        history = train(trainee, TrainingData(parts), setup.spec, folder, SilentObserver())
    return history.epochs[-1].samples_per_second


def sources_of(setup: RunSetup) -> Sources:
    """Where batches come from; frozen encoders run over all rows that lack features."""
    return open_sources(
        setup.spec, setup.learner.model, setup.stores, SilentObserver(),
        rows=list(range(len(setup.prepared.manifest))),
        statistics=setup.learner.inputs.statistics,
    )  # fmt: skip


def compared(case: Case, encoder: str, rows: int, turns: int) -> Figures:
    """Throughput on few images, whose pixels are at hand, and on all of them, in turns."""
    few = min(FEW, case.drawn.images // 3)
    studies = max(few * case.drawn.studies // case.drawn.images, 50)
    drawn = replace(case.drawn, images=few, studies=studies)
    small = replace(case, shards=case.home / "few", drawn=drawn)
    if not small.shards.exists():
        draw_shards(small.shards, drawn)
    words = f"model.image={encoder}"
    setups = [
        set_up(one.spec(f"of-{one.drawn.images}", words), SilentObserver()) for one in (small, case)
    ]
    speeds = [[speed(case, one, turn, rows) for one in setups] for turn in range(turns)]
    ratios = [large / little for little, large in speeds]
    return {
        "few": few, "decoded": [one.prepared.images.decoded for one in setups],
        "few_a_second": round(statistics.median(one for one, _ in speeds), 1),
        "all_a_second": round(statistics.median(one for _, one in speeds), 1),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(one, 2) for one in ratios], "least_ratio": LEAST_SPEED,
        "peak_gib": peak(),
    }  # fmt: skip


def pixels(case: Case) -> Figures:
    """A ResNet-18 that trains: every image of the large set is decoded in every epoch."""
    encoder = "{type: timm, arch: resnet18, weights: none, train: full}"
    return compared(case, encoder, rows=64, turns=5)


def features(case: Case) -> Figures:
    """A frozen encoder, whose features are read from the cache."""
    return compared(case, "wide", rows=6400, turns=5)


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


def first_shards(case: Case) -> Case:
    """A case of the first shard or two."""
    folder = case.home / "first"
    folder.mkdir(exist_ok=True)
    files = sorted(case.shards.glob("*.tar"))[:2]
    for file in files:
        if not (folder / file.name).exists():
            os.link(file, folder / file.name)
    drawn = replace(case.drawn, images=min(case.drawn.images, PER_SHARD * len(files)))
    return replace(case, shards=folder, drawn=drawn, memory_gb=0.0)


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


PARTS: Mapping[str, Callable[[Case], Figures]] = {
    "audit": audit, "pixels": pixels, "features": features, "stream": stream, "resume": resume,
    "processes": processes,
}  # fmt: skip
CHILDREN: Mapping[str, Callable[[Case], Figures]] = {"encode": encode, "share": share}


def words_of(case: Case, part: str) -> list[str]:
    """The command that does one part in a process of its own."""
    drawn = case.drawn
    return [
        sys.executable, __file__, "--images", str(drawn.images), "--studies", str(drawn.studies),
        "--size", str(drawn.size), "--memory-gb", str(case.memory_gb), "--home", str(case.home),
        "--folder", str(case.shards), "--child", part,
    ]  # fmt: skip


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
    if part == "processes" and found["by_both"] > 1:  # one validation row fills up the last batch
        faults.append("two processes read the same images")
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
