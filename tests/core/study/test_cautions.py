"""What a reader of a study is told first: arms whose training was left at its start."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mmx.study.cautions import cautions


def answers(folder: Path, *best: int) -> Any:
    """An arm whose runs kept these epochs."""
    (folder / "audit.json").write_text('{"waived": {}}')
    metrics = [{"best_epoch": epoch, "precision": "fp32"} for epoch in best]
    return SimpleNamespace(runs=[SimpleNamespace(path=folder, metrics=one) for one in metrics])


def test_arms_that_stay_at_the_fitted_head_are_told(tmp_path: Path) -> None:
    kept = {"base": (0, 0, 0), "wide": (4, 0, 2), "slow": (3, 1, 9)}
    given = {name: answers(tmp_path, *epochs) for name, epochs in kept.items()}
    (told,) = cautions([], given, tmp_path)
    assert told.startswith("Epoch 0 was kept, the head as it was fitted before training: base ")
    assert "base (runs: 3 of 3), wide (runs: 1 of 3). No later" in told
    assert not cautions([], {"slow": given["slow"]}, tmp_path)
