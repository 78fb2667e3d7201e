"""What a table lacks is told at the key of the spec that asks for it."""

from pathlib import Path

import openpyxl
import pytest

import mmx
from mmx.pipeline import open_dataset

SPEC = """\
name: t
data:
  dataset:
    type: table
    path: {file}
    {key}
    group: who
    label: {label}
    text: words
    record: [{record}]
model: {{text: tiny_text, fusion: only}}
"""
CASES = "words,dx,who,age\nan old mark,nv,P1,3\na new mark,mel,P2,4\n"


def write(folder: Path) -> None:
    (folder / "t.csv").write_text(CASES)
    (folder / "latin.csv").write_bytes("words,dx,who,age\nfür,nv,P1,3\n".encode("cp1252"))
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in CASES.splitlines():
        book.active.append(line.split(","))
    book.save(folder / "t.xlsx")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"key": "sheet: two"}, "6:12: data.dataset.sheet: .* no setting 'sheet'"),
        ({"file": "t.xlsx", "key": "sheet: two"}, "6:12: data.dataset.sheet: .*no sheet 'two'"),
        ({"file": "t.xlsx", "key": "separator: ';'"}, "6:16: data.dataset.separator: .*no setting"),
        ({"file": "t.xlsx", "key": "encoding: gbk"}, "6:15: data.dataset.encoding: .*no setting"),
        ({"key": "encoding: klingon"}, "6:15: data.dataset.encoding: .*is unknown"),
        ({"file": "latin.csv", "key": "encoding: utf-16"}, "6:15: data.dataset.encoding: .*is not"),
        (
            {"file": "t.xlsx", "key": "reader: {type: xlsx, sheet: two}"},
            "6:33: data.dataset.reader.sheet: .*no sheet",
        ),
        (
            {"file": "t.xlsx", "key": "reader: {type: xlsx, header: 9}"},
            "6:34: data.dataset.reader.header: .*no row 9",
        ),
        ({"label": "diagnosis"}, "8:12: data.dataset.label: .*no column 'diagnosis'"),
        ({"record": "age, sex"}, r"10:19: data.dataset.record.*: .*no column 'sex'"),
        ({"key": "images: [photo]"}, "6:13: data.dataset.images: .*no column 'photo'"),
        ({"key": "labels: {columns: [A]}", "label": "null"}, "6:13: data.dataset.labels: .*'A'"),
    ],
)
def test_a_setting_that_the_table_contradicts_is_told_at_its_place(
    home: Path, tiny_plugin: Path, settings: dict[str, str], words: str
) -> None:
    write(home)
    spec = home / "s.yaml"
    usual = {"file": "t.csv", "key": "", "label": "dx", "record": "age"}
    spec.write_text(SPEC.format(**{**usual, **settings}))
    with pytest.raises(mmx.SpecError, match=f"s.yaml:{words}"):
        open_dataset(mmx.load_spec(spec, plugins=[tiny_plugin]))
