"""A valid spec says what it names and does not use, before any data are read."""

from pathlib import Path

import pytest

import mmx
from mmx import commands

SPEC = """\
name: notes
data:
  dataset:
    type: table
    path: nowhere.csv
    images: [photo]
    text: befund
    label: dx
    group: null
    record: [Alter, 部位]
    roles: {{age: Alter}}
    {more}
  narrative: {narrative}
model:
  image: {{type: timm, weights: none}}
  text: {{type: transformers, model: bundled}}
  fusion: {fusion}
"""


@pytest.mark.parametrize(
    ("narrative", "fusion", "more", "unread"),
    [
        ("{type: joined, column: befund}", "concat", "", []),
        ("{type: column, column: befund}", "concat", "", ["Alter", "部位"]),
        ("{type: column, column: befund}", "concat", "leak_columns: [部位]", ["Alter"]),
        ("template", "concat", "", ["befund"]),
        ("{type: rangm}", "concat", "", ["befund"]),
        ("{type: sparse, inner: {type: column, column: befund}}", "late", "", ["Alter", "部位"]),
        ("template", "image_only", "", []),
    ],
)
def test_columns_that_no_text_tells_are_named(
    tmp_path: Path, narrative: str, fusion: str, more: str, unread: list[str]
) -> None:
    file = tmp_path / "spec.yaml"
    text = SPEC.format(narrative=narrative, fusion=fusion, more=more)
    file.write_text(text, encoding="utf-8")
    notes = commands.spec_notes(mmx.load_spec(file))
    assert len(notes) == bool(unread)
    for name in ("befund", "Alter", "部位"):
        assert any(repr(name) in note for note in notes) == (name in unread)


def test_a_narrative_of_another_column_is_told(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    text = SPEC.format(narrative="{type: column, column: notes}", fusion="concat", more="")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(mmx.SpecError, match="reads no text or fact 'notes'") as told:
        commands.spec_notes(mmx.load_spec(file))
    assert ":13:37: " in str(told.value)


def test_a_column_that_an_encoder_reads_is_not_called_unread(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    text = SPEC.format(narrative="{type: column, column: befund}", fusion="concat", more="")
    whole = text.replace("  fusion", "  record: tabular\n  fusion")
    file.write_text(whole, encoding="utf-8")
    assert commands.spec_notes(mmx.load_spec(file)) == []
    file.write_text(whole.replace("tabular", "{type: tabular, columns: [Alter]}"), encoding="utf-8")
    (note,) = commands.spec_notes(mmx.load_spec(file))
    assert note.startswith("narrative.column and model.record never read '部位'")
    assert "name it in columns of model.record" in note
