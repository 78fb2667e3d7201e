"""Which files training reads, by how many processes, and what is refused or told of it."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import mmx
from mmx.errors import SpecError
from mmx.experiment.run_setup import RunSetup, set_up
from mmx.pipeline import open_sources, reading_notes
from mmx.pipeline.training_files import check_processes
from mmx.runs import SilentObserver

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PIXELS, SHARDS = "model.image={type: tiny_image, train: full}", "train.sampler=shards"


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sixty pictures in twelve shards, none of whose pixels are kept."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    sets = import_module("scale_sets")
    drawn = sets.DrawnShards(images=60, studies=30, size=32, per_shard=5)
    sets.draw_shards(tmp_path / "shards", drawn, processes=1)
    return import_module("scale_case").Case(tmp_path, tmp_path / "shards", drawn, memory_gb=0.0)


def ready(spec: mmx.Spec) -> RunSetup:
    return set_up(spec, SilentObserver())


def notes(setup: RunSetup) -> list[str]:
    """What a run says of the files that it reads."""
    sources = open_sources(
        setup.spec, setup.learner.model, setup.stores, SilentObserver(),
        rows=list(range(len(setup.prepared.manifest))),
        statistics=setup.learner.inputs.statistics,
    )  # fmt: skip
    train = setup.prepared.split.rows("train").tolist()
    return reading_notes(setup.spec, setup.learner.sampler, sources, train)


def test_a_sampler_of_shards_is_told_them_wherever_they_lie(case: Any, tmp_path: Path) -> None:
    by_shards, shuffled = (ready(case.spec("a", *more)) for more in ((SHARDS,), ()))
    rows = by_shards.prepared.split.rows("train")
    lanes = by_shards.learner.sampler.lanes_of(range(len(rows)))
    shards = (rows // 5).tolist()
    assert len({*zip(shards, lanes, strict=True)}) == len({*shards})
    assert "files" not in shuffled.digests
    case.shards.rename(tmp_path / "elsewhere")
    moved = case.spec("a", SHARDS, f"data.dataset.path={tmp_path / 'elsewhere'}")
    assert ready(moved).digest == by_shards.digest


def test_which_rows_lie_together_counts_for_the_digest(case: Any, tmp_path: Path) -> None:
    sets = import_module("scale_sets")
    drawn = sets.DrawnShards(images=60, studies=30, size=32, per_shard=6)
    other = f"data.dataset.path={sets.draw_shards(tmp_path / 'ten', drawn, processes=1)}"
    first, second = (ready(case.spec("a", SHARDS, *more)) for more in ((), (other,)))
    assert first.digests["files"] != second.digests["files"]


@pytest.mark.parametrize(
    ("processes", "given", "words"),
    [
        (4, "train.batch_size=3", r"a batch of 3 rows cannot be shared by 4 processes.*at most 3"),
        (9, SHARDS, r"9 processes cannot share the 8 lanes.*launch at most 8"),
        (3, "train.sampler={type: shards, lanes: 2}", r"3 processes cannot share the 2 lanes"),
    ],
)
def test_more_processes_than_can_have_rows_are_refused(
    case: Any, monkeypatch: pytest.MonkeyPatch, processes: int, given: str, words: str
) -> None:
    setup = ready(case.spec("a", given))
    monkeypatch.setenv("WORLD_SIZE", str(processes - 1))
    check_processes(setup.spec, setup.learner.sampler)
    monkeypatch.setenv("WORLD_SIZE", str(processes))
    with pytest.raises(SpecError, match=words) as refused:
        ready(case.spec("a", given))
    (fault,) = refused.value.faults
    assert fault.key == given.partition("=")[0]


def test_a_launch_whose_processes_read_all_shards_says_so(
    case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = ready(case.spec("a", PIXELS))
    assert notes(setup) == []
    monkeypatch.setenv("WORLD_SIZE", "2")
    (told,) = notes(setup)
    assert "each of 2 processes reads rows of all 12 files" in told
    assert notes(ready(case.spec("a", PIXELS, SHARDS))) == []


@pytest.mark.parametrize("given", [[], [PIXELS, "data.memory_gb=1"]])
def test_an_order_by_files_that_saves_nothing_is_told(case: Any, given: list[str]) -> None:
    (told,) = notes(ready(case.spec("a", SHARDS, *given)))
    assert "of which training reads none here" in told
    assert notes(ready(case.spec("a", *given))) == []
