"""Digests of files: of several processes one reads the files, and nobody takes an old digest."""

import logging
import threading
import time
from pathlib import Path

import pytest

from mmx.data import Decoder, ImageReaders, file_keys, one_reader
from mmx.data.images import read_bytes
from mmx.interfaces import ImageSource, PackedImage
from mmx.spec import ImageSpec

SPEC = ImageSpec(height=8, width=8)


def asked(sources: list[ImageSource], folder: Path) -> list[str]:
    decoder = Decoder(SPEC, ImageReaders())
    return file_keys.file_keys(sources, decoder, folder, lambda done, total: None)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[ImageSource]:
    monkeypatch.setattr(one_reader, "FEW", 0)
    found: list[ImageSource] = []
    for name in ("a", "b", "c"):
        file = tmp_path / f"{name}.png"
        file.write_bytes(name.encode())
        found.append(file)
    return [*found, tmp_path / "gone.png"]


def test_who_waits_takes_what_the_other_one_read(
    files: list[ImageSource],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    here, go, read = threading.Event(), threading.Event(), list[object]()

    def slow(source: Path | PackedImage) -> bytes:
        read.append(source)
        here.set()
        assert go.wait(20)
        return read_bytes(source)

    monkeypatch.setattr(file_keys, "read_bytes", slow)
    found: dict[str, list[str]] = {}

    def ask(name: str) -> None:
        found[name] = asked(files, tmp_path / "cache")

    first, second = (threading.Thread(target=ask, args=(name,)) for name in ("first", "second"))
    first.start()
    assert here.wait(20)
    with caplog.at_level(logging.WARNING, "mmx.data"):
        second.start()
        while "waiting for process" not in caplog.text:
            assert second.is_alive()
            time.sleep(0.01)
    go.set()
    first.join(20)
    second.join(20)
    assert found["first"] == found["second"]
    assert len(set(found["first"])) == 4
    assert found["first"][3] == ""
    assert len(read) == 4  # each file once


def test_what_an_earlier_process_left_is_no_answer(
    files: list[ImageSource], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    before = asked(files, cache)
    assert len([*cache.glob("*.keys.json")]) == 1
    assert isinstance(files[0], Path)
    files[0].write_bytes(b"d")
    after = asked(files, cache)
    assert after[0] != before[0]
    assert after[1:] == before[1:]


class Packed(PackedImage):
    """Bytes that lie in no file."""

    name = "packed"

    def read(self) -> bytes:
        return b"x"


def test_images_that_lie_in_no_file_are_digested_by_everybody(
    files: list[ImageSource], tmp_path: Path
) -> None:
    assert len(set(asked([*files, Packed()], tmp_path / "cache"))) == 5
    assert not (tmp_path / "cache").exists()
