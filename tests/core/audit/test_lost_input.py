"""What a model would never see is said before it is trained."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mmx import Finding

Ask = Callable[..., list[Finding]]


def test_fields_that_no_text_tells_are_named(rows: Any, ask: Ask) -> None:
    subject = replace(rows.subject(), unread=("Age", "部位"), narrative="narrative.column")
    (found,) = ask("unread_record", subject)
    assert found.verdict == "warning"
    assert "narrative.column never reads 'Age', '部位'" in found.message
    assert ask("unread_record", rows.subject()) == []


def test_a_column_that_tells_the_label_is_an_error_where_a_model_reads_it(
    rows: Any, ask: Ask
) -> None:
    subject = replace(rows.subject(), leak_columns=("biopsy", "ward"))
    assert ask("leak_columns", subject) == []
    (found,) = ask("leak_columns", replace(subject, record_fields=("age", "ward")))
    assert found.verdict == "error"
    assert "reads 'ward'" in found.message


@pytest.mark.parametrize(
    ("empty", "verdicts"), [(0.0, []), (0.4, []), (0.7, ["error"]), (1.0, ["error"])]
)
@pytest.mark.parametrize("side", ["text", "image"])
def test_a_part_that_mostly_lacks_a_side_stops(
    rows: Any, ask: Ask, side: str, empty: float, verdicts: list[str]
) -> None:
    subject = rows.subject()
    lacking = np.zeros(len(subject), dtype=bool)
    test = np.flatnonzero(subject.parts == "test")
    lacking[test[: round(empty * len(test))]] = True
    if side == "text":
        texts = ["" if none else "said" for none in lacking]
        subject = replace(subject, texts=texts, has_image=~np.zeros_like(lacking))
    else:
        subject = replace(subject, texts=["said"] * len(subject), has_image=~lacking)
    found = ask("empty_modality", subject)
    assert [one.verdict for one in found] == verdicts
    assert all(f"samples of the test part have no {side}" in one.message for one in found)
    other = {"text", "image"} - {side}
    assert ask("empty_modality", replace(subject, reads=frozenset(other))) == []


@pytest.mark.parametrize(
    ("low", "high", "share", "warned"),
    [(0, 15, 1.0, True), (120, 140, 1.0, True), (0, 255, 1.0, False), (0, 15, 0.3, True),
     (0, 15, 0.02, False), (60, 110, 1.0, False)],
)  # fmt: skip
def test_pictures_of_a_narrow_range_are_told(
    rows: Any, ask: Ask, low: int, high: int, share: float, warned: bool
) -> None:
    subject = rows.subject()
    random = np.random.default_rng(0)
    narrow = random.permutation(len(subject)) < share * len(subject)

    def pictures(some: np.ndarray) -> np.ndarray:
        ends = [(low, high) if narrow[row] else (0, 255) for row in some]
        return np.stack([random.integers(*end, (8, 8, 3), dtype=np.uint8) for end in ends])

    subject = replace(subject, pictures=pictures, has_picture=np.ones(len(subject), dtype=bool))
    found = ask("narrow_range", subject)
    assert [one.verdict for one in found] == (["warning"] if warned else [])
    assert all("data.image.range" in one.message for one in found)
