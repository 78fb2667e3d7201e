"""Checks come from hooks; what one does wrong is told."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import mmx
from mmx.audit import Check, Finding, Score, SubjectImages, all_checks, examine
from mmx.audit.check import OWN
from mmx.runs import Hooks, SilentObserver


class Giving(mmx.Hook):
    """Gives these checks."""

    def __init__(self, ask: Callable[[], object]) -> None:
        self._ask = ask

    def audit_checks(self) -> Any:
        """What it was told to give."""
        return self._ask()


def giving(*checks: object) -> Hooks:
    """Hooks of which one gives these checks."""
    return Hooks([], SilentObserver(), [Giving(lambda: checks)])


def test_ours_are_all_there_once_and_in_order() -> None:
    assert [check.id for check in all_checks()] == list(OWN)
    assert [check.id for check in all_checks() if check.short] == [
        "group_overlap", "wider_group", "identical_images", "label_words", "text_tells_label",
        "telling_columns", "border_shortcut", "empty_modality", "unread_record", "leak_columns",
        "narrow_range",
    ]  # fmt: skip
    assert all(check.finds for check in all_checks())


def test_a_hook_adds_a_check(rows: Any) -> None:
    finding = Finding("mine", "warning", "something")
    checks = all_checks(giving(Check("mine", "something of mine", lambda subject: [finding])))
    assert checks[-1].id == "mine"
    assert examine(rows.subject(), checks[-1:]) == [finding]


def test_an_id_that_is_taken_is_refused() -> None:
    hooks = giving(Check("label_words", "again", lambda subject: []))
    with pytest.raises(mmx.PluginError, match="two checks .* 'label_words'"):
        all_checks(hooks)


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (lambda subject: [1 / 0], "mine failed: ZeroDivisionError"),
        (lambda subject: ["bad"], "mine gave 'bad'"),
    ],
)
def test_a_check_that_fails_is_named(rows: Any, run: Any, words: str) -> None:
    with pytest.raises(mmx.PluginError, match=words):
        examine(rows.subject(), [Check("mine", "", run)])


def test_what_is_no_check_is_refused() -> None:
    with pytest.raises(mmx.PluginError, match="list of mmx.Check"):
        all_checks(giving("label_words"))


def test_a_hook_that_cannot_give_its_checks_is_named() -> None:
    hooks = Hooks([], SilentObserver(), [Giving(lambda: 1 / 0)])
    with pytest.raises(mmx.PluginError, match=r"audit_checks\(\) of Giving failed: .*ZeroDiv"):
        all_checks(hooks)


def test_a_finding_survives_a_file() -> None:
    score = Score("probe", 0.9, 0.8, 1.0, 0.5, 100, 50)
    finding = Finding("a", "error", "b", ({"x": 1},), (("p", "q"),), score)
    assert Finding.from_json(finding.to_json()) == finding


def test_a_check_of_images_is_asked_about_each_modality_by_its_name(rows: Any) -> None:
    subject = rows.subject()
    there = np.ones(len(subject), dtype=bool)
    ids = [str(one) for one in subject.ids]
    first = int(np.flatnonzero(subject.parts == "train")[0])
    other = int(np.flatnonzero(subject.parts == "test")[0])
    copied = SubjectImages([(ids[first], ids[other])], there, there, None)
    clean = SubjectImages([], there, there, None)
    several = replace(subject, images={"dermoscopy": clean, "clinic": copied})
    found = examine(several, [one for one in all_checks() if one.id == "identical_images"])
    assert found
    assert all(one.message.startswith("clinic: ") for one in found)
    alone = replace(subject, duplicates=copied.duplicates, images={"clinic": copied})
    told = examine(alone, [one for one in all_checks() if one.id == "identical_images"])
    assert [f"clinic: {one.message}" for one in told] == [one.message for one in found]


def test_a_check_of_texts_is_asked_about_each_modality_by_its_name(rows: Any) -> None:
    subject = rows.subject()
    label = [f"surely {subject.label(row)}" for row in range(len(subject))]
    several = replace(subject, written={"history": ["nothing said"] * len(label), "notes": label})
    found = examine(several, [one for one in all_checks() if one.id == "label_words"])
    assert found
    assert all(one.message.startswith("notes: ") for one in found)


@pytest.mark.parametrize("name", ["history", "clinic"])
def test_any_modality_that_is_mostly_empty_stops(rows: Any, name: str) -> None:
    subject = rows.subject()
    there, n = np.ones(len(subject), dtype=bool), len(subject)
    texts = {"history": [""] * n if name == "history" else ["said"] * n, "notes": ["said"] * n}
    images = {"clinic": SubjectImages([], there, there & (name != "clinic"), None)}
    several = replace(subject, written=texts, images=images, reads=frozenset({*texts, *images}))
    check = [one for one in all_checks() if one.id == "empty_modality"]
    found = examine(several, check)
    assert {one.verdict for one in found} == {"error"}
    assert all(f"have no {name}" in one.message for one in found)
    assert examine(replace(several, reads=several.reads - {name}), check) == []


def test_a_modality_of_another_kind_that_is_mostly_missing_stops(rows: Any) -> None:
    subject = rows.subject()
    lacking = np.arange(len(subject)) % 3 > 0
    several = replace(subject, there={"pulse": ~lacking}, reads=frozenset({"text", "pulse"}))
    found = examine(several, [one for one in all_checks() if one.id == "empty_modality"])
    assert {one.verdict for one in found} == {"error"}
    assert all("have no pulse" in one.message for one in found)


def test_only_the_texts_of_a_narrative_that_was_shown_the_label_are_called_so(rows: Any) -> None:
    subject, texts = rows.subject(), rows.texts()
    several = replace(
        subject, written={"history": texts, "notes": texts}, texts_know_label=True,
        knowing=frozenset({"notes"}),
    )  # fmt: skip
    check = [one for one in all_checks() if one.id == "text_tells_label"]
    found = [one for one in examine(several, check) if one.verdict == "error"]
    assert [one.modality for one in found] == ["notes"]
    assert found[0].message.startswith("notes: the narrative was shown the label")
