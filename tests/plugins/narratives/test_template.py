"""Template texts say what the record says, and never what it must not tell."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mmx import Sample
from mmx_plugins.datasets.ham10000 import Ham10000Params
from mmx_plugins.narratives.template import TemplateParams


def _write(record: dict[str, str | float | None], **settings: Any) -> str:
    return TemplateParams(**settings).build(None).write(Sample("id", "group", record=record))


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (
            {"age": 45.0, "sex": "male", "site": "back"},
            "A 45-year-old man with a lesion on the back.",
        ),
        ({"age": 80.0, "sex": "female", "site": None}, "An 80-year-old woman."),
        ({"age": 18.0}, "An 18-year-old patient."),
        ({"age": 0.0, "sex": "unknown", "site": "acral"}, "A lesion on acral skin."),
        ({"age": "unknown", "sex": "F"}, "A woman."),
        ({"structure": "disc", "level": "L4-L5"}, "The disc at L4-L5."),
        ({"structure": "vertebra", "level": None}, "The vertebra."),
        ({"level": "L1"}, "The level L1."),
        ({"age": None, "sex": "unknown", "site": "Unknown"}, ""),
        ({}, ""),
    ],
)
def test_it_leaves_out_what_is_missing(record: dict[str, str | float | None], text: str) -> None:
    assert _write(record) == text


def _told(sample: Sample, hidden: tuple[str, ...]) -> Sample:
    """As mmx shows a sample to a narrative."""
    record = {name: value for name, value in sample.record.items() if name not in hidden}
    return replace(sample, record=record)


@pytest.mark.parametrize(
    ("record", "roles", "text"),
    [
        ({"Age": "45", "Sex": "male", "Site": "arm"}, {}, "A case; Age: 45; Sex: male; Site: arm."),
        (
            {"Alter": 45.0, "Geschlecht": "weiblich", "部位": "背部"},
            {"age": "Alter", "sex": "Geschlecht", "site": "部位"},
            "A 45-year-old woman with a lesion on the 背部.",
        ),
        ({"age": 7.0, "itching": "True", "bleeding": "FALSE"}, {},
         "A 7-year-old patient; itching: yes; bleeding: no."),
        ({"Size (mm)": 4.50, "weight_kg": "80", "Dauer [Wochen]": "drei"}, {},
         "A case; Size: 4.5 mm; weight: 80 kg; Dauer: drei."),
        ({"Age (months)": 8.0}, {"age": "Age (months)"}, "An 8-month-old patient."),
        ({"age": "60-64", "sex": "1"}, {}, "A case; age: 60-64; sex: 1."),
        ({"site": "arm", "level": "2"}, {}, "A lesion on the arm; level: 2."),
        ({"itching": "not known", "notes": "a long text", "text": "t"}, {"text": "notes"},
         "A case; text: t."),
    ],
)  # fmt: skip
def test_every_field_reaches_the_text(
    record: dict[str, str | float | None], roles: dict[str, str], text: str
) -> None:
    sample = Sample("id", "group", record=record, roles=roles)
    assert TemplateParams().build(None).write(sample) == text


words = st.text("abcdefghij ", max_size=8)


@given(
    st.dictionaries(
        st.sampled_from(["age", "sex", "site", "level", "itching", "Size (mm)"]), words
    ),
    words,
)
def test_changing_the_label_leaves_every_byte(record: dict[str, str], label: str) -> None:
    narrative = TemplateParams(templates=("{case}.", "Seen: {case}")).build(None)
    sample = Sample("id", "group", record=dict(record), label=label)
    telling = replace(sample, label="mel", group="g")
    assert narrative.write(sample) == narrative.write(telling)


def test_labels_and_ids_of_ham10000_are_never_told(shared_data: Path) -> None:
    whole = Ham10000Params(root=shared_data / "ham10000").build()
    samples = [_told(sample, whole.facts.leak_columns) for sample in whole.samples()]
    narrative = TemplateParams().build(None)
    texts = [narrative.write(sample) for sample in samples]
    assert texts == [narrative.write(replace(sample, label="mel")) for sample in samples]
    assert len(set(texts)) < 450
    kinds = {str(sample.record["dx_type"]) for sample in whole.samples()}
    for sample, text in zip(samples, texts, strict=True):
        assert not any(kind in text for kind in kinds)
        assert "unknown" not in text.lower()
        assert sample.id not in text


def test_the_id_chooses_among_templates_and_always_the_same() -> None:
    narrative = TemplateParams(templates=("One: {case}.", "Two: {case}.")).build(None)
    samples = [Sample(f"s{row}", "g", record={"age": 5.0}) for row in range(200)]
    texts = [narrative.write(sample) for sample in samples]
    assert 70 < sum(text.startswith("One: a 5") for text in texts) < 130
    assert texts == [narrative.write(sample) for sample in samples]


@pytest.mark.parametrize(
    "template", ["no slot", "{label}", "{case} {case}", "{case.real}", "{", ""]
)
def test_other_slots_are_refused(template: str) -> None:
    with pytest.raises(ValidationError):
        TemplateParams(templates=(template,))
