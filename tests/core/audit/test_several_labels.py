"""Several labels: what is found is told once, and more labels raise no more false alarms.

How often that is, and what is found at which prevalence: tests/benchmarks/audit_labels.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mmx
from mmx.audit import Check, Finding, Subject, SubjectImages, all_checks, examine, probe_columns
from mmx.audit.traces import one_against_rest
from mmx.interfaces import Strata

Ask = Callable[..., list[Finding]]
Load = Callable[..., mmx.Spec]
STATES = ("absent", "present")


def strata(shares: Sequence[float], n: int = 600, unknown: float = 0.0) -> list[Strata]:
    """Labels of groups of two rows, that nothing goes with."""
    draw, found = np.random.default_rng(3), []
    for index, share in enumerate(shares):
        own = (draw.random(n // 2) < share).astype(np.int64)
        own[draw.random(n // 2) < unknown] = -1
        found.append(Strata(f"ailment{index:02d}", STATES, np.repeat(own, 2)))
    return found


def labelled(subject: Subject, several: Sequence[Strata]) -> Subject:
    known = np.stack([one.labels >= 0 for one in several]).any(axis=0)
    names, labels = tuple(one.name for one in several), np.where(known, 0, -1)
    return replace(subject, labels=labels, classes=("known",), strata=several, names=names)


def test_a_check_that_reads_no_label_is_asked_once_about_all_known_rows(rows: Any) -> None:
    several = strata([0.5, 0.3], unknown=0.4)
    several = [replace(one, labels=np.where(np.arange(600) < 10, -1, one.labels))
               for one in several]  # fmt: skip
    subject, asked = labelled(rows.subject(), several), []
    known = np.flatnonzero((several[0].labels >= 0) | (several[1].labels >= 0))

    def find(shown: Subject) -> list[Finding]:
        asked.append(shown.used.tolist())
        return []

    examine(subject, [Check("mine", "", find, by_label=False)])
    assert asked == [known.tolist()]
    asked.clear()
    examine(subject, [Check("mine", "", find)])
    assert asked == [np.flatnonzero(one.labels >= 0).tolist() for one in several]


def test_what_is_the_same_for_every_label_is_told_once(rows: Any) -> None:
    subject = labelled(rows.subject(), strata([0.5, 0.3, 0.2]))
    finding = Finding("mine", "warning", "no label is read")
    assert examine(subject, [Check("mine", "", lambda shown: [finding])]) == [finding]


def test_one_finding_tells_all_labels_with_a_table_and_the_evidence_of_each(
    rows: Any, ask: Ask
) -> None:
    several = strata([0.5, 0.4, 0.3, 0.2])
    sites = [str(9 * one) if one else "" for one in several[1].labels.tolist()]
    ward = [str(2 * a + b) for a, b in zip(several[0].labels, several[2].labels, strict=True)]
    columns = {"site": sites, "ward": ward}
    subject = replace(labelled(replace(rows, columns=columns).subject(), several))
    ward_told, site = ask("telling_columns", subject)
    assert site.message.startswith("ailment01: 'site' tells the label: present is told from absent")
    assert site.message.count("is told from") == 1
    assert "never" not in site.message
    assert site.labels == ()
    assert ward_told.message.startswith("2 of 4 labels (ailment00, ailment02), ailment00 most clea")
    assert [line["label"] for line in ward_told.labels] == ["ailment00", "ailment02"]
    assert all(line["AUROC"] == "1.00" for line in ward_told.labels)
    assert {line["label"] for line in ward_told.evidence} == {"ailment00", "ailment02"}
    assert Finding.from_json(ward_told.to_json()) == ward_told


def test_text_that_tells_one_of_many_labels_is_found_and_named(rows: Any, ask: Ask) -> None:
    several = strata(np.geomspace(0.5, 0.02, 14).tolist())
    told = [f"{text} Crusted." if hit else text
            for text, hit in zip(rows.texts(), several[9].labels == 1, strict=True)]  # fmt: skip
    subject = labelled(rows.with_texts(told).subject(), several[8:11])
    (found,) = [one for one in ask("text_tells_label", subject) if one.verdict != "note"]
    assert found.verdict == "error"
    assert found.message.startswith("ailment09: text alone")
    assert found.evidence[0]["class"] == "present"
    assert "crusted" in str(found.evidence[0]["words"])


def test_a_p_value_is_multiplied_by_the_labels(rows: Any) -> None:
    several = strata([0.5, 0.3, 0.2])
    scores = np.random.default_rng(0).random((600, 2))
    scores[:, 0] = 1 - scores[:, 1]
    alone = labelled(rows.subject(), several[:1]).by_label[0]
    among = labelled(rows.subject(), several).by_label[0]
    (one,), (other,) = one_against_rest(alone, scores), one_against_rest(among, scores)
    assert other.p == pytest.approx(min(1.0, 3 * one.p))


def test_labels_that_nothing_tells_are_rarely_told_however_many_there_are(rows: Any) -> None:
    """At a level of 0.1, in 80 sets of 14 labels; without the correction, in three of four."""
    subject = labelled(rows.subject(), strata([0.5] * 14))
    draw, least = np.random.default_rng(1), []
    for _ in range(80):
        score = draw.random(600)
        both = np.stack([1 - score, score], axis=1)
        traces = [trace for one in subject.by_label for trace in one_against_rest(one, both)]
        least.append(min(trace.p for trace in traces))
    assert np.mean(np.array(least) <= 0.1) <= 0.1
    assert np.mean(np.array(least) <= 0.1 * 14) > 0.3


def test_levels_in_order_are_told_from_what_is_above_them(rows: Any) -> None:
    levels = np.repeat(np.arange(300) % 6, 2)
    subject = replace(rows.subject(), labels=levels, classes=tuple("abcdef"))
    draw = np.random.default_rng(0)
    steps = np.exp(-0.5 * (np.arange(6) - (levels + draw.normal(0, 2.5, 600))[:, None]) ** 2)
    scores = steps / steps.sum(axis=1, keepdims=True)
    ordered = one_against_rest(replace(subject, ordered=True), scores)
    nominal = {one.label: one for one in one_against_rest(subject, scores)}
    middle = next(one for one in ordered if one.what == (2, True))
    assert len(ordered) == 6 + 3
    assert middle.p < min(one.p for label, one in nominal.items() if label in (2, 3))
    assert next(one.p for one in ordered if one.what == (3, False)) == pytest.approx(
        min(1.0, nominal[3].p * 9 / 6)
    )


def test_texts_that_name_labels_are_counted_together(rows: Any, ask: Ask) -> None:
    several = strata([0.5] * 4)
    texts = rows.texts()
    for row in range(8):  # 1.3 % of the rows, a third of a percent of each label
        texts[row] = f"Shows {several[row % 4].name} at last, other signs absent, scars present."
    (found,) = ask("label_words", labelled(rows.with_texts(texts).subject(), several))
    assert found.verdict == "error"
    assert found.message.startswith("8 of 600 samples (1.3%) have a text that names a label")
    assert {line["names"] for line in found.evidence} == {one.name for one in several}
    (alone,) = ask("label_words", labelled(rows.with_texts(texts).subject(), several[:1]))
    assert [line["word"] for line in alone.evidence] == ["ailment00"]


def test_halves_of_a_number_are_no_words(rows: Any, ask: Ask) -> None:
    subject = replace(rows.with_texts(["high fever"] * rows.n).subject(), names=("years",))
    assert ask("label_words", replace(subject, classes=("low", "high", "higher"))) == []


def test_copies_with_two_values_of_a_label_are_told_once(rows: Any, ask: Ask) -> None:
    several, subject = strata([0.5, 0.5]), rows.subject()
    first, other = several[0].labels.copy(), several[1].labels.copy()
    first[[0, 10]] = 0
    other[[0, 10]] = 0, 1
    first[[20, 30]], other[[20, 30]] = (-1, 1), (0, 0)  # what is unknown contradicts nothing
    parts = np.array(["train"] * 600)
    copied = [tuple(map(str, subject.ids[[0, 10]])), tuple(map(str, subject.ids[[20, 30]]))]
    there = np.ones(600, dtype=bool)
    alike = [replace(several[0], labels=first), replace(several[1], labels=other)]
    subject = replace(subject, parts=parts, duplicates=copied, words=["in words"] * 600)
    subject = labelled(subject, alike)
    subject = replace(subject, images={"image": SubjectImages(copied, there, there, None)})
    (found,) = ask("identical_images", subject)
    assert found.message.startswith("1 image that several samples share")
    assert found.evidence[0]["labels"] == "in words"


def test_our_checks_say_whether_they_read_labels() -> None:
    asked = {one.id for one in all_checks() if one.by_label}
    assert asked == {"few_templates", "telling_columns", "file_traces"}


def test_an_audit_of_labels_from_a_spec_is_a_page_with_a_table_of_labels(
    load: Load, home: Path
) -> None:
    dataset = "type: synthetic, n: 160, classes: 3, image_size: 16, target: labels, unknown: 0.1"
    spec = load("task=multi_label", f"data.dataset={{{dataset}}}")
    audited = mmx.audit_spec(spec, out=home / "out")
    told = [(one.check, one.about, one.message) for one in audited.findings]
    assert len({(check, about) for check, about, _ in told if about}) == len(
        [about for _, about, _ in told if about]
    )
    page = (home / "out" / "audit.html").read_text()
    assert "<dt>labels</dt><dd>3</dd>" in page
    several = [one for one in audited.findings if one.labels]
    assert several
    assert '<th scope="col">balanced accuracy</th>' in page


def test_what_no_label_changes_is_worked_out_once(
    rows: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def noted(name: str, values: Any) -> Any:
        made.append(name)
        return plain(name, values)

    plain = probe_columns.column
    monkeypatch.setattr(probe_columns, "column", noted)
    columns = {"site": [str(row % 7) for row in range(600)]}
    subject = labelled(replace(rows, columns=columns).subject(), strata([0.5] * 14))
    ask("telling_columns", subject)
    assert "site" in made
    assert len(made) == len({*made})
