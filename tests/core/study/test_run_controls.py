"""The probe and zero-shot of the runs of a study, beside its arms."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from mmx.experiment import CONTROL
from mmx.study import control_answers, gather
from mmx.study.gather import StudyAnswers
from mmx.study.run_controls import OTHER_VERSION, run_controls

PROBE = {"reads": ["image"], "strength": 0.1, "training_rows": 5}
SHOT = {"image": {"prompts": {"x": ["a rose"]}, "absent": 0, "unread": []}}
NOTHING = pd.DataFrame({CONTROL: []})


def made(*names: str, shift: float = 0.1, **metrics: Any) -> Any:
    """A run that kept what these controls answered to two rows."""
    rows = [
        pd.DataFrame({
            CONTROL: name, "sample": ["a", "b"], "group": ["a", "b"], "label": ["x", "y"],
            "predicted": ["x", "x"], "p_x": [0.5 + shift, 0.6], "p_y": [0.5 - shift, 0.4],
        })
        for name in names
    ]  # fmt: skip
    return SimpleNamespace(controls=pd.concat(rows) if rows else NOTHING, metrics=metrics)


def found_in(seeds: tuple[int, ...] = (0,), **runs: list[Any]) -> StudyAnswers:
    """What a study of these arms finds, the base first."""
    arms: Any = SimpleNamespace(arms=[SimpleNamespace(name=name, role="arm") for name in runs])
    answers: Any = {name: SimpleNamespace(runs=own, seeds=seeds) for name, own in runs.items()}
    return run_controls(arms, StudyAnswers(answers, {}), folds=1)


def test_what_arms_share_stands_once_and_other_encoders_have_their_own() -> None:
    told: dict[str, Any] = {"probe": PROBE, "zero_shot": SHOT}
    names = ("probe", "zero-shot, image")
    found = found_in(
        base=[made(*names, **told)],
        gated=[made(*names, **told)],
        wide=[made("probe", shift=0.2, probe=PROBE)],
    )  # fmt: skip
    assert list(found.answers) == ["probe", "zero-shot, image", "probe of wide"]
    assert found.against == {"probe of wide": "wide"}
    assert found.meanings["probe of wide"] == "a linear model on the frozen features of wide"
    assert [note.partition(": ")[0] for note in found.notes] == list(found.answers)
    assert "Sentences: x: a rose." in found.notes[1]
    assert not found.errors


@pytest.mark.parametrize(
    ("metrics", "why"),
    [
        ({}, {}),  # older than the probe
        ({"probe": {"missing": "no encoder is frozen"}}, {"probe": "no encoder is frozen"}),
        ({"probe": PROBE}, {"probe": OTHER_VERSION}),
        ({"zero_shot": {"image": {"missing": "it learns"}}}, {"zero-shot, image": "it learns"}),
    ],
)
def test_why_there_is_none_is_told(metrics: dict[str, Any], why: dict[str, str]) -> None:
    found = found_in(base=[made(**metrics)])
    assert (found.answers, found.errors) == ({}, why)


def test_what_runs_of_another_version_did_not_keep_is_told_of_each_arm_once() -> None:
    kept, lost = made("probe", probe=PROBE), made(probe=PROBE)
    learns = made(probe={"missing": "no encoder is frozen"})
    found = found_in(base=[kept], old=[lost], older=[kept, lost], tuned=[learns])
    assert found.errors == dict.fromkeys(["probe of old", "probe of older"], OTHER_VERSION)
    assert found_in(base=[lost], old=[lost]).errors == {"probe": OTHER_VERSION}


def test_two_modalities_that_answer_alike_have_a_control_each() -> None:
    shots = dict.fromkeys(["image_2", "image"], SHOT["image"])
    names = [f"zero-shot, {name}" for name in shots]
    found = found_in(base=[made(*names, zero_shot=shots)])
    assert list(found.answers) == names


def test_an_arm_that_is_named_like_a_control_keeps_its_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(control_answers, "forms_of", lambda arms: [""])
    monkeypatch.setattr(control_answers, "_shuffled", lambda *given: StudyAnswers({}, {}))
    run = made("probe", "zero-shot, image", probe=PROBE, zero_shot=SHOT)
    own = gather.stacked([run.controls[:2]], (0,), (run,))
    named: list[Any] = [SimpleNamespace(name=name, role="arm") for name in ("base", "probe")]
    arms: Any = SimpleNamespace(arms=named, baselines=())
    study: Any = SimpleNamespace(controls=True, folds=1, seeds=[1])
    answers = StudyAnswers({"base": own, "probe": own}, {})
    folder: Any = SimpleNamespace(path=tmp_path)
    found = control_answers.control_answers(folder, study, arms, own, answers)
    assert list(found.answers) == ["zero-shot, image"]
    assert found.errors == {"probe": control_answers.NAMED_ALIKE}


@pytest.mark.parametrize(
    ("shifts", "seeds", "fixed"), [((0.1, 0.2), (3, 4), False), ((0.1, 0.1), (0,), True)]
)
def test_what_differs_by_seed_keeps_its_seeds(
    shifts: tuple[float, ...], seeds: tuple[int, ...], fixed: bool
) -> None:
    told = [{**PROBE, "strength": shift} for shift in shifts]
    runs = [made("probe", shift=s, probe=one) for s, one in zip(shifts, told, strict=True)]
    found = found_in(seeds=(3, 4), base=runs)
    one = found.answers["probe"]
    assert (one.seeds, one.fixed) == (seeds, fixed)
    assert one.given.values[:, 0, 0].tolist() == [0.5 + s for s in dict.fromkeys(shifts)]
    assert len(found.notes) == len(seeds)
