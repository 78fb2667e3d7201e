"""What many text files cost: reports as MIMIC-CXR has them, one file a study.

    python tests/benchmarks/text_reports.py --reports 227835

Draws ``p10/p10000032/s50414267.txt`` and a table that names them, reads the table twice, and prints
seconds of clock and processor, the seconds until the first line of progress, and the peak memory.
``--folder`` keeps the files for another time.
"""

import argparse
import csv
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import mmx
from mmx.pipeline.open_dataset import open_dataset
from mmx.runs import Progress, SilentObserver

PER_PATIENT = 3.5  # studies
_WORDS = [
    "the",
    "lungs",
    "are",
    "clear",
    "no",
    "focal",
    "consolidation",
    "pleural",
    "effusion",
    "or",
    "pneumothorax",
    "heart",
    "size",
    "is",
    "normal",
    "mediastinal",
    "contours",
    "unremarkable",
    "stable",
    "appearance",
    "compared",
    "with",
    "prior",
    "study",
]
_SPEC = """
name: reports
data:
  dataset:
    {{type: table, path: {table}, label: finding, group: subject, id: study, text_files: report}}
  narrative: {{type: column, column: report}}
model: {{text: transformers, fusion: only}}
"""


class FirstLine(SilentObserver):
    """Notes when the first line of progress comes."""

    def __init__(self) -> None:
        self.start, self.first = time.perf_counter(), -1.0

    def progress(self, progress: Progress) -> None:
        if self.first < 0:
            self.first = time.perf_counter() - self.start


def draw(folder: Path, reports: int) -> Path:
    """Reports of about 1 KB in folders as published; gives the table."""
    random = np.random.default_rng(0)
    with (folder / "table.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["study", "subject", "report", "finding"])
        for study in range(reports):
            patient = f"p{10_000_000 + int(study / PER_PATIENT) * 137}"
            place = folder / patient[:3] / patient
            place.mkdir(parents=True, exist_ok=True)
            told = " ".join(random.choice(_WORDS, 140))
            file = place / f"s{50_000_000 + study}.txt"
            file.write_text(f"EXAMINATION: CHEST\n\nFINDINGS: {told}\n\nIMPRESSION: as above\n")
            finding = ("clear", "opacity")[int(random.integers(2))]
            table.writerow([study, patient, file.relative_to(folder), finding])
    return folder / "table.csv"


def read(table: Path) -> dict[str, float]:
    """Read the table and its files once."""
    spec_file = table.with_name("reports.yaml")
    spec_file.write_text(_SPEC.format(table=table))
    spec = mmx.load_spec(spec_file)  # a command has told that by then
    seen, used = FirstLine(), time.process_time()
    rows = open_dataset(spec, seen).samples()
    return {
        "reports": len(rows), "seconds": round(time.perf_counter() - seen.start, 1),
        "processor_seconds": round(time.process_time() - used, 1),
        "first_line_after": round(seen.first, 2),
        "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }  # fmt: skip


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--reports", type=int, default=227_835)
    asked.add_argument("--folder", type=Path, help="of the files, which stay there")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        table = folder / "table.csv"
        if not table.exists():
            draw(folder, given.reports)
        for _ in range(2):
            sys.stdout.write(f"{json.dumps(read(table))}\n")


if __name__ == "__main__":
    main()
