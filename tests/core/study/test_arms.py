"""Arms differ from their base in one variable, or say why not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmx import SpecError
from mmx.commands import find
from mmx.interfaces import MetricWords
from mmx.spec import Difference, Spec, load_spec
from mmx.study import load_study
from mmx.study.arms import Arms, resolve_arms, variables

Write = Callable[..., Path]


@pytest.fixture
def arms(write_study: Write, tiny_plugin: Path) -> Callable[..., Arms]:
    def resolved(**keys: Any) -> Arms:
        return resolve_arms(load_study(write_study(**keys)), [tiny_plugin])

    return resolved


def test_the_arm_that_equals_the_base_is_the_base(arms: Callable[..., Arms]) -> None:
    found = arms(arms=["gated", "concat"]).arms
    assert [(arm.name, arm.role) for arm in found] == [("concat", "base"), ("gated", "arm")]
    assert found[1].variables == ("model.fusion",)
    assert found[1].differences[0] == Difference("model.fusion.type", "concat", "gated")


def test_a_base_that_no_arm_equals_gets_an_arm_of_its_own(arms: Callable[..., Arms]) -> None:
    found = arms(arms=["gated"]).arms
    assert [(arm.name, arm.role) for arm in found] == [("base", "base"), ("gated", "arm")]


def test_one_at_a_time_changes_one_key_in_each_arm(arms: Callable[..., Arms]) -> None:
    vary = {"one_at_a_time": {"train.batch_size": [8, 16], "model.head.dropout": [0.1]}}
    found = arms(vary=vary, arms="").arms
    assert [arm.name for arm in found] == [
        "train.batch_size 16", "train.batch_size 8", "model.head.dropout 0.1",
    ]  # fmt: skip
    assert [arm.variables for arm in found] == [(), ("train.batch_size",), ("model.head.dropout",)]


def test_named_arms_may_couple_the_keys_that_they_name(arms: Callable[..., Arms]) -> None:
    given = {"both": {"loss": "mp", "model.fusion": "ibfa"}, "settings": {"train.epochs": 2}}
    found = arms(vary=None, arms=given).arms
    assert {arm.name: arm.variables for arm in found[1:]} == {
        "both": ("model.fusion", "loss"), "settings": ("train.epochs",),
    }  # fmt: skip
    assert not any(arm.confounded for arm in found)


def test_an_arm_from_a_file_that_differs_elsewhere_is_refused(
    arms: Callable[..., Arms], tiny_spec: Path
) -> None:
    other = tiny_spec.parent / "other.yaml"
    other.write_text("base: tiny.yaml\nloss: mp\nmodel: {fusion: ibfa}\n")
    with pytest.raises(SpecError, match=r"model\.fusion, loss; one variable at a time"):
        arms(vary=None, arms={"other": "other.yaml"})
    found = arms(vary=None, arms={"other": "other.yaml"}, allow_confounded="published together")
    assert found.arms[1].confounded == (
        "confounded: 2 keys differ (model.fusion, loss). published together"
    )
    other.write_text("base: tiny.yaml\nloss: mp\n")
    assert arms(vary=None, arms={"other": "other.yaml"}).arms[1].variables == ("loss",)


def test_an_arm_that_cannot_be_loaded_keeps_its_reason_and_leaves_the_others(
    arms: Callable[..., Arms],
) -> None:
    found = arms(arms=["concat", "nosuch", "gated"]).arms
    assert [bool(arm.fault) for arm in found] == [False, True, False]
    assert "no fusion 'nosuch'" in found[1].fault


def test_an_arm_differs_in_one_variable_from_the_arm_it_is_held_against(
    arms: Callable[..., Arms],
) -> None:
    grid = {
        "concat": {"model.fusion": "concat"},
        "concat long": {"train.epochs": 2},
        "gated long": {"model.fusion": "gated", "train.epochs": 2},
    }
    found = arms(vary=None, arms=grid, against={"gated long": "concat long"}).arms
    assert [(arm.name, arm.role, arm.against, arm.variables) for arm in found] == [
        ("concat", "base", "", ()), ("concat long", "arm", "", ("train.epochs",)),
        ("gated long", "arm", "concat long", ("model.fusion",)),
    ]  # fmt: skip
    with pytest.raises(SpecError, match="differs from 'concat', which it is compared with, in"):
        arms(vary=None, arms=grid, against={"gated long": "concat"})


def test_controls_stand_beside_the_arms(arms: Callable[..., Arms]) -> None:
    found = arms(controls=True).arms
    assert [arm.name for arm in found if arm.role == "control"] == ["image only", "text only"]
    heads = arms(controls=True, vary="model.head", arms=["mlp", "kan"]).arms
    assert "mlp as large as kan" in [arm.name for arm in heads if arm.role == "control"]
    named = {"mlp": {"model.head": "mlp"}, "kan": {"model.head": "kan", "train.epochs": 2}}
    heads = arms(controls=True, vary=None, arms=named).arms
    assert "mlp as large as kan" in [arm.name for arm in heads if arm.role == "control"]


HEADS = [
    {"type": "moe", "experts": 16, "dropout": 0.3},
    {"type": "kan", "hidden": 24},
    {"type": "kan_spline", "hidden": 12, "grid": 8},
    {"type": "residual_mlp", "width": 96, "layers": 4},
    {"type": "attention_pool", "hidden": 64},
]


def _count(spec: Spec) -> int:
    return sum(one.numel() for one in spec.model.head.build(64, 5).parameters())


@pytest.mark.parametrize("head", HEADS, ids=lambda head: str(head["type"]))
def test_the_control_of_a_head_is_that_arm_with_an_mlp_of_its_size(
    arms: Callable[..., Arms], tiny_plugin: Path, head: dict[str, Any]
) -> None:
    """Whatever the head's settings, and with all else that the arm changes."""
    changed = {"model.head": head, "train.epochs": 4, "model.projection": 24}
    named = {"mlp": {"model.head": "mlp"}, "own": changed}
    found = {one.name: one for one in arms(controls=True, vary=None, arms=named).arms}
    arm, control = found["own"], found["mlp as large as own"]
    assert (control.fault, control.against, control.variables) == ("", "own", ("model.head",))
    own, other = (
        load_spec(one.file, overrides=one.overrides, plugins=[tiny_plugin])
        for one in (arm, control)
    )
    assert abs(_count(other) - _count(own)) <= 0.05 * _count(own)
    assert getattr(other.model.head, "dropout", None) == getattr(
        own.model.head, "dropout", getattr(other.model.head, "dropout", None)
    )
    assert other.train.epochs == own.train.epochs == 4
    assert other.model.projection == own.model.projection


def test_two_arms_of_one_head_have_a_control_each(arms: Callable[..., Arms]) -> None:
    vary = {"one_at_a_time": {"model.head.experts": [4, 8]}}
    found = arms(controls=True, vary=vary, arms="", set={"model.head": "moe"}).arms
    assert [one.name for one in found if one.role == "control"] == [
        "image only", "text only", "mlp as large as model.head.experts 4",
        "mlp as large as model.head.experts 8",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"reported": {"gatd": 88.0}}, "no arm 'gatd'; nearest: gated"),
        ({"allow_confounded": {"x": "y"}}, "no arm 'x'"),
        ({"against": {"gated": "conct"}}, "no arm 'conct'; nearest: concat"),
        ({"against": {"gated": "gated"}}, "gated is compared with itself"),
        ({"vary": None, "arms": {"a": 3}}, "neither a mapping"),
        ({"arms": ["gated", "gated"]}, "same name"),
        ({"set": {"train.epoch": 1}}, "epochs"),
    ],
)
def test_faults(arms: Callable[..., Arms], keys: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        arms(**keys)


def test_a_method_and_its_settings_are_one_variable() -> None:
    found = [Difference(key, 0, 1) for key in ("a.b.type", "a.b.c", "a.d", "a.bc")]
    assert variables(found) == ("a.b", "a.d", "a.bc")


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ({"file": "split.csv"}, "file fixes which rows are the test part"),
        ({"files": {"test": "a.csv"}}, "files fixes which rows are the test part"),
        ({"column": "part", "test": ["a"]}, "takes each value of the column 'part' as one fold"),
        ({"folds": 3}, "data.split.folds is 3 there and folds is 2 here"),
    ],
)
def test_folds_that_the_split_cannot_have_are_refused(
    arms: Callable[..., Arms], split: dict[str, Any], words: str
) -> None:
    """In the base at the place of the key; in an arm, which fails alone."""
    with pytest.raises(SpecError, match=words) as caught:
        arms(folds=2, set={"data.split": split})
    assert (caught.value.faults[0].key, caught.value.faults[0].line > 0) == ("folds", True)
    found = arms(folds=2, vary=None, arms={"own": {"data.split": split}})
    assert words in next(arm for arm in found.arms if arm.name == "own").fault


def test_a_metric_that_the_task_does_not_have_is_refused_at_its_line(
    arms: Callable[..., Arms],
) -> None:
    for metric in ("quadratic_kappa", "macro_auroc"):
        words = rf"yaml:\d+:\d+: .*task single_label is not compared on {metric}; set metric: bal"
        with pytest.raises(SpecError, match=words):
            arms(arms=["gated"], metric=metric)


def test_a_task_that_names_no_metric_to_compare_by_is_refused(
    arms: Callable[..., Arms], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find("task", "single_label"), "compares", {})
    with pytest.raises(SpecError, match=r"yaml:\d+:\d+: .*task single_label names none"):
        arms(arms=["gated"])


def test_the_first_metric_that_a_task_compares_by_is_that_of_the_study(
    arms: Callable[..., Arms], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"years_off": MetricWords("Years off", lower=True), "years": MetricWords("Years")}
    monkeypatch.setattr(find("task", "single_label"), "compares", words)
    assert arms(arms=["gated"]).metric == "years_off"
    assert arms(arms=["gated"], metric="years").metric == "years"
    with pytest.raises(SpecError, match=r"set metric: years_off or years"):
        arms(arms=["gated"], metric="accuracy")
