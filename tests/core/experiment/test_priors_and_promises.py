"""A hook that was asked for does its work, says why not, or is refused before training."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mmx
from mmx import DataError, SpecError
from mmx.inference import load_trained
from mmx.pipeline import read_facts
from mmx.runs import RunFolder

Load = Callable[..., Any]
CORRECTED = "inference=[prior_correction]"


def probabilities(run: mmx.Run) -> Any:
    table = run.predictions
    return table[[str(name) for name in table if str(name).startswith("p_")]].to_numpy()


@pytest.mark.parametrize("loss", ["ldam", "focal"])
def test_a_loss_without_a_prior_refuses_its_correction_at_the_line(load: Load, loss: str) -> None:
    with pytest.raises(SpecError) as told:
        load(f"loss={loss}", "model.head.cosine=true", CORRECTED)
    (fault,) = told.value.faults
    assert fault.key == "inference.0"
    assert f"loss.{loss} cannot say" in fault.message


def test_margins_of_cosines_need_cosines(load: Load) -> None:
    for head in ("{type: mlp}", "{type: kan}"):
        with pytest.raises(SpecError) as told:
            load("loss=ldam", f"model.head={head}")
        (fault,) = told.value.faults
        assert fault.key == "loss"
        assert "cosine: true" in fault.message
    assert load("loss=ldam", "model.head.cosine=true").loss.needs_cosines


@pytest.mark.parametrize(
    "how",
    [
        ("loss=logit_adjusted",),
        ("loss=class_balanced",),
        ("loss={type: cross_entropy, weights: inverse_frequency}",),
        ("train.class_weights=inverse_frequency",),
        ("train.sampler=weighted",),
        ("loss=logit_adjusted", "train.sampler=weighted", "allow_double_correction=true"),
    ],
    ids=str,
)
def test_every_way_of_rebalancing_is_corrected_by_its_own_prior(
    load: Load, unequal: Path, how: tuple[str, ...], tiny_plugin: Path
) -> None:
    """The offsets are those of Bayes' rule from the prior that the run wrote down."""
    data = f"data.dataset={{type: table, path: {unequal}, text: text, label: dx, group: null}}"
    asked = (data, "model.fusion=text_only", "train.epochs=1", *how)
    plain, corrected = mmx.run(load(*asked)), mmx.run(load(*asked, CORRECTED))
    told = json.loads((plain.path / "model.json").read_text())
    natural, answered = (np.array(told[name], dtype=float) for name in ("class_counts", "prior"))
    joint = probabilities(plain) * (natural / natural.sum()) / (answered / answered.sum())
    expected = joint / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities(corrected), expected, atol=1e-5)
    assert np.abs(probabilities(corrected) - probabilities(plain)).max() > 0.02
    assert "the answers were for the class shares" in corrected.report.read_text()
    again = mmx.evaluate_run(
        corrected.path, corrected.path / "resolved.yaml", plugins=[tiny_plugin]
    ).predictions
    columns = [str(name) for name in again if str(name).startswith("p_")]
    first = corrected.predictions.query("part == 'test'").set_index("sample")[columns]
    np.testing.assert_allclose(
        again.set_index("sample")[columns].loc[first.index], first, atol=1e-4
    )


def test_without_rebalancing_it_changes_nothing_and_says_so(load: Load) -> None:
    page = mmx.run(load(CORRECTED, "train.epochs=1")).report.read_text()
    assert "prior_correction changes nothing" in page


def test_a_promise_of_a_risk_needs_groups_before_anything_is_trained(load: Load) -> None:
    spec = load("inference=[{type: selective, target: risk, level: 0.1}]")
    with pytest.raises(DataError, match=r"needs 50 groups for, and the validation part has \d+"):
        mmx.run(spec)


@pytest.fixture
def unequal(home: Path) -> Path:
    """A table of 90 texts that tell nothing, in three classes of 60, 20 and 10 rows."""
    labels = ["nv"] * 60 + ["mel"] * 20 + ["bcc"] * 10
    lines = [f"a spot of {row * 37 % 90} days,{label}" for row, label in enumerate(labels)]
    file = home / "cases.csv"
    file.write_text("text,dx\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return file


BAYES = "model.fusion={type: late, rule: bayes}"


def test_decisions_are_mixed_by_the_prior_that_the_loss_leaves_also_after_loading(
    load: Load, tiny_plugin: Path
) -> None:
    data = "data.dataset={type: synthetic, n: 60, classes: 3, image_size: 32, imbalance: 4}"
    found = {}
    for loss in ("cross_entropy", "logit_adjusted"):
        run = mmx.run(load(data, "train.epochs=1", BAYES, f"loss={loss}"))
        fusion: Any = load_trained(run.path, [tiny_plugin]).model.fusion
        written = read_facts(RunFolder(run.path)).prior
        kept = np.exp(fusion.prior.double().numpy())
        np.testing.assert_allclose(kept, written, rtol=1e-6)
        found[loss] = kept
    assert found["cross_entropy"].max() > 0.4
    np.testing.assert_allclose(found["logit_adjusted"], 1 / 3, rtol=1e-6)


def test_decisions_that_need_a_prior_are_refused_beside_a_loss_without_one(load: Load) -> None:
    with pytest.raises(SpecError) as told:
        load("loss=focal", BAYES)
    (fault,) = told.value.faults
    assert fault.key == "model.fusion"
    assert "loss.focal cannot say" in fault.message
