"""A trace of one class among several: the AUROC against references, and what is found and not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import hypergeom, mannwhitneyu
from sklearn.metrics import roc_auc_score, roc_curve

from mmx.audit import Finding
from mmx.audit.certain import certain
from mmx.audit.probe_columns import column
from mmx.audit.traces import code_scores, one_against_rest

Ask = Callable[..., list[Finding]]


def test_the_trace_is_the_rank_test_of_one_class_against_the_rest(rows: Any) -> None:
    subject = replace(rows, n=200).subject()
    draw = np.random.default_rng(0)
    scores = draw.integers(0, 6, (200, 3)) + (subject.labels == 1)[:, None]
    scores = scores[np.arange(200) // 2 * 2].astype(float)  # equal within a group
    truth = subject.labels[::2]
    for trace in one_against_rest(subject, scores):
        own, values = truth == trace.label, scores[::2, trace.label]
        expected = mannwhitneyu(
            values[own], values[~own], alternative="greater", method="asymptotic",
            use_continuity=False,
        )  # fmt: skip
        assert trace.auroc == pytest.approx(roc_auc_score(own, values))
        assert trace.p == pytest.approx(min(1.0, 3 * expected.pvalue))
        wrong, right, _ = roc_curve(own, values)
        assert trace.youden == pytest.approx((right - wrong).max())
        assert trace.low < trace.auroc
        assert trace.groups == own.sum()


def test_a_group_with_several_classes_counts_once_for_each(rows: Any) -> None:
    """Studies whose levels have a class each: the level tells it, though no study does."""
    labels = np.arange(600) % 3
    groups = np.array([f"study-{row // 3:03d}" for row in range(600)], dtype=object)
    subject = replace(rows.subject(), labels=labels, groups=groups)
    traces = one_against_rest(subject, code_scores(subject, labels))
    assert [trace.auroc for trace in traces] == [1.0, 1.0, 1.0]
    assert all(trace.groups == 200 for trace in traces)


def test_a_value_is_certain_by_the_hypergeometric_tail(rows: Any) -> None:
    subject = rows.subject()
    hit = (subject.labels == 2) & (np.arange(600) // 2 % 2 == 0)
    one = column("flag", ["yes" if own else "no" for own in hit])
    found = {(value.value, value.label): value for value in certain(subject, one)}
    yes = found["yes", 2]
    assert yes.share == 1.0
    assert yes.groups == 50
    assert hypergeom.sf(49, 300, 100, 50) * 2 * 2 * 3 < 1e-3
    assert found["yes", 0].share == 0
    assert ("no", 2) not in found


SEVEN = np.repeat(np.arange(7), [200, 110, 60, 60, 60, 60, 50])


@pytest.fixture
def seven(rows: Any) -> Any:
    """Seven classes of unequal size, each row a group of its own."""
    draw = np.random.default_rng(4)
    groups = np.array([f"L{row:03d}" for row in range(600)], dtype=object)
    changes = {
        "labels": draw.permutation(SEVEN), "groups": groups,
        "classes": tuple(f"klass{place}" for place in range(7)),
    }  # fmt: skip
    return replace(rows, changes=changes)


@pytest.mark.parametrize("where", ["columns", "technical"])
@pytest.mark.parametrize("words", [False, True])
def test_what_is_missing_for_one_class_alone_is_told(
    seven: Any, ask: Ask, where: str, words: bool
) -> None:
    labels, draw = seven.changes["labels"], np.random.default_rng(1)
    values = draw.choice(["arm", "leg"], 600).tolist() if words else draw.normal(7, 1, 600).tolist()
    hidden = [None if label == 4 else value for label, value in zip(labels, values, strict=True)]
    (found,) = ask("telling_columns", replace(seven, **{where: {"ph": hidden}}).subject())
    assert found.verdict == "warning"
    assert "missing: 100% are klass4" in found.message
    assert ask("telling_columns", replace(seven, **{where: {"ph": values}}).subject()) == []


@pytest.mark.parametrize("record", [False, True])
@pytest.mark.parametrize("what", ["phrase", "stops", "letters"])
def test_texts_that_tell_one_class_are_told(seven: Any, ask: Ask, record: bool, what: str) -> None:
    """With a record beside them and without, by words, by signs and by a habit of spelling."""
    labels = seven.changes["labels"]
    add = {"phrase": "Excision booked.", "stops": "......", "letters": "Xxqw"}[what]
    texts = [f"{text} {add}" if label == 5 else text
             for text, label in zip(seven.texts(), labels, strict=True)]  # fmt: skip
    drop = {} if record else {"record": lambda rows: {}}
    told = replace(seven, changes={**seven.changes, "texts": texts, **drop})
    (found,) = ask("text_tells_label", told.subject())
    assert found.verdict == "error"
    assert "klass5 is told from the rest" in found.message
    silent = replace(seven, changes={**seven.changes, **drop})
    assert ask("text_tells_label", silent.subject()) == []


@pytest.mark.parametrize(("place", "expected"), [("corner", "error"), ("middle", "warning")])
def test_a_mark_on_one_class_is_told(seven: Any, ask: Ask, place: str, expected: str) -> None:
    labels, draw = seven.changes["labels"], np.random.default_rng(2)
    pictures = draw.integers(60, 200, (600, 32, 32, 3), dtype=np.uint8)
    at = slice(1, 5) if place == "corner" else slice(14, 20)
    for row in np.flatnonzero(labels == 3):
        pictures[row, at, at] = (0, 0, 255)
    shown = replace(
        seven.subject(), has_picture=np.ones(600, dtype=bool), pictures=lambda rows: pictures[rows]
    )
    found = ask("border_shortcut", shown)
    assert next(one.verdict for one in found if "klass3 is told" in one.message) == expected


def test_rows_without_a_picture_do_not_silence_the_border(seven: Any, ask: Ask) -> None:
    labels = seven.changes["labels"]
    pictures = np.random.default_rng(2).integers(60, 200, (600, 32, 32, 3), dtype=np.uint8)
    pictures[labels == 3, :2, :, 0] = 255
    there = np.arange(600) % 10 > 0
    shown = replace(seven.subject(), has_picture=there, pictures=lambda rows: pictures[rows])
    assert any("klass3 is told" in one.message for one in ask("border_shortcut", shown))


def patients(one: Any) -> list[str]:
    return [f"P{int(group[1:]) // 3:03d}" for group in one.groups.tolist()]


@pytest.mark.parametrize(
    "name", ["patient_id", "PatientID", "Pat.-Nr.", "\u60a3\u8005\u7f16\u53f7", "Fall"]
)
@pytest.mark.parametrize("where", ["record", "spare"])
def test_a_patient_beside_the_lesion_is_named(seven: Any, ask: Ask, name: str, where: str) -> None:
    subject = seven.subject()
    cells = patients(subject)
    role: dict[str, Any] = (
        {"record": lambda rows: {name: [cells[row] for row in rows]}}
        if where == "record"
        else {"spare": {name: lambda: cells}}
    )
    (found,) = ask("wider_group", replace(subject, **role))
    assert found.verdict == "warning"
    assert f"group: {name}" in found.message


def test_a_column_that_holds_no_groups_together_is_not_named(seven: Any, ask: Ask) -> None:
    subject = seven.subject()
    for name, cells in (
        ("patient_id", subject.groups.tolist()),  # the group itself
        ("age", patients(subject)),  # not named like one
        ("patient_sex", ["male", "female"] * 300),
        ("patient_age", [str(20 + row % 60) for row in range(600)]),
        ("patient_group", ["a", "b"] * 300),
    ):
        assert ask("wider_group", replace(subject, spare={name: lambda cells=cells: cells})) == []
