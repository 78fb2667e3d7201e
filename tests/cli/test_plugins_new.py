"""`mmx plugins new`: tells what it wrote, and refuses in plain words."""

from pathlib import Path

from typer.testing import CliRunner

from mmx_cli.main import app


def test_tells_each_file_and_what_comes_next(tmp_path: Path) -> None:
    words = ["plugins", "new", "fusion", "cross_talk", "--dir", str(tmp_path)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    *written, last = result.output.splitlines()
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert written == [f"wrote {file}" for file in files]
    assert last.startswith(f"next: cd {tmp_path / 'mmx-cross-talk'}, pip install -e")


def test_a_taken_name_ends_with_status_2(tmp_path: Path) -> None:
    words = ["plugins", "new", "fusion", "gated", "--dir", str(tmp_path)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert "error: fusion.gated is installed already" in result.output
    assert list(tmp_path.iterdir()) == []
