"""The log of comparisons: one line for each, whoever writes, and nothing lost."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mmx.errors import RunError
from mmx.study.comparison_log import ComparisonLog, Line, comparison_key


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ComparisonLog:
    monkeypatch.setenv("MMX_COMPARISONS", str(tmp_path / "kept"))
    return ComparisonLog.of(["a", "b"], ["x", "y"])


def line(key: str, p: float = 0.2, study: str = "s") -> Line:
    return Line(key, study, "arm", "base", "balanced_accuracy", p, 0.01, {"model.fusion.type": "g"})


def test_a_test_part_is_known_by_its_rows_in_any_order(log: ComparisonLog) -> None:
    assert ComparisonLog.of(["b", "a"], ["y", "x"]) == log
    assert ComparisonLog.of(["a", "b"], ["y", "x"]) != log
    assert ComparisonLog.of(["a", "b", "c"], ["x", "y", "x"]) != log


def test_the_same_comparison_is_one_line(log: ComparisonLog) -> None:
    first = log.note([line("1"), line("2")])
    again = log.note([line("1", p=0.3, study="other")])
    assert [one.key for one in again] == ["1", "2"]
    assert again[0].p == 0.3
    assert again[0].time == first[0].time > 0
    assert log.lines() == again


def test_a_comparison_is_known_by_its_runs_and_metric() -> None:
    key = comparison_key(["r1", "r2"], ["b1"], "accuracy")
    assert key == comparison_key(["r2", "r1"], ["b1"], "accuracy")
    others = [(["r1"], ["b1"], "accuracy"), (["r1", "r2"], ["b1"], "macro_f1"),
              (["b1"], ["r1", "r2"], "accuracy")]  # fmt: skip
    assert key not in {comparison_key(*other) for other in others}


def test_writers_at_once_lose_nothing(log: ComparisonLog) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda place: log.note([line(str(place))]), range(40)))
    assert {one.key for one in log.lines()} == {str(place) for place in range(40)}


@pytest.mark.parametrize("text", ["{", "[]", "null", json.dumps({"key": "1"}), "\x00"])
def test_a_line_that_is_not_ours_is_named(log: ComparisonLog, text: str) -> None:
    log.note([line("1")])
    with log.path.open("a") as file:
        file.write(text + "\n")
    with pytest.raises(RunError, match="line 2"):
        log.lines()


def test_a_flipped_bit_is_noticed(log: ComparisonLog) -> None:
    """In p, which decides verdicts, and in every other place but for the kind of a line break."""
    log.note([line("1", p=0.123)])
    content = log.path.read_bytes()
    for place in range(len(content) - 1):
        log.path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(RunError):
            log.lines()
