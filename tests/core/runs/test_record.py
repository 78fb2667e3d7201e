"""A finished run is as it was written, or is refused by the name of the file that is not."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import mmx
from mmx.errors import RunError
from mmx.files import seal
from mmx.runs import RunFolder

DIGEST = "0123456789abcdef" * 4


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run = RunFolder.create(tmp_path / "runs", "small", DIGEST)
    run.write_json("metrics.json", {"test": 1})
    run.write_bytes("deep/er/a.bin", bytes(range(256)))
    run.write_bytes("empty", b"")
    run.event("started")
    run.finish(digest=DIGEST)
    return run


def test_every_file_is_listed_and_found_as_written(folder: RunFolder) -> None:
    assert folder.record
    assert set(folder.record.files) == {"metrics.json", "deep/er/a.bin", "empty", "events.jsonl"}
    folder.check()
    assert folder.read_json("metrics.json") == {"test": 1}
    assert folder.read_bytes("deep/er/a.bin") == bytes(range(256))
    assert [event["event"] for event in folder.events()] == ["started"]
    assert folder.end["digest"] == DIGEST


def test_every_flipped_bit_is_refused_by_name(folder: RunFolder) -> None:
    for name in ("metrics.json", "deep/er/a.bin", "events.jsonl"):
        whole = (folder.path / name).read_bytes()
        for place in np.random.default_rng(0).choice(8 * len(whole), 40, replace=False).tolist():
            changed = bytearray(whole)
            changed[place // 8] ^= 1 << place % 8
            (folder.path / name).write_bytes(changed)
            with pytest.raises(RunError, match=name):
                folder.read_bytes(name)
            with pytest.raises(RunError, match=name):
                folder.check()
        (folder.path / name).write_bytes(whole)
    folder.check()


def test_every_flipped_bit_of_the_record_is_refused(folder: RunFolder) -> None:
    file = folder.path / "finished.json"
    whole = file.read_bytes()
    for place in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        file.write_bytes(changed)
        with pytest.raises(RunError, match="finished.json"):
            folder.read_json("metrics.json")


def test_cut_exchanged_missing_and_foreign_files_are_refused(folder: RunFolder) -> None:
    (folder.path / "empty").write_bytes(b"1")
    with pytest.raises(RunError, match="empty is not as it was written"):
        folder.read_bytes("empty")
    (folder.path / "deep/er/a.bin").write_bytes(bytes(range(255)))
    with pytest.raises(RunError, match=r"a\.bin is not as it was written"):
        folder.checked("deep/er/a.bin")
    (folder.path / "metrics.json").unlink()
    with pytest.raises(RunError, match=r"metrics\.json cannot be read"):
        folder.read_json("metrics.json")
    (folder.path / "planted.json").write_text("{}")
    with pytest.raises(RunError, match=r"planted\.json is not one of the files"):
        folder.read_json("planted.json")


def test_a_run_of_a_version_without_checksums_is_refused(folder: RunFolder) -> None:
    (folder.path / "finished.json").write_text('{"time": 1.0, "digest": "a"}')
    with pytest.raises(RunError, match="--fresh"):
        folder.read_json("metrics.json")


def test_what_comes_later_leaves_the_run_whole(folder: RunFolder) -> None:
    for name in ("evaluations/a/metrics.json", "reproduced/b/metrics.json", "hooks/log.txt"):
        folder.write_text(name, "later")
    folder.check()


def damaged(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_no_way_of_reading_a_run_takes_a_damaged_file(
    load: Callable[..., mmx.Spec], home: Path, tiny_spec: Path, tiny_plugin: Path
) -> None:
    spec = load("train.epochs=1", "inference=[{type: temperature}]")
    run = mmx.run(spec)
    case, files = {"text": "a spot"}, [tiny_plugin]
    uses: dict[str, Callable[[], object]] = {
        "metrics.json": run.headline,
        "predictions.parquet": lambda: run.predictions,
        "controls.parquet": lambda: run.controls,
        "report.html": lambda: run.report,
        "environment.json": lambda: mmx.predict(run.path, case, without=["image"], plugins=files),
        "model.json": lambda: mmx.predict(run.path, case, without=["image"], plugins=files),
        "model.safetensors": lambda: mmx.predict(run.path, case, without=["image"], plugins=files),
        "resolved.yaml": lambda: mmx.predict(run.path, case, without=["image"], plugins=files),
        "hooks.safetensors": lambda: mmx.predict(run.path, case, without=["image"], plugins=files),
        "hooks.json": lambda: mmx.predict(run.path, case, without=["image"], plugins=files),
        "split.csv": lambda: mmx.evaluate_run(run.path, tiny_spec, plugins=files),
        "training.json": lambda: mmx.reproduce(run.path, plugins=files),
        "audit.json": lambda: mmx.run(spec),
        "events.jsonl": lambda: mmx.run(spec),
        "spec.yaml": lambda: mmx.run(spec),
    }
    names = {file.name for file in run.path.iterdir() if file.is_file()}
    assert names - {"finished.json", ".lock"} == set(uses)
    shutil.copytree(run.path, home / "kept")
    for name, use in uses.items():
        damaged(run.path / name)
        with pytest.raises(mmx.RunError, match=name):
            use()
        shutil.copy(home / "kept" / name, run.path / name)
    evaluated = mmx.evaluate_run(run.path, tiny_spec, plugins=files).folder
    RunFolder(evaluated).check()
    damaged(evaluated / "metrics.json")
    with pytest.raises(mmx.RunError, match=r"metrics\.json"):
        RunFolder(evaluated).check()
    assert json.loads((run.path / "finished.json").read_text())["files"]


def test_nothing_is_written_through_a_link_of_a_run(folder: RunFolder, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "metrics.json").write_text("mine")
    (folder.path / "evaluations").symlink_to(theirs)
    with pytest.raises(RunError, match="evaluations is a link"):
        folder.write_json("evaluations/metrics.json", 1)
    assert (theirs / "metrics.json").read_text() == "mine"


def test_a_folder_that_is_no_run_is_not_emptied(tmp_path: Path) -> None:
    theirs = tmp_path / "runs" / f"small-{DIGEST[:12]}"
    theirs.mkdir(parents=True)
    (theirs / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="is no run of mmx"):
        RunFolder.create(tmp_path / "runs", "small", DIGEST, fresh=True)
    assert (theirs / "thesis.txt").exists()


def test_a_record_names_nothing_outside(folder: RunFolder) -> None:
    record = seal({"files": {"../../outside": "0" * 64}})
    (folder.path / "finished.json").write_bytes(record)
    with pytest.raises(RunError, match="lies outside"):
        folder.check()
