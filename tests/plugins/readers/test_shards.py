"""The benchmark of large data in small: shards are planned, audited, read and gone on with."""

import multiprocessing
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

import mmx
from mmx.experiment.run_setup import set_up
from mmx.runs import Progress, SilentObserver
from mmx_plugins.readers.webdataset import ShardImage

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
WHAT = ("model.image={type: tiny_image, train: full}", "train.threads=1", "train.epochs=2")
OFTEN = "train.checkpoint_minutes=0"
TWO_AT_A_TIME = "evaluation.batch_size=2"


class Stopped(SilentObserver):
    """Ends the process, as it were, after some steps of training."""

    def progress(self, progress: Progress) -> None:
        if progress.stage == "train" and progress.done >= 3:
            raise MemoryError("killed")


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sixty pictures in a shard, none of whose pixels are kept."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    sets = import_module("scale_sets")
    drawn = sets.DrawnShards(images=60, studies=30, size=32)
    sets.draw_shards(tmp_path / "shards", drawn, processes=1)
    monkeypatch.setenv("MMX_RUNS", str(tmp_path / "runs"))
    return import_module("scale_case").Case(tmp_path, tmp_path / "shards", drawn, memory_gb=0.0)


def test_shards_are_planned_and_audited(case: Any) -> None:
    scale = import_module("scale")
    found = scale.audit(case)
    assert scale.missed("audit", found, 60) == []
    assert (case.home / "audited" / "audit.html").is_file()


def test_a_run_on_shards_that_was_ended_goes_on_to_the_same_weights(case: Any) -> None:
    whole = mmx.run(case.spec("whole", *WHAT))
    with pytest.raises(MemoryError):
        mmx.run(case.spec("ended", *WHAT, OFTEN), observer=Stopped())
    ended = mmx.run(case.spec("ended", *WHAT, OFTEN))
    assert '"resumed"' in (ended.folder.path / "events.jsonl").read_text()
    for name in ("model.safetensors", "predictions.parquet"):
        here, there = (one.folder.path / name for one in (ended, whole))
        assert here.read_bytes() == there.read_bytes(), name


def test_features_of_shards_are_encoded_once(case: Any) -> None:
    sources_of = import_module("scale_case").sources_of
    processes = import_module("scale_processes")
    setup = set_up(case.spec("stream", "model.image=wide"), SilentObserver())
    assert sources_of(setup).encoded["image"] == 60
    assert sources_of(setup).encoded["image"] == 0
    numbers = processes.held(case.home / "cache") / 2  # and a few of the notes
    assert numbers // processes.WIDTH == 60


def test_two_processes_encode_disjoint_shards(
    tmp_path: Path, case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which shard files each of them opens while both run a frozen encoder over all images."""
    sets = import_module("scale_sets")
    drawn = replace(case.drawn, per_shard=5)
    small = replace(case, shards=sets.draw_shards(tmp_path / "twelve", drawn, processes=1))
    setup = set_up(small.spec("split", "model.image=wide", TWO_AT_A_TIME), SilentObserver())
    forked = multiprocessing.get_context("fork")
    together, opened = forked.Barrier(2), forked.Queue()

    def encode() -> None:
        torch.set_num_threads(1)  # those of the parent are not there
        seen, plain = set[str](), ShardImage.head

        def noted(image: ShardImage, size: int) -> bytes:
            if not seen:
                together.wait(20)  # both hold a shard before either goes on
            seen.add(image.shard.name)
            return plain(image, size)

        monkeypatch.setattr(ShardImage, "head", noted)
        import_module("scale_case").sources_of(setup)
        opened.put(seen)

    both = [forked.Process(target=encode) for _ in range(2)]
    for one in both:
        one.start()
    first, second = (opened.get(timeout=40) for _ in both)
    for one in both:
        one.join(60)
    assert first
    assert second
    assert not first & second
    assert len(first | second) == 12
