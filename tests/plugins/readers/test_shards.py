"""The benchmark of large data in small: shards are planned, audited, read and gone on with."""

import runpy
from pathlib import Path
from typing import Any

import pytest

import mmx
from mmx.runs import Progress, SilentObserver

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "scale.py"
WHAT = ("model.image={type: tiny_image, train: full}", "train.threads=1", "train.epochs=2")
OFTEN = "train.checkpoint_minutes=0"


class Stopped(SilentObserver):
    """Ends the process, as it were, after some steps of training."""

    def progress(self, progress: Progress) -> None:
        if progress.stage == "train" and progress.done >= 3:
            raise MemoryError("killed")


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sixty pictures in a shard, none of whose pixels are kept."""
    bench = runpy.run_path(str(BENCHMARK))
    drawn = bench["DrawnShards"](images=60, studies=30, size=32)
    bench["draw_shards"](tmp_path / "shards", drawn, processes=1)
    monkeypatch.setenv("MMX_RUNS", str(tmp_path / "runs"))
    return bench["Case"](tmp_path, tmp_path / "shards", drawn, memory_gb=0.0), bench


def test_shards_are_planned_and_audited(case: Any) -> None:
    drawn, bench = case
    found = bench["audit"](drawn)
    assert bench["missed"]("audit", found, 60) == []
    assert (drawn.home / "audited" / "audit.html").is_file()


def test_a_run_on_shards_that_was_ended_goes_on_to_the_same_weights(case: Any) -> None:
    drawn, _ = case
    whole = mmx.run(drawn.spec("whole", *WHAT))
    with pytest.raises(MemoryError):
        mmx.run(drawn.spec("ended", *WHAT, OFTEN), observer=Stopped())
    ended = mmx.run(drawn.spec("ended", *WHAT, OFTEN))
    assert '"resumed"' in (ended.folder.path / "events.jsonl").read_text()
    for name in ("model.safetensors", "predictions.parquet"):
        here, there = (one.folder.path / name for one in (ended, whole))
        assert here.read_bytes() == there.read_bytes(), name


def test_features_of_shards_are_encoded_once(case: Any) -> None:
    drawn, bench = case
    setup = bench["set_up"](drawn.spec("stream", "model.image=wide"), SilentObserver())
    assert bench["sources_of"](setup).encoded["image"] == 60
    assert bench["sources_of"](setup).encoded["image"] == 0
    numbers = bench["held"](drawn.home / "cache") / 2  # and a few of the notes
    assert numbers // bench["WIDTH"] == 60
