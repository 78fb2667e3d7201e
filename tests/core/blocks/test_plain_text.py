"""A file of plain text is decoded as strictly as a table, and what is no text says what it is."""

import os
from pathlib import Path

import pytest

from mmx import DataError
from mmx.blocks import read_plain_text
from mmx.errors import SettingsError

GERMAN = "Größe 4 mm, kein Erguss, Übersicht über das Präparat"
CHINESE = "患者男性，左上肺有一个直径约两厘米的阴影，边界不清"


@pytest.mark.parametrize(
    ("text", "encoding", "guess"),
    [
        (GERMAN, "utf-8", None), (GERMAN, "utf-8-sig", None), (GERMAN, "utf-16", None),
        (GERMAN, "utf-32", None), (GERMAN, "cp1252", "cp1252"), (CHINESE, "gbk", "gbk"),
        ("", "utf-8", None),
    ],
)  # fmt: skip
def test_what_a_file_says_or_its_letters_speak_for(
    tmp_path: Path, text: str, encoding: str, guess: str | None
) -> None:
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    found = read_plain_text(tmp_path / "a.txt")
    assert (found.text, found.guess) == (text, guess)


def test_line_ends_are_those_of_unix(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"HISTORY: a\r\nFINDINGS: b\rEND: c")
    assert read_plain_text(tmp_path / "a.txt").text == "HISTORY: a\nFINDINGS: b\nEND: c"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.7 ...", "a PDF"), (b"{\\rtf1 a}", "RTF"), (b"PK\x03\x04rest", "packed document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Word"), (b"\x1f\x8b\x08rest", "packed by gzip"),
        (b"\n <!DOCTYPE HTML><p>a", "a web page"), (b"a\x00b\x00", "zero bytes"),
        ("a b".encode("utf-16-le"), "UTF-16 without a mark"), (b"\xff\xfea", "not utf-16"),
        (b"\xe9\xe8\xe0 \xf0\xf1", "not utf-8"), (bytes(range(1, 9)) * 9, "control characters"),
    ],
)  # fmt: skip
def test_what_is_no_plain_text_says_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_plain_text(tmp_path / "a.txt")


def test_what_is_no_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_plain_text(tmp_path / "a.txt")
    with pytest.raises(DataError, match="a folder"):
        read_plain_text(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="a named pipe"):
        read_plain_text(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"a" * (4 << 20) + b"b")
    with pytest.raises(DataError, match="more than the 4194304 that are read"):
        read_plain_text(tmp_path / "large")


def test_an_encoding_is_taken_as_it_is_stated(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(GERMAN.encode("utf-16-le"))
    assert read_plain_text(tmp_path / "a.txt", "utf-16-le").text == GERMAN
    with pytest.raises(DataError, match="not ascii"):
        read_plain_text(tmp_path / "a.txt", "ascii")
    with pytest.raises(SettingsError, match="'utf9' is unknown"):
        read_plain_text(tmp_path / "a.txt", "utf9")
