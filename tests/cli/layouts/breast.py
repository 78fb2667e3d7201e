"""Mammograms: CBIS-DDSM and VinDr-Mammo, both as DICOM files."""

import warnings
from pathlib import Path

import numpy as np
import pydicom
from drawing import Layout, Row, chosen, drawn, rows_of, write_csv
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage


def dicom(file: Path, row: Row, seed: int = 0) -> None:
    """A grey file of 12 bits whose middle is brighter from class to class."""
    draw = np.random.default_rng([row["number"], seed])
    pixels = draw.normal(1000, 300, (32, 32))
    pixels[8:24, 8:24] += 900 * row["class"]
    held = pydicom.Dataset()
    held.file_meta = FileMetaDataset()
    held.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    held.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    held.SOPClassUID = SecondaryCaptureImageStorage
    held.SOPInstanceUID = UID(f"1.2.826.0.1.{row['number'] + 1}.{seed + 1}")
    held.file_meta.MediaStorageSOPInstanceUID = held.SOPInstanceUID
    held.Rows, held.Columns, held.SamplesPerPixel = 32, 32, 1
    held.PhotometricInterpretation, held.PixelRepresentation = "MONOCHROME2", 0
    held.BitsAllocated, held.BitsStored, held.HighBit = 16, 12, 11
    held.PixelData = pixels.clip(0, 4095).astype("<u2").tobytes()
    file.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        held.save_as(file, enforce_file_format=True)


def cbis_ddsm(folder: Path) -> Path:
    """Headers of mass_case_description_train_set.csv; its last cells end with a line break."""
    rows = rows_of(classes=2)
    for row in rows:
        row["view"] = ("CC", "MLO")[row["number"] % 2]
        place = f"Mass-Training_P_{row['patient']:05d}_LEFT_{row['view']}"
        row["whole"] = f"{place}/1.3.6.1.4.1.9590.{row['number']}/1.3.6.2/000000.dcm"
        row["crop"] = f"{place}_1/1.3.6.1.4.1.9590.{row['number']}/1.3.6.3/000001.dcm"
        row["mask"] = f"{place}_1/1.3.6.1.4.1.9590.{row['number']}/1.3.6.3/000000.dcm"
        for seed, kind in enumerate(("whole", "crop", "mask")):
            dicom(folder / row[kind], row, seed)
    return write_csv(folder / "mass_case_description_train_set.csv", rows, {
        "patient_id": lambda row: f"P_{row['patient']:05d}",
        "breast_density": lambda row: row["more"][0] + 1,
        "left or right breast": drawn(("LEFT", "RIGHT"), 1), "image view": "view",
        "abnormality id": lambda row: row["more"][2] + 1, "abnormality type": "mass",
        "mass shape": drawn(("OVAL", "ROUND", "IRREGULAR"), 3),
        "mass margins": drawn(("CIRCUMSCRIBED", "ILL_DEFINED", "SPICULATED"), 4),
        "assessment": lambda row: 3 + row["class"] + row["more"][5] % 2,
        "pathology": chosen(("BENIGN", "MALIGNANT"), "class"),
        "subtlety": lambda row: row["more"][6] + 3,
        "image file path": "whole", "cropped image file path": lambda row: f"{row['crop']}\n",
        "ROI mask file path": lambda row: f"{row['mask']}\n",
    })  # fmt: skip


def vindr_mammo(folder: Path) -> Path:
    """Headers of breast-level_annotations.csv; files are images/STUDY/IMAGE.dicom."""
    rows = rows_of(count=60, each=4, classes=3)
    for row in rows:
        row["class"] = (row["patient"] + row["number"] % 4 // 2) % 3  # of the breast
        row["study"] = f"{row['patient'] * 0x9E3779B1 % 2**64:032x}"
        row["file"] = f"{(row['number'] + 7) * 0x85EBCA6B % 2**64:032x}"
        dicom(folder / f"images/{row['study']}/{row['file']}.dicom", row)
    return write_csv(folder / "breast-level_annotations.csv", rows, {
        "study_id": "study", "series_id": lambda row: f"{row['patient'] * 0xC2B2AE35:032x}",
        "image_id": "file", "laterality": lambda row: "LR"[row["number"] % 4 // 2],
        "view_position": lambda row: ("CC", "MLO")[row["number"] % 2],
        "height": lambda row: (3518, 3580)[row["patient"] % 2],
        "width": lambda row: (2800, 2842)[row["patient"] % 2],
        "breast_birads": lambda row: f"BI-RADS {row['class'] + 1}",
        "breast_density": lambda row: f"DENSITY {'BCD'[row['patient'] * 5 // 3 % 3]}",
        "split": lambda row: "test" if row["patient"] % 5 == 0 else "training",
    })  # fmt: skip


LAYOUTS = [
    Layout(
        "CBIS-DDSM", cbis_ddsm,
        {"images": ["image file path", "cropped image file path"], "group": "patient_id",
         "label": "pathology",
         "record": ["breast_density", "left or right breast", "image view", "mass shape",
                    "mass margins"]},
        {"abnormality id": "that of an id", "abnormality type": "the same in every row",
         "assessment": "what a reader made of it", "subtlety": "what a reader made of it",
         "ROI mask file path": "mask"},
        questions=("views of one kind?",),
    ),
    Layout(
        "VinDr-Mammo", vindr_mammo,
        {"suffix": "found", "images": ["image_id"], "case": ["study_id", "laterality"],
         "view": "view_position", "views": ["CC", "MLO"], "group": "study_id",
         "label": "breast_birads", "record": ["laterality", "breast_density"]},
        {"series_id": "that of an id", "height": "how the picture was taken",
         "width": "how the picture was taken"},
        root="images",
        spec={"task": {"type": "ordinal", "levels": ["BI-RADS 1", "BI-RADS 2", "BI-RADS 3"]},
              "data.split": {"column": "split"}},
    ),
]  # fmt: skip
