"""Runs of older versions are read as before, although nothing is trained by their specs now."""

from collections.abc import Callable
from pathlib import Path

import pytest

import mmx
from mmx import commands
from mmx.experiment import whole_run
from mmx.spec import diff_specs

Load = Callable[..., mmx.Spec]
WORDS = r"train\.margin.*standard errors \(1\.64\) no longer decide which epoch is kept"


@pytest.fixture
def former(load: Load, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run of a spec that says ``margin: 1.64``, as `mmx init` wrote it."""
    with monkeypatch.context() as before:
        before.setattr(whole_run, "check_trainable", lambda spec: None)
        path = mmx.run(load("train.margin=1.64", "train.epochs=1")).path
    assert "margin: 1.64" in (path / "resolved.yaml").read_text()
    return path


def test_a_run_with_a_margin_predicts_and_is_evaluated_and_is_not_made_again(
    former: Path, tiny_spec: Path, tiny_plugin: Path
) -> None:
    case = mmx.Case("x", text="It itches badly at night.")
    answers = mmx.predict(former, case, without=["image"], plugins=[tiny_plugin])
    assert len(answers) == 1
    own = former / "resolved.yaml"
    assert mmx.evaluate_run(former, own, plugins=[tiny_plugin]).evaluation.metrics
    with pytest.raises(mmx.RunError, match=rf"cannot be made again: .*resolved.yaml:\d+:.*{WORDS}"):
        mmx.reproduce(former, plugins=[tiny_plugin])
    changed = mmx.reproduce(former, overrides=["train.margin=0"], plugins=[tiny_plugin])
    assert not changed.identical


def test_what_trains_refuses_a_margin_at_its_line(
    load: Load, home: Path, tiny_spec: Path, tiny_plugin: Path
) -> None:
    lines = tiny_spec.read_text().replace("train: {", "train: {margin: 1.64, ").splitlines()
    tiny_spec.write_text("\n".join(lines))
    line = lines.index("train: {margin: 1.64, epochs: 3, batch_size: 16}") + 1
    place = rf"tiny.yaml:{line}:17: {WORDS}"
    with pytest.raises(mmx.SpecError, match=place):
        mmx.run(load())
    (fault,) = commands.check_spec(tiny_spec, plugins=[tiny_plugin])
    assert (fault.line, fault.key) == (line, "train.margin")
    (home / "study.yaml").write_text(
        "study: old\nbase: tiny.yaml\nvary: train.epochs\narms: [1, 2]\nseeds: [0]\n"
    )
    with pytest.raises(mmx.SpecError, match=place):
        mmx.run_study(home / "study.yaml", plugins=[tiny_plugin])


def test_a_margin_shows_and_differs_and_none_leaves_no_trace(load: Load) -> None:
    asked, idle, plain = load("train.margin=1.64"), load("train.margin=0"), load()
    assert "margin: 1.64" in asked.to_yaml()
    assert [one.key for one in diff_specs(plain, asked)] == ["train.margin"]
    assert asked.digest_fields() != plain.digest_fields()
    assert (idle.to_yaml(), idle.digest_fields()) == (plain.to_yaml(), plain.digest_fields())
