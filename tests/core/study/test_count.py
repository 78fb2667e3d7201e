"""Operations of a trained model, by hand and for a fusion whose queries are parameters."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import mmx
from mmx.runs import SilentObserver
from mmx.study.count import write_operations

Load = Callable[..., mmx.Spec]


def operations(spec: mmx.Spec, folder: Path) -> int:
    """Of one test row of the run of this spec."""
    run = mmx.run(spec)
    file = folder / "count" / "operations.json"
    write_operations(run.path, file, SilentObserver(), plugins=spec.plugin_files)
    found: int = json.loads((folder / "count" / "operations.json").read_text())["operations"]
    return found


def test_projections_and_head_are_two_operations_a_weight(load: Load, tmp_path: Path) -> None:
    found = operations(load("train.epochs=1"), tmp_path)
    wider = operations(load("train.epochs=1", "model.head.hidden=32"), tmp_path)
    # concatenation of two vectors of 8; three classes
    assert wider - found == 2 * 16 * (16 + 3)


@pytest.mark.parametrize("fusion", ["perceiver", "bottleneck", "late"])
def test_parameters_that_are_no_layers_are_no_trouble(
    load: Load, tmp_path: Path, fusion: str
) -> None:
    assert operations(load("train.epochs=1", f"model.fusion={fusion}"), tmp_path) > 0


def test_texts_from_similar_images_are_made_again(load: Load, tmp_path: Path) -> None:
    spec = load("train.epochs=1", "data.narrative={type: rangm, level: retrieved}")
    assert operations(spec, tmp_path) > 0
