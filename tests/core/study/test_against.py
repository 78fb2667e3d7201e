"""An arm that is held against another arm than the base."""

from collections.abc import Callable
from pathlib import Path

import pytest

import mmx
from mmx.study import Study
from mmx.study.study_folder import StudyFolder


def test_an_arm_is_held_against_the_arm_that_is_named_and_fails_with_it(
    write_study: Callable[..., Path], run_here: Callable[..., Study]
) -> None:
    grid = {
        "long": {"train.epochs": 2},
        "gated": {"train.epochs": 2, "model.fusion": "gated"},
        "lost": {"data.split.file": "nowhere.csv"},
        "alone": {"model.fusion": "gated"},
        "after": {"model.fusion": "add"},
    }
    against = {"gated": "long", "after": "alone"}
    done = run_here(write_study(vary=None, arms=grid, against=against))
    found = {arm["name"]: arm for arm in done.results["arms"]}
    assert list(done.failed) == ["lost"]
    gated = found["gated"]["contrasts"]["balanced_accuracy"]
    scores = [found[one]["scores"]["balanced_accuracy"]["value"] for one in ("gated", "long")]
    assert gated["against"] == "long"
    assert gated["difference"]["value"] == pytest.approx(scores[0] - scores[1])
    assert found["gated"]["variables"] == ["model.fusion"]
    assert "gated against long: " in done.summary()
    # the plan says so, and a later change of it is refused
    plan = StudyFolder(done.path).plan
    assert plan is not None
    assert plan["arms"]["gated"]["against"] == "long"
    with pytest.raises(mmx.MmxError, match="arm after"):
        run_here(write_study(vary=None, arms=grid, against={"gated": "long"}))
    # without the one it is compared with, an arm has nothing to say
    against |= {"alone": "lost"}
    again = run_here(
        write_study(
            study="chain", vary=None, arms=grid, against=against, allow_confounded={"alone": "x"}
        )
    )
    assert again.failed["alone"] == "lost, which it is compared with, has no result"
    assert again.failed["after"] == "alone, which it is compared with, has no result"
