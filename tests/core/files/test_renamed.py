"""Folders under their earlier names."""

from pathlib import Path

import pytest

from mmx.files import under_new_name
from mmx.study.comparison_log import comparison_folder


def test_a_folder_is_renamed_once_and_keeps_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "one.jsonl").write_text("line\n")
    found = under_new_name(tmp_path / "new", "old")
    assert (found / "one.jsonl").read_text() == "line\n"
    assert not (tmp_path / "old").exists()


def test_a_folder_under_the_new_name_is_never_replaced(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "name").write_text(name)
    assert (under_new_name(tmp_path / "new", "old") / "name").read_text() == "new"
    assert (tmp_path / "old" / "name").read_text() == "old"


def test_the_earlier_variable_still_names_the_comparisons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MMX_COMPARISONS", raising=False)
    monkeypatch.setenv("MMX_LEDGER", str(tmp_path / "kept"))
    assert comparison_folder() == tmp_path / "kept"
