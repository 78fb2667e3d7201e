"""Baselines of the record: which a study has, what is refused at its line, and what they see."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mmx.errors import SpecError
from mmx.study.arms import Arms, resolve_arms
from mmx.study.spec import load_study
from mmx.training import class_weights

Write = Callable[..., Path]
RECORD = {
    "data.dataset": {"type": "synthetic", "n": 60, "image_size": 32, "record": 0.5},
    "model.encoders": {
        "image": "tiny_image",
        "record": {"type": "mlp", "dim": 4, "kinds": {"growth": "category"}, "min_count": 3},
    },
}


@pytest.fixture
def resolved(write_study: Write, tiny_plugin: Path) -> Callable[..., Arms]:
    """resolved(**keys): the arms of a study with controls."""

    def make(**keys: object) -> Arms:
        study = load_study(write_study(controls=True, arms=["concat"], **keys))
        return resolve_arms(study, [tiny_plugin])

    return make


@pytest.mark.parametrize(
    ("baselines", "words", "key"),
    [
        (
            ["boosting"],
            "no baseline 'boosting' is installed; nearest: gradient_boosting",
            "baselines.0",
        ),
        ([{"type": "gradient_boosting", "leafs": 3}], "unknown key 'leafs'; nearest: leaves", ""),
        ([{"type": "gradient_boosting", "leaves": 1}], "greater than or equal to 2", ""),
        (["gradient_boosting", "gradient_boosting"], "is named twice", "baselines.1"),
    ],
)
def test_what_is_wrong_with_one_is_told_at_its_place(
    resolved: Callable[..., Arms], baselines: list[object], words: str, key: str
) -> None:
    with pytest.raises(SpecError, match=words) as caught:
        resolved(baselines=baselines)
    (fault,) = caught.value.faults
    assert fault.file is not None
    assert fault.file.name == "study.yaml"
    assert fault.line > 1
    assert fault.key.startswith(key)


def test_without_the_library_the_command_stands_at_the_line(
    resolved: Callable[..., Arms], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(SpecError, match=r"study\.yaml:\d+:\d+.*pip install 'mmx\[tabular\]'"):
        resolved(baselines=["gradient_boosting"])
    (method,) = resolved(set=RECORD).baselines  # nobody asked for it: the page says why
    assert method.missing == "lightgbm is not installed; run: pip install 'mmx[tabular]'"


def test_where_none_is_named_it_reads_the_columns_of_the_encoder(
    resolved: Callable[..., Arms],
) -> None:
    (method,) = resolved(set=RECORD).baselines
    told = method.params.model_dump()
    assert (method.name, method.missing) == ("gradient boosting", "")
    assert (told["kinds"], told["min_count"]) == ({"growth": "category"}, 3)
    assert resolved().baselines == ()  # nobody reads the record
    assert resolved(set=RECORD, baselines=[]).baselines == ()


def test_without_controls_there_are_none(write_study: Write) -> None:
    with pytest.raises(SpecError, match="baselines are controls"):
        load_study(write_study(baselines=["gradient_boosting"]))


def test_weights_give_the_classes_the_shares_that_are_asked_for() -> None:
    target = torch.tensor([0, 0, 0, 1, 2, 2])
    weights = class_weights(target, torch.tensor([0.5, 0.25, 0.25]))
    shares = torch.zeros(3, dtype=torch.float64).index_add(0, target, weights) / weights.sum()
    torch.testing.assert_close(shares, torch.tensor([0.5, 0.25, 0.25], dtype=torch.float64))
    assert float(weights.mean()) == pytest.approx(1)
    assert class_weights(target, None).tolist() == [1.0] * 6
