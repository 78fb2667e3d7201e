"""Only regular files are read, and never more of them than is allowed."""

import os
import socket
import threading
from pathlib import Path

import pytest

from mmx.files import UnfitFileError, need_regular, read_regular


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"12345")
    assert read_regular(file, limit=5) == b"12345"
    with pytest.raises(UnfitFileError, match="5 bytes, more than the 4"):
        read_regular(file, limit=4)


def test_what_is_no_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # a reader would wait for ever
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "socket"))
        for name, kind in (("pipe", "named pipe"), ("socket", "socket"), ("", "folder")):
            with pytest.raises(UnfitFileError, match=kind):
                read_regular(tmp_path / name, limit=9)
    with pytest.raises(UnfitFileError, match="device"):
        read_regular("/dev/zero", limit=9)


def test_a_link_is_followed_only_where_that_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "link").symlink_to("a")
    assert read_regular(tmp_path / "link", limit=9) == b"1"
    with pytest.raises(UnfitFileError, match="link"):
        read_regular(tmp_path / "link", limit=9, links=False)


def test_a_file_that_grows_while_it_is_read_ends_at_the_limit(tmp_path: Path) -> None:
    file, stop = tmp_path / "growing", threading.Event()
    file.write_bytes(b"")

    def grow() -> None:
        with file.open("ab") as stream:
            while not stop.is_set():
                stream.write(bytes(1 << 16))

    growing = threading.Thread(target=grow)
    growing.start()
    try:
        while file.stat().st_size < 1 << 18:
            pass
        with pytest.raises(UnfitFileError, match="more than"):
            read_regular(file, limit=1 << 18)
    finally:
        stop.set()
        growing.join()


def test_files_of_the_system_that_tell_no_size_are_read() -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc here")
    assert b"Pid" in read_regular("/proc/self/status", limit=1 << 20)


def test_the_words_hold_no_number_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"^it is a folder, not a regular file$"):
        need_regular(tmp_path)
