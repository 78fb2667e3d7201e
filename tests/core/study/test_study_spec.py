"""Faults of a study file are told at their place, in plain words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmx import SpecError
from mmx.study import load_study

Write = Callable[..., Path]


def test_a_whole_study_is_read(write_study: Write) -> None:
    study = load_study(write_study())
    assert study.study == "tiny"
    assert study.base.name == "tiny.yaml"
    assert study.base.is_absolute()
    assert study.metric is None  # the headline of the task of its base
    assert study.file.name == "study.yaml"
    assert "vary: model.fusion" in study.text


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"base": "nothing.yaml"}, "there is no file"),
        ({"arms": []}, "arms is empty"),
        ({"vary": None}, "a list of arms needs vary"),
        ({"seeds": [1, 1]}, "twice"),
        ({"seeds": []}, "seeds"),
        ({"arm": ["a"]}, "nearest: arms"),
        ({"study": "a/b"}, "study"),
        ({"vary": {"one_at_a_time": {"train.epochs": [1]}}}, "leave arms out"),
        ({"vary": {"one_at_a_time": {}}}, "one_at_a_time"),
    ],
)
def test_faults(write_study: Write, keys: dict[str, Any], words: str) -> None:
    file = write_study(**keys)
    with pytest.raises(SpecError, match=words) as caught:
        load_study(file)
    assert all(fault.file == file for fault in caught.value.faults)


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("- a\n")
    with pytest.raises(SpecError, match="mapping"):
        load_study(file)
