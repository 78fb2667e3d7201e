"""Whole writes, own folders, sealed data, journals and locks."""

import os
import subprocess
import sys
from pathlib import Path
from stat import S_ISDIR

import pytest

from mmx.files import (
    Busy,
    Hold,
    Journal,
    UnfitFileError,
    keep,
    own_folder,
    recall,
    remove_parts,
    seal,
    temporary,
    unseal,
    write_whole,
)

BODY = {"b": [1, 2.5, None, "ü"], "a": {"x": True}}


def test_no_two_writers_share_a_temporary_name(tmp_path: Path) -> None:
    names = {temporary(tmp_path).name for _ in range(1000)}
    assert len(names) == 1000
    assert all(str(os.getpid()) in name for name in names)


def test_a_device_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnfitFileError, match="named pipe"):
        write_whole(tmp_path / "pipe", b"1")
    assert (tmp_path / "pipe").is_fifo()


def test_only_what_writers_left_is_swept(tmp_path: Path) -> None:
    temporary(tmp_path).write_bytes(b"half")
    others = [".mmx-notes.part.txt", ".mine.part", "a.part", ".mmx- a.part"]
    for name in others:
        (tmp_path / name).write_bytes(b"mine")
    remove_parts(tmp_path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(others)


def test_an_own_folder_is_empty_or_marked(tmp_path: Path) -> None:
    own_folder(tmp_path / "new" / "cache")
    (tmp_path / "new" / "cache" / "a").write_text("1")
    own_folder(tmp_path / "new" / "cache")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.txt").write_text("years of work")
    with pytest.raises(UnfitFileError, match="not mmx's"):
        own_folder(tmp_path / "theirs")
    (tmp_path / "theirs" / "CACHEDIR.TAG").write_text(
        "Signature: 8a477f597d28d172789f06886806bc55\n# of another program\n"
    )
    with pytest.raises(UnfitFileError, match="not mmx's"):
        own_folder(tmp_path / "theirs")


def test_sealed_data_comes_back(tmp_path: Path) -> None:
    assert unseal(seal(BODY)) == BODY
    keep(tmp_path / "kept.json", BODY)
    assert recall(tmp_path / "kept.json") == BODY
    assert recall(tmp_path / "nothing.json") is None


def test_every_flipped_bit_of_sealed_data_is_noticed() -> None:
    whole = seal(BODY)
    for place in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(ValueError):  # noqa: PT011 - words of json, too
            unseal(bytes(changed))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"7", b"[" * 100_000])
def test_what_was_never_sealed_is_no_sealed_data(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - as above
        unseal(content)


def test_every_flipped_bit_of_a_journal_is_noticed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.jsonl")
    lines = [{"number": number, "word": "x"} for number in range(3)]
    for line in lines:
        journal.append(line)
    assert journal.read() == (lines, 0)
    whole = journal.path.read_bytes()
    for place in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        journal.path.write_bytes(changed)
        found, bad = journal.read()
        assert bad or found == lines  # a line's end is not one of its words
        assert all(line in lines for line in found)


def test_half_a_line_of_a_journal_stays_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.jsonl")
    journal.append({"a": 1})
    with journal.path.open("ab") as file:
        file.write(b'{"a": 2')
    journal.append({"a": 3})
    assert journal.read() == ([{"a": 1}, {"a": 3}], 1)


def test_a_lock_names_its_holder_and_dies_with_it(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from mmx.files import Hold\n"
        "with Hold(Path(sys.argv[1])).now():\n    print('ready', flush=True); time.sleep(60)"
    )
    lock = tmp_path / "a.lock"
    words = [sys.executable, "-c", code, str(lock)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "ready\n"
        with pytest.raises(Busy, match=f"process {holder.pid}"), Hold(lock).now():
            pytest.fail("two hold one lock")
        holder.kill()
    told: list[str] = []
    with Hold(lock).later(told.append):
        assert told == []


def test_a_file_and_its_folder_are_synced_before_the_writer_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = list[bool]()
    monkeypatch.setattr(
        os, "fsync", lambda handle: synced.append(S_ISDIR(os.fstat(handle).st_mode))
    )
    write_whole(tmp_path / "new", b"content")
    assert synced == [False, True]
