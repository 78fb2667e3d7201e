"""How a text file is written tells where it comes from; what stands in it is not looked at."""

from pathlib import Path

import numpy as np
import pytest

import mmx
from mmx.audit import all_checks, examine
from mmx.pipeline import prepare, subject_of
from mmx.pipeline.text_file_traces import text_file_traces
from mmx.runs import SilentObserver

UNIX, WINDOWS = "as Unix writes them", "as Windows writes them"


@pytest.mark.parametrize(
    ("content", "encoding", "ends"),
    [
        (b"a\nb", "UTF-8", UNIX),
        (b"a\r\nb\n", "UTF-8", WINDOWS),
        ("Müller".encode(), "UTF-8", None),
        ("Müller\n".encode("cp1252"), "other", UNIX),
        ("发热\n".encode("gbk"), "other", UNIX),
        (b"\xef\xbb\xbfa\n", "UTF-8 with a mark", UNIX),
        ("a".encode("utf-16"), "UTF-16", None),
        (b"", "UTF-8", None),
        (b"a" * (2**16 - 1) + "ü".encode(), "UTF-8", None),  # cut in the middle of a letter
        (b"a" * (2**16 + 9) + "ü\n".encode("cp1252"), "UTF-8", None),  # beyond what is looked at
    ],
)
def test_what_a_file_says(tmp_path: Path, content: bytes, encoding: str, ends: str | None) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    told = {"encoding": encoding, "line ends": ends}
    assert text_file_traces(tmp_path / "a.txt") == told


def test_a_row_without_a_file_says_nothing(tmp_path: Path) -> None:
    assert text_file_traces(None) == {}
    assert text_file_traces(tmp_path / "gone.txt") == {}


SPEC = """
name: traces
data:
  dataset: {type: table, path: t.csv, text_files: letter, label: dx, group: null}
  narrative: {type: column, column: letter}
model: {text: tiny_text, fusion: text_only}
"""


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("ends", "'line ends of the file in letter'"),
        ("name", "'pattern of the file name in letter'"),
        ("folder", "'folder of the file in letter'"),
        (None, ""),
    ],
)
def test_a_class_whose_letters_are_written_elsewhere_is_found(
    home: Path, tiny_plugin: Path, what: str | None, told: str
) -> None:
    draw, lines = np.random.default_rng(0), ["letter,dx"]
    for row in range(80):
        ill = row % 2 and what
        folder = "clinic" if ill and what == "folder" else "practice"
        name = f"{folder}/{'letter' if ill and what == 'name' else 'note'}_{row}.txt"
        (home / name).parent.mkdir(exist_ok=True)
        words = " ".join(draw.choice(["spot", "red", "itches", "weeks", "old"], 8))
        end = "\r\n" if ill and what == "ends" else "\n"
        (home / name).write_bytes(f"{words}{end}".encode())
        lines.append(f"{name},{'ab'[row % 2]}")
    (home / "t.csv").write_text("\n".join(lines))
    (home / "spec.yaml").write_text(SPEC)
    spec = mmx.load_spec(home / "spec.yaml", plugins=[tiny_plugin])
    checks = [one for one in all_checks(None) if one.id in ("file_traces", "telling_columns")]
    found = examine(subject_of(spec, prepare(spec, SilentObserver())), checks)
    assert [told in one.message for one in found] == [True] * bool(what), found
