"""What is said of how rows were read is said alike by all that reads them."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import mmx
from mmx.runs import SilentObserver

SPEC = """
name: told
data:
  dataset:
    type: table
    path: fälle.csv
    encoding: null
    roots: [reports, files]
    images: [photo]
    suffix: found
    text_files: letter
    label: dx
    group: patient
    group_missing: alone
    record: [size, age]
  narrative: {type: column, column: letter}
  image: {height: 16, width: 16}
model:
  image: tiny_image
  text: {type: tiny_text}
  record: {type: tabular, model: mlp, dim: 8}
  fusion: gated
  projection: 8
  head: {type: mlp, hidden: 8}
train: {epochs: 1, batch_size: 8, precision: fp32}
evaluation: {explain: false}
audit: {waive: {text_tells_label: drawn}}
"""
WORDS = (
    "rows at the end that hold nothing are left out: 3",
    "rows that only repeat the names of the columns are left out: 1 (row 22)",
    "is not UTF-8",
    "a comma is read as the decimal point",
    "rows have no group, and each stands for itself",
    "'unbekannt' (3 x) were read as missing",
    "column 'photo': endings of the files that were found: .jpg (15 x), .png (15 x)",
    "column 'letter': endings of the files that were found: .txt (29 x), .md (1 x)",
    "1 of 30 files of column 'letter' are empty",
)


class Heard(SilentObserver):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def message(self, text: str) -> None:
        self.told.append(text)


@pytest.fixture
def spec(home: Path, write_image: Callable[..., Path]) -> Path:
    """Thirty cases in an untidy table; photographs and letters have the id of their case."""
    lines = ["photo;letter;dx;patient;size;age"]
    for row in range(30):
        write_image(f"files/{row % 2}/c{row}.{('jpg', 'png')[row % 2]}", width=16, height=16,
                    seed=row)  # fmt: skip
        letter = home / "reports" / f"c{row}.{'md' if row == 9 else 'txt'}"
        letter.parent.mkdir(exist_ok=True)
        letter.write_text("" if row == 4 else f"A spot since {row % 7} weeks.")
        age = "unbekannt" if row % 10 == 3 else str(30 + row)
        patient = "" if row == 29 else f"Müller {row // 2}"
        lines.append(f"c{row};c{row};{'ab'[row // 2 % 2]};{patient};{row},5;{age}")
    lines.insert(21, lines[0])
    lines += [";;;;;"] * 3
    (home / "fälle.csv").write_bytes("\n".join(lines).encode("cp1252"))
    (home / "spec.yaml").write_text(SPEC, encoding="utf-8")
    return home / "spec.yaml"


def test_a_run_an_audit_answers_and_an_evaluation_say_the_same(
    spec: Path, home: Path, tiny_plugin: Path
) -> None:
    loaded = mmx.load_spec(spec, plugins=[tiny_plugin])
    in_run, in_audit = Heard(), Heard()
    audited = mmx.audit_spec(loaded, out=home / "audit", observer=in_audit)
    assert audited.folder is not None
    run = mmx.run(loaded, observer=in_run)
    table = home / "fälle.csv"
    page = "\n".join(json.loads((audited.folder / "audit.json").read_text())["notes"])
    report = (run.path / "report.html").read_text().replace("&#39;", "'")
    evaluate = partial(mmx.evaluate_run, run.path, plugins=[tiny_plugin])
    said = {
        "run": in_run.told,
        "report": [report],
        "audit": in_audit.told,
        "page of the audit": [page],
        "predict": mmx.ask(run.path, table, plugins=[tiny_plugin]).notes,
        "evaluate a table": evaluate(table).warnings,
        "evaluate a spec": evaluate(spec).warnings,
    }
    for where, told in said.items():
        whole = "\n".join(told)
        # an answer needs no group: a row without one is asked about like any other
        words = [one for one in WORDS if where != "predict" or "no group" not in one]
        lower = whole.casefold()  # pages begin a sentence with a capital letter
        assert [one for one in words if one.casefold() not in lower] == [], where
        assert whole.count("'unbekannt' (3 x)") == 1, where
    other = home / "other.yaml"
    lines = (home / "fälle.csv").read_bytes().splitlines()
    (home / "few.csv").write_bytes(b"\n".join(lines[:13]))
    text = SPEC.replace("fälle.csv", "few.csv").replace(
        "  image: {h", "  split: {column: age}\n  image: {h"
    )
    other.write_text(text, encoding="utf-8")
    (first, *_) = evaluate(other).warnings
    assert first == f"data.split of {other} is not asked: rows of all its parts are scored"


def test_an_audit_says_which_rows_cannot_be_used_and_leads_to_what_it_says(
    spec: Path, home: Path, tiny_plugin: Path
) -> None:
    table = home / "fälle.csv"
    table.write_bytes(table.read_bytes().replace(b"c7;c7;b;", b"c7;c7;;"))
    heard = Heard()
    loaded = mmx.load_spec(spec, plugins=[tiny_plugin], overrides=["data.max_bad=0.1"])
    audited = mmx.audit_spec(loaded, out=home / "audit", observer=heard)
    assert audited.folder is not None
    page = (audited.folder / "audit.html").read_text()
    for told in ("\n".join(heard.told), page, (audited.folder / "audit.json").read_text()):
        assert told.count("1 of 30 rows cannot be used (9: ") == 1
    assert '<a href="#rows">How the rows were read</a>' in page
