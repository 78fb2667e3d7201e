"""Whatever may take long on large data is told before it begins, not when it is done."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mmx
from mmx.data import (
    decoded_images,
    file_keys,
    found_files,
    grey_range,
    listed_parts,
    manifest,
    tables,
    text_files,
    texts,
)
from mmx.pipeline import prepare
from mmx.runs import Progress, SilentObserver

SPEC = """\
name: many
data:
  dataset:
    {type: table, path: cases.csv, images: [photo], suffix: found, text_files: report,
     label: finding, group: person, id: photo}
  narrative: {type: column, column: report}
  image: {height: 8, width: 8}
  split: {files: {train: train.txt, validation: validation.txt, test: test.txt}}
model: {image: tiny_image, text: tiny_text, fusion: concat}
"""
# what may take long -> the function that does it, and what is told before it begins
SLOW = {
    "a table": ((tables, "_opened"), "cases.csv"),
    "a folder": ((found_files, "_files"), "cases.csv"),
    "a text file": ((text_files, "_attempt"), "text files"),
    "each row": ((manifest, "_row_digest"), "rows"),
    "a list of a split": ((listed_parts, "read_list"), "split"),
    "the head of an image": ((grey_range, "_head"), "range of grey"),
    "a digest": ((file_keys, "_content"), "images"),
    "pixels": ((decoded_images, "decode"), "images"),
    "texts": ((texts, "new_texts"), "texts"),
}


class Told(SilentObserver):
    """Notes what was told last, each time that something slow begins."""

    def __init__(self) -> None:
        self.last = ""
        self.before: dict[str, list[str]] = {}

    def progress(self, progress: Progress) -> None:
        self.last = progress.unit

    def slow(self, what: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same work, noted."""

        def noted(*given: Any, **named: Any) -> Any:
            self.before.setdefault(what, []).append(self.last)
            return work(*given, **named)

        return noted


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    watcher = Told()
    for what, ((module, name), _) in SLOW.items():
        monkeypatch.setattr(module, name, watcher.slow(what, getattr(module, name)))
    return watcher


@pytest.fixture
def spec(home: Path, write_cases_into: Callable[..., Path], tiny_plugin: Path) -> mmx.Spec:
    """A spec that reads a table, a folder, texts in files, lists of a split and images."""
    table = write_cases_into(home)
    lines = table.read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in lines[1:]]
    written = ["photo,report,finding,person"]
    for number, (photo, _, finding, person, *_) in enumerate(rows):
        (home / f"{number}.txt").write_text(f"Note {number}.")
        written.append(f"{photo.removesuffix('.png')},{number}.txt,{finding},{person}")
    table.write_text("\n".join(written) + "\n")
    names = [line.split(",")[0] for line in written[1:]]
    for part, own in (("train", names[:6]), ("validation", names[6:8]), ("test", names[8:])):
        (home / f"{part}.txt").write_text("\n".join(own) + "\n")
    (home / "spec.yaml").write_text(SPEC)
    return mmx.load_spec(home / "spec.yaml", plugins=[tiny_plugin])


def test_each_kind_of_reading_is_told_before_it_begins(spec: mmx.Spec, told: Told) -> None:
    prepare(spec, told)
    assert {what: {*before} for what, before in told.before.items()} == {
        what: {words} for what, (_, words) in SLOW.items()
    }


@pytest.mark.parametrize("verb", [mmx.run, mmx.audit_spec, lambda spec, observer: mmx.narratives(
    spec, 1, observer=observer)], ids=["run", "audit", "narratives"])  # fmt: skip
def test_nothing_is_read_before_a_word_was_said(
    verb: Callable[..., Any], spec: mmx.Spec, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise mmx.DataError("far enough")

    monkeypatch.setattr(tables, "_opened", told.slow("a table", refused))
    with pytest.raises(mmx.DataError, match="far enough"):
        verb(spec, observer=told)
    assert told.before == {"a table": ["cases.csv"]}
