"""Thirty hostile text files: each is read as text, or a row of the data report with its reason."""

import os
import random
from pathlib import Path

import pandas
import pytest

from mmx import TableRows
from mmx.interfaces import Layout
from mmx_plugins.narratives.column import ColumnParams

REPORT = "INDICATION: Husten seit fünf Tagen, später Größe 4 mm.\nFINDINGS: kein Erguss.\n"
REFUSED: dict[str, bytes] = {
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "docx": b"PK\x03\x04\x14\x00\x06\x00[Content_",
    "doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "rtf": b"{\\rtf1\\ansi a}",
    "gzip": b"\x1f\x8b\x08\x00\x00", "page": b"<!DOCTYPE html><html><body>a", "page2": b"<HTML>a",
    "png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
    "zeros": bytes(5000), "zero inside": b"a quiet lung\x00 and a secret",
    "utf-16 without a mark": REPORT.encode("utf-16-le"), "half of utf-16": b"\xff\xfea\x00b",
    "lone surrogate": b"\xff\xfe\x00\xd8a\x00", "overlong": b"a \xc0\xaf b",
    "cut utf-8": "Größe von Übersichten ü".encode()[:-1], "surrogate in utf-8": b"a \xed\xa0\x80 b",
    "utf-32 of nothing": b"\xff\xfe\x00\x00\x00\x00\x11\x00", "bells": b"\x07\x08\x01" * 400,
    "elf": b"\x7fELF\x02\x01\x01" + bytes(9), "chance": random.Random(1).randbytes(3000),
    "koi8": "лёгкие чистые".encode("koi8_r"), "shift-jis": "肺炎の疑い".encode("shift_jis"),
    "too large": b"a" * ((4 << 20) + 1),
}  # fmt: skip
READ: dict[str, bytes] = {
    "plain": REPORT.encode(), "marked": REPORT.encode("utf-8-sig"),
    "utf-16": REPORT.encode("utf-16"), "western": REPORT.encode("cp1252"),
    "old mac": REPORT.replace("\n", "\r").encode(), "one line": b"a " * 900_000,
    "colons": b"A:" * 60_000, "signs of direction": "INDICATION: a \u202eb\u202c".encode(),
    "formula": b'=HYPERLINK("a")', "tags": b"INDICATION: <script>alert(1)</script>",
}  # fmt: skip


@pytest.mark.filterwarnings("error")
def test_each_is_text_or_a_row_with_its_reason(tmp_path: Path) -> None:
    files = {**REFUSED, **READ}
    assert len(files) >= 30
    for name, content in files.items():
        (tmp_path / f"{name}.txt").write_bytes(content)
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    (tmp_path / "zero.txt").symlink_to("/dev/zero")
    (tmp_path / "folder.txt").mkdir()
    others = ["pipe", "loop", "zero", "folder", "gone"]
    cells = [f"{name}.txt" for name in (*files, *others)]
    table = pandas.DataFrame({"report": cells})
    rows = TableRows(Layout(text_files=("report",)), table, tmp_path)
    reasons = {one.row: one.reason for one in rows.rejected}
    wrong = [f"row {cells.index(f'{name}.txt') + 2}" for name in (*REFUSED, *others)]
    assert sorted(reasons) == sorted(wrong)
    assert all(len(words) < 600 and "\0" not in words for words in reasons.values())
    assert len(rows) == len(READ)
    writer = ColumnParams(column="report", sections=("INDICATION",)).build(None)
    written = dict(zip(READ, (writer.write(sample) for sample in rows), strict=True))
    german = "Husten seit fünf Tagen, später Größe 4 mm."
    assert [name for name, text in written.items() if text == german] == [
        "plain", "marked", "utf-16", "western", "old mac",
    ]  # fmt: skip
    assert written["tags"] == "<script>alert(1)</script>"  # pages escape it
    assert len(writer.notes(list(rows))) == 1
