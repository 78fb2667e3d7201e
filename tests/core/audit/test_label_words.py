"""Names match as phrases; short codes only where they go with their class."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mmx.audit import Finding

Ask = Callable[..., list[Finding]]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Known basal-cell  carcinoma of the nose", True),
        ("basal_cell_carcinoma", True),
        ("two Basal Cell Carcinomas", True),
        ("basal cells, carcinoma", False),
        ("a carcinoma", False),
        ("Bowen\u2019s disease", True),
        ("melanomatosis", False),
        ("MELANOMA?", True),
        ("premelanoma", False),
        ("the disc normally found", False),
        ("disc-normal", True),
    ],
)
def test_a_name_is_a_whole_phrase(rows: Any, ask: Ask, text: str, named: bool) -> None:
    subject = replace(
        rows.with_texts([text] * rows.n).subject(),
        classes=("bcc", "disc_normal", "melanoma"),
        synonyms={"bcc": ("basal cell carcinoma", "Bowen's disease")},
    )
    assert bool(ask("label_words", subject)) == named


def test_a_short_code_counts_only_with_its_class(rows: Any, ask: Ask) -> None:
    base = replace(rows.subject(), classes=("no", "df", "vescaria"))
    honest = replace(base, texts=["There is no itching."] * rows.n)
    assert ask("label_words", honest) == []
    told = [f"Looks like {base.classes[label]}." for label in base.labels]
    (found,) = ask("label_words", replace(base, texts=told))
    assert found.verdict == "error"
    assert {line["word"] for line in found.evidence} == {"no", "df", "vescaria"}


def test_a_word_that_two_classes_share_names_neither(rows: Any, ask: Ask) -> None:
    shared = {"lenoma": ("tumour",), "vescaria": ("Tumour",)}
    subject = replace(rows.with_texts(["A tumour."] * rows.n).subject(), synonyms=shared)
    assert ask("label_words", subject) == []


def test_rows_outside_the_split_do_not_count(rows: Any, ask: Ask) -> None:
    subject = rows.with_texts(["lenoma"] + ["spot"] * (rows.n - 1)).subject()
    parts = subject.parts.copy()
    parts[0] = "unused"
    assert ask("label_words", replace(subject, parts=parts)) == []
    assert [one.verdict for one in ask("label_words", subject)] == ["warning"]


def test_names_that_are_regular_expressions_are_taken_literally(rows: Any, ask: Ask) -> None:
    subject = replace(rows.subject(), classes=("a.c (x)", "b+[", "..."))
    assert ask("label_words", subject) == []
    assert np.all(subject.labels < 3)
