"""Several columns of texts in one: in their order, and none lost in silence."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mmx import Sample, SpecError, load_spec
from mmx_plugins.narratives.column import ColumnParams
from mmx_plugins.narratives.joined import JoinedParams
from mmx_plugins.narratives.sparse import SparseParams

REPORT = "INDICATION: cough. FINDINGS: opacity. IMPRESSION: pneumonia."
BOTH = ("history", "findings")


def sample(**record: Any) -> Sample:
    return Sample("s", "g", record=record, texts=BOTH)


@pytest.mark.parametrize(
    ("record", "plain", "headed"),
    [
        (("a", "b"), "a b", "Hx: a F: b"), ((None, "b"), "b", "F: b"),
        (("a", " "), "a", "Hx: a"), ((None, ""), "", ""),
    ],
)  # fmt: skip
def test_they_are_told_in_their_order(record: tuple[Any, Any], plain: str, headed: str) -> None:
    given = sample(**dict(zip(BOTH, record, strict=True)))
    assert ColumnParams(columns=BOTH).build(None).write(given) == plain
    named = ColumnParams(columns=BOTH, headings=("Hx", "F")).build(None)
    assert named.write(given) == headed


def test_one_column_in_a_list_is_that_column() -> None:
    given = sample(history=" as it is ", findings="b")
    one = ColumnParams(column="history").build(None).write(given)
    assert one == ColumnParams(columns=("history",)).build(None).write(given) == " as it is "


def test_joined_tells_no_text_as_a_fact() -> None:
    given = sample(age=45.0, history="It itches.", findings="Red.")
    assert JoinedParams(columns=BOTH).build(None).write(given) == (
        "A 45-year-old patient. It itches. Red."
    )
    assert JoinedParams(column="history").build(None).write(given) == (
        "A 45-year-old patient. It itches."
    )


def test_sections_are_read_in_each_column() -> None:
    given = sample(history=REPORT, findings="INDICATION: fever.")
    read = ColumnParams(columns=BOTH, sections=("indication",)).build(None)
    assert read.write(given) == "cough. fever."


@pytest.mark.parametrize(
    "settings",
    [
        {"column": "a", "columns": ["a"]}, {"columns": ["a", "a"]},
        {"columns": ["a", "b"], "headings": ["A"]},
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(settings: dict[str, Any]) -> None:
    for params in (ColumnParams, JoinedParams):
        with pytest.raises(ValidationError, match=r"column|headings"):
            params.model_validate(settings)


def test_blank_columns_are_counted() -> None:
    rows = [sample(history="a", findings=None), sample(history="b", findings="c")]
    told = ColumnParams(columns=BOTH).build(None).notes(rows)
    assert told == ["of 2 rows, these have no text of their own in a column: findings 1"]
    assert not ColumnParams(columns=BOTH).build(None).notes(rows[1:])


def test_reports_without_the_sections_are_counted_with_the_headings_that_are_there() -> None:
    rows = [sample(history=REPORT), sample(history="Indications: x"), sample(history=None)]
    params = ColumnParams(column="history", sections=("INDICATION", "HISTORY"))
    for one in (params, SparseParams(inner=params)):
        (told,) = one.build(None).notes(rows)
        assert told == (
            "1 of 2 texts of 'history' have nothing under INDICATION, HISTORY and count as "
            "missing; their headings are Indications (1); nearest: INDICATION: Indications"
        )
    (bare,) = params.build(None).notes([sample(history="no colon anywhere")])
    assert "they have no headings at all" in bare


SPEC = """
name: texts
data:
  dataset:
    type: table
    path: cases.csv
    images: [image]
    text: [history, findings]
    label: dx
    group: person
    record: [age, outcome]
    leak_columns: [outcome]
  narrative: {narrative}
model:
  image: {{type: timm, arch: resnet18, weights: none}}
  text: {{type: transformers, weights: none}}
  fusion: concat
"""


@pytest.mark.parametrize(
    ("narrative", "place", "words"),
    [
        ("{type: column, columns: [history, outcome]}", "13:", "'outcome' tells the label"),
        ("{type: joined, columns: [history, dx]}", "13:", "'dx' is a label"),
        ("{type: column, columns: [history1, findings]}", "13:", "nearest: history"),
        ("{type: sparse, inner: {type: column, column: outcome}}", "13:", "'outcome' tells"),
    ],
)
def test_a_column_that_no_text_may_hold_is_refused_at_its_place(
    tmp_path: Path, narrative: str, place: str, words: str
) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(SPEC.format(narrative=narrative))
    with pytest.raises(SpecError) as refused:
        load_spec(file)
    (fault,) = refused.value.faults
    assert words in fault.message
    line = file.read_text().splitlines()[fault.line - 1]
    assert "narrative:" in line
    assert line[fault.column - 1 :].startswith(("outcome", "dx", "history1"))
