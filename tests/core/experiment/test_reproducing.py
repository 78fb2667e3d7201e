"""A run is made again from its own files; what differs is named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mmx
from mmx import commands
from mmx.pipeline import identity
from mmx.runs import RunFolder

Load = Callable[..., mmx.Spec]


def results(found: commands.Reproduction) -> dict[str, bool]:
    return {one.name: one.same for one in found.results}


def change_json(file: Path, change: Callable[[Any], object]) -> None:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


@pytest.fixture
def copied(home: Path, tiny_plugin: Path) -> Path:
    """A plugin file that may be edited."""
    return Path(shutil.copy(tiny_plugin, home / "mine.py"))


def test_the_same_surroundings_give_the_same_bits(
    load: Load, home: Path, tiny_plugin: Path
) -> None:
    run = mmx.run(load("train.threads=1", "inference=[{type: temperature}]"))
    before = {f: f.read_bytes() for f in run.path.rglob("*") if f.is_file()}
    found = mmx.reproduce(run.path, out=home / "again", plugins=[tiny_plugin])
    assert found.identical
    assert results(found) == dict.fromkeys(("digest", "weights", "predictions", "metrics"), True)
    assert found.surroundings == ()
    assert found.run.path.parent == home / "again"
    assert {f: f.read_bytes() for f in run.path.rglob("*") if f.is_file()} == before


def test_it_trains_again_and_takes_nothing_from_the_old_run(load: Load, tiny_plugin: Path) -> None:
    run = mmx.run(load())
    first = mmx.reproduce(run.path, plugins=[tiny_plugin])
    assert first.run.path.parent == run.path / "reproduced"
    (first.run.path / "model.safetensors").unlink()  # a stale result must not be returned
    assert mmx.reproduce(run.path, plugins=[tiny_plugin]).identical


def test_another_method_is_named(home: Path, tiny_spec: Path, copied: Path) -> None:
    run = mmx.run(mmx.load_spec(tiny_spec, plugins=[copied]))
    copied.write_text(copied.read_text().replace("stride=8", "stride=7"))
    found = mmx.reproduce(run.path, plugins=[copied])
    assert not found.identical
    assert not any(results(found)[name] for name in ("digest", "predictions", "metrics"))
    keys = {one.key for one in found.surroundings}
    assert {"methods.encoder.tiny_image.source", "methods.encoder.tiny_image.version"} <= keys
    assert not any(key.startswith(("libraries", "data")) for key in keys)


def test_other_texts_are_named(home: Path, tiny_spec: Path, tiny_plugin: Path) -> None:
    def table(word: str) -> None:
        labels = [f"note {row % 7} {word},{'ab'[row % 2]},g{row}" for row in range(40)]
        (home / "t.csv").write_text("notes,label,group\n" + "\n".join(labels) + "\n")

    table("red")
    dataset = "data.dataset={type: table, path: t.csv, text: notes, label: label, group: group}"
    words = [dataset, "data.narrative.column=notes", "model.fusion=text_only"]
    run = mmx.run(mmx.load_spec(tiny_spec, overrides=words, plugins=[tiny_plugin]))
    table("blue")
    found = mmx.reproduce(run.path, plugins=[tiny_plugin])
    assert not results(found)["digest"]
    assert "data.texts" in {one.key for one in found.surroundings}
    (home / "t.csv").write_text("notes,label,group\nonly,a,x\nrow,b,y\n")
    with pytest.raises(mmx.RunError, match="cannot be made again: the split .*split.csv names"):
        mmx.reproduce(run.path, plugins=[tiny_plugin])


def test_another_library_is_named_though_the_result_is_the_same(
    load: Load, monkeypatch: pytest.MonkeyPatch, tiny_plugin: Path
) -> None:
    run = mmx.run(load())
    known = identity._version
    monkeypatch.setattr(identity, "_version", lambda n: "9.9" if n == "timm" else known(n))
    found = mmx.reproduce(run.path, plugins=[tiny_plugin])
    assert found.identical
    assert [(one.key, one.right) for one in found.surroundings] == [("libraries.timm", "9.9")]


def written_so(run: mmx.Run) -> None:
    """Its checksums are made anew, as if the run had been written so."""
    RunFolder(run.path).finish(digest=RunFolder(run.path).end["digest"])


def test_what_was_altered_in_the_old_run_is_found(load: Load, tiny_plugin: Path) -> None:
    run = mmx.run(load())
    table = pd.read_parquet(run.path / "predictions.parquet")
    first = next(name for name in table if str(name).startswith("p_"))
    table[first] = table[first] + 0.25 * (table.index == 0)
    table.to_parquet(run.path / "predictions.parquet", index=False)
    change_json(run.path / "metrics.json", lambda m: m["test"]["metrics"]["accuracy"].update(
        value=2.0))  # fmt: skip
    written_so(run)
    found = mmx.reproduce(run.path, plugins=[tiny_plugin])
    by_name = {one.name: one for one in found.results}
    assert by_name["weights"].same
    assert "0 of" in by_name["predictions"].words
    assert "by at most 0.25" in by_name["predictions"].words
    assert "1 figures differ, such as test.metrics.accuracy.value 2.0" in by_name["metrics"].words


def test_precision_and_threads_are_those_of_the_run(load: Load, tiny_plugin: Path) -> None:
    run = mmx.run(load("train.epochs=1"))
    change_json(run.path / "training.json", lambda one: one.update(precision="bf16", threads=2))
    change_json(run.path / "environment.json", lambda one: one.update(threads=2))
    written_so(run)
    found = mmx.reproduce(run.path, plugins=[tiny_plugin])
    settled = json.loads((found.run.path / "training.json").read_text())
    assert (settled["precision"], settled["threads"]) == ("bf16", 2)
    assert json.loads((found.run.path / "environment.json").read_text())["threads"] == 2


def test_what_cannot_be_made_again_says_so(home: Path, tiny_spec: Path, copied: Path) -> None:
    with pytest.raises(mmx.RunError, match="does not exist; only a finished run"):
        mmx.reproduce(home / "nowhere")
    run = mmx.run(mmx.load_spec(tiny_spec, plugins=[copied]))
    change_json(run.path / "environment.json", lambda one: one["libraries"].update(torch="1.0"))
    written_so(run)
    copied.unlink()
    with pytest.raises(mmx.RunError, match="mine.py does not exist") as caught:
        mmx.reproduce(run.path, plugins=[copied])
    assert "libraries.torch: 1.0 -> " in str(caught.value)
