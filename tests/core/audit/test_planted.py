"""Each kind of leak, planted at several strengths, and at which strength it is found."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mmx.audit import Finding, all_checks, examine

Ask = Callable[..., list[Finding]]
CLASSES = ("lenoma", "vescaria", "rubelloma")


def verdicts(found: Sequence[Finding]) -> list[str]:
    return [one.verdict for one in found]


def test_clean_rows_raise_no_error(rows: Any) -> None:
    warnings = 0
    for seed in range(5):
        found = examine(replace(rows, seed=seed).subject(), all_checks())
        assert [one for one in found if one.verdict == "error"] == []
        warnings += sum(one.verdict == "warning" for one in found)
    assert warnings <= 1  # one of 40 intervals lies above chance by accident


@pytest.mark.parametrize(("torn", "expected"), [(0, []), (1, ["error"]), (60, ["error"])])
def test_groups_in_two_parts(rows: Any, ask: Ask, torn: int, expected: list[str]) -> None:
    subject = rows.subject()
    parts = subject.parts.copy()
    parts[: 2 * torn : 2] = np.where(parts[: 2 * torn : 2] == "train", "test", "train")
    found = ask("group_overlap", replace(subject, parts=parts))
    assert verdicts(found) == expected
    if torn:
        assert found[0].evidence[0] == {"lesion": "lesion-0000", "parts": "test, train"}
        assert found[0].message.startswith(f"{torn} of 300 lesions")


def test_unused_rows_do_not_tear_a_group(rows: Any, ask: Ask) -> None:
    subject = rows.subject()
    parts = np.where(np.arange(len(subject)) % 2 == 0, subject.parts, "unused")
    assert ask("group_overlap", replace(subject, parts=parts)) == []


@pytest.mark.parametrize("copies", [1, 20])
def test_identical_images_in_two_parts(rows: Any, ask: Ask, copies: int) -> None:
    subject = rows.subject()
    train, test = (np.flatnonzero(subject.parts == part) for part in ("train", "test"))
    same_label = subject.labels[test[:copies]] == subject.labels[train[:copies]]
    pairs = tuple(zip(subject.ids[train[:copies]], subject.ids[test[:copies]], strict=True))
    found = ask("identical_images", replace(subject, duplicates=pairs))
    assert verdicts(found) == ["error"] * (1 if same_label.all() else 2)
    assert found[0].pictures[0] == pairs[0]
    assert f"{copies} image" in found[0].message


def test_identical_images_with_two_labels_in_one_part(rows: Any, ask: Ask) -> None:
    subject = rows.subject()
    train = np.flatnonzero(subject.parts == "train")
    other = next(row for row in train if subject.labels[row] != subject.labels[train[0]])
    pair = (str(subject.ids[train[0]]), str(subject.ids[other]))
    found = ask("identical_images", replace(subject, duplicates=(pair,)))
    assert verdicts(found) == ["error"]
    assert "more than one label" in found[0].message


def test_one_picture_of_thousands_of_rows_is_told_without_comparing_every_two(
    rows: Any, ask: Ask
) -> None:
    subject = replace(rows, n=6000).subject()
    found = ask("identical_images", replace(subject, duplicates=(tuple(subject.ids),)))
    assert [one.verdict for one in found] == ["error", "error"]


def test_identical_images_of_one_part_and_label_are_no_leak(rows: Any, ask: Ask) -> None:
    subject = rows.subject()
    assert ask("identical_images", replace(subject, duplicates=(("row-0000", "row-0001"),))) == []


@pytest.mark.parametrize(
    ("strength", "expected"),
    [(0.0, []), (0.005, ["warning"]), (0.05, ["error"]), (0.5, ["error"])],
)
def test_class_names_in_texts(rows: Any, ask: Ask, strength: float, expected: list[str]) -> None:
    leaks, labels = rows.leaks(strength), rows.labels
    texts = [
        f"{text} Suspected {CLASSES[label].upper()}s." if leak else text
        for text, label, leak in zip(rows.texts(), labels, leaks, strict=True)
    ]
    found = ask("label_words", rows.with_texts(texts).subject())
    assert verdicts(found) == expected
    if expected:
        assert f"{leaks.sum()} of 600 samples" in found[0].message
        assert {line["word"] for line in found[0].evidence} <= set(CLASSES)


@pytest.mark.parametrize(
    ("strength", "expected"), [(0.0, []), (0.5, ["warning"]), (0.95, ["error"]), (1.0, ["error"])]
)
def test_texts_that_tell_the_label(
    rows: Any, ask: Ask, strength: float, expected: list[str]
) -> None:
    complaints, leaks = ("It itches.", "It bleeds.", "It burns."), rows.leaks(strength)
    texts = [
        f"{text} {complaints[label]}" if leak else text
        for text, label, leak in zip(rows.texts(), rows.labels, leaks, strict=True)
    ]
    found = ask("text_tells_label", rows.with_texts(texts).subject())
    assert verdicts(found) == expected
    if expected:
        score = found[0].score
        assert score is not None
        assert score.low <= score.value <= score.high
        words = {str(line["words"]) for line in found[0].evidence}
        assert any("itches" in word for word in words)


@pytest.mark.parametrize(
    ("strength", "expected"), [(0.0, []), (0.2, []), (0.7, ["warning"]), (1.0, ["warning"])]
)
def test_a_column_that_goes_with_the_label(
    rows: Any, ask: Ask, strength: float, expected: list[str]
) -> None:
    draw = np.random.default_rng(3)
    values = np.where(rows.leaks(strength), rows.labels, draw.integers(3, size=rows.n))
    column = [("excision", "swab", "phone")[value] for value in values]
    found = ask("telling_columns", replace(rows, columns={"method": column}).subject())
    assert verdicts(found) == expected
    assert all("'method'" in one.message for one in found)


@pytest.mark.parametrize(("share", "expected"), [(0.0, []), (0.5, ["warning"])])
def test_a_value_that_goes_with_one_class_only(
    rows: Any, ask: Ask, share: float, expected: list[str]
) -> None:
    sure = (rows.labels == 0) & rows.leaks(share)  # as follow_up is always nv in HAM10000
    column = ["follow_up" if one else "histology" for one in sure]
    found = ask("telling_columns", replace(rows, columns={"dx_type": column}).subject())
    assert verdicts(found) == expected
    known = replace(rows, columns={"dx_type": column}, changes={"leak_columns": ("dx_type",)})
    assert verdicts(ask("telling_columns", known.subject())) == ["note"] * len(expected)


@pytest.mark.parametrize(("strength", "expected"), [(0.0, []), (0.5, ["warning"])])
@pytest.mark.parametrize("name", ["file size", "row order"])
def test_technical_values_that_tell_the_label(
    rows: Any, ask: Ask, name: str, strength: float, expected: list[str]
) -> None:
    noise = np.random.default_rng(5).integers(0, 3000, rows.n)
    values = np.where(rows.leaks(strength), 1000 * rows.labels + noise % 1000, noise)
    found = ask("telling_columns", replace(rows, technical={name: values.astype(float)}).subject())
    order = ["note"] * len(expected)  # a sorted table is no leak: no model sees the order
    assert verdicts(found) == (order if name == "row order" else expected)


def test_what_is_missing_may_tell_the_label(rows: Any, ask: Ask) -> None:
    column = [None if label == 0 else 1.0 for label in rows.labels]
    found = ask("telling_columns", replace(rows, columns={"stage": column}).subject())
    (one,) = found
    assert "missing: 100% are lenoma" in one.message


@pytest.mark.parametrize(("strength", "expected"), [(0.0, []), (0.3, ["warning"])])
def test_texts_that_occur_with_one_label_only(
    rows: Any, ask: Ask, strength: float, expected: list[str]
) -> None:
    leaks = rows.leaks(strength)
    texts = [
        f"Standard note {label} {row // 2 % 2}." if leak else text
        for row, (text, label, leak) in enumerate(
            zip(rows.texts(), rows.labels, leaks, strict=True)
        )
    ]
    assert verdicts(ask("few_templates", rows.with_texts(texts).subject())) == expected


def test_few_texts_for_many_samples(rows: Any, ask: Ask) -> None:
    texts = [f"Sentence {row // 2 % 5}." for row in range(rows.n)]
    found = ask("few_templates", rows.with_texts(texts).subject())
    assert verdicts(found) == ["warning"]
    assert "lenoma 5" in found[0].message


@pytest.mark.parametrize("repeated", [0, 1, 40])
def test_texts_in_training_and_test(rows: Any, ask: Ask, repeated: int) -> None:
    subject = rows.subject()
    texts = [f"Note {row}." for row in range(rows.n)]
    train, test = (np.flatnonzero(subject.parts == part) for part in ("train", "test"))
    for left, right in zip(train[:repeated], test[:repeated], strict=True):
        texts[right] = texts[left]
    found = ask("repeated_text", replace(subject, texts=texts))
    assert verdicts(found) == ["note"] * bool(repeated)
    assert all(one.message.startswith(f"{repeated} of {len(test)} ") for one in found)


@pytest.mark.parametrize(("groups", "expected"), [(9, ["warning"]), (10, [])])
def test_small_classes(rows: Any, ask: Ask, groups: int, expected: list[str]) -> None:
    subject = rows.subject()
    lenoma = np.flatnonzero((subject.parts == "test") & (subject.labels == 0))
    names = list(dict.fromkeys(subject.groups[lenoma]))[groups:]
    parts = np.where(np.isin(subject.groups.astype(str), names), "unused", subject.parts)
    found = ask("small_classes", replace(subject, parts=parts))
    assert verdicts(found) == expected
    line = {"part": "test", "class": "lenoma", "lesions": 9}
    assert [one.evidence for one in found] == [(line,)] * len(expected)
