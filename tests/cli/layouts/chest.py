"""Chest X-rays: CheXpert, MIMIC-CXR-JPG, NIH ChestX-ray14, PadChest and IU X-ray."""

from collections.abc import Sequence
from pathlib import Path

from drawing import Layout, Row, chosen, drawn, in_studies, picture, rows_of, write_csv

CHEXPERT = (
    "No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion",
    "Edema", "Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion",
    "Pleural Other", "Fracture", "Support Devices",
)  # fmt: skip


def finding(place: int, *, floats: bool = True) -> object:
    """1, 0, -1 or blank; the picture shows the first ones."""

    def cell(row: Row) -> str:
        seen = row["class"] == place % 3 if place < 6 else row["more"][place] == 0
        told = "1.0" if seen else ("0.0", "-1.0", "")[row["more"][place] % 3]
        return told if floats else told.replace(".0", "")

    return cell


def findings() -> dict[str, object]:
    """The 14 columns."""
    return {name: finding(place) for place, name in enumerate(CHEXPERT)}


def chexpert(folder: Path) -> Path:
    """Paths begin with the folder in which the table lies, as in the small version."""
    rows = in_studies(rows_of(count=60))
    for row in rows:
        view = ("frontal", "lateral")[row["number"] % 2]
        row["path"] = (
            f"CheXpert-v1.0-small/train/patient{row['patient'] + 1:05d}/study1/"
            f"view{row['number'] % 2 + 1}_{view}.jpg"
        )
        picture(folder / row["path"], row)
    return write_csv(folder / "CheXpert-v1.0-small/train.csv", rows, {
        "Path": "path", "Sex": chosen(("Female", "Male"), "male"), "Age": "age",
        "Frontal/Lateral": lambda row: ("Frontal", "Lateral")[row["number"] % 2],
        "AP/PA": lambda row: ("PA", "")[row["number"] % 2], **findings(),
    })  # fmt: skip


def mimic(folder: Path) -> Path:
    """Three tables that share their ids; files lie below their subject and study."""
    rows = rows_of(count=60)
    for row in rows:
        row["dicom"] = "-".join(f"{(row['number'] + 3) * 0x9E3779B1 * k % 2**32:08x}"
                                for k in (1, 3, 5, 7, 11))  # fmt: skip
        row["subject"], row["study"] = (
            10000032 + row["patient"] * 1018018,
            50414267 + row["patient"],
        )
        row["folder"] = f"files/p{str(row['subject'])[:2]}/p{row['subject']}/s{row['study']}"
        picture(folder / f"{row['folder']}/{row['dicom']}.jpg", row)
    ids = {"dicom_id": "dicom", "study_id": "study", "subject_id": "subject"}
    split = {"split": lambda row: ("train", "train", "validate", "test")[row["patient"] // 3 % 4]}
    write_csv(folder / "mimic-cxr-2.0.0-split.csv", rows, {**ids, **split})
    studies = {"subject_id": "subject", "study_id": "study"}
    write_csv(folder / "mimic-cxr-2.0.0-chexpert.csv", rows[::2], {**studies, **findings()})
    return write_csv(folder / "mimic-cxr-2.0.0-metadata.csv", rows, {
        "dicom_id": "dicom", "subject_id": "subject", "study_id": "study",
        "PerformedProcedureStepDescription":
            lambda row: ("CHEST (PA AND LAT)", "CHEST (PORTABLE AP)")[row["patient"] % 7 // 4],
        "ViewPosition": lambda row: ("PA", "LATERAL")[row["number"] % 2],
        "Rows": lambda row: (3056, 2544)[row["more"][4] % 2],
        "Columns": lambda row: (2544, 3056)[row["more"][4] % 2],
        "StudyDate": lambda row: 21800506 + row["patient"] % 20,
        "StudyTime": lambda row: 213014.531 + row["number"],
        "ProcedureCodeSequence_CodeMeaning":
            lambda row: ("CHEST (PA AND LAT)", "CHEST (PORTABLE AP)")[row["patient"] % 7 // 4],
        "ViewCodeSequence_CodeMeaning":
            lambda row: ("postero-anterior", "lateral")[row["number"] % 2],
        "PatientOrientationCodeSequence_CodeMeaning": "Erect",
    })  # fmt: skip


def shown(row: Row, names: Sequence[str], second: bool) -> list[str]:
    """The finding that the picture shows, and the next of the names where there is a second."""
    place: int = row["class"]
    both = [names[place], names[(place + 1) % len(names)]]
    return both if second else both[:1]


def nih(folder: Path) -> Path:
    """The header has the commas of sizes in it, and ends with one."""
    rows = rows_of(count=60, each=3)
    names = ("Cardiomegaly", "Effusion", "Mass")
    for row in rows:
        row["file"] = f"{row['patient'] + 1:08d}_{row['number'] % 3:03d}.png"
        picture(folder / f"images_{row['number'] % 2 + 1:03d}/images/{row['file']}", row)
        found = shown(row, names, row["more"][0] == 0)
        row["labels"] = "No Finding" if row["more"][1] == 0 else "|".join(sorted(found))
    lists = {"train_val_list.txt": rows[:45], "test_list.txt": rows[45:]}
    for name, held in lists.items():
        (folder / name).write_text("\n".join(row["file"] for row in held) + "\n")
    return write_csv(folder / "Data_Entry_2017.csv", rows, {
        "Image Index": "file", "Finding Labels": "labels",
        "Follow-up #": lambda row: row["number"] % 3, "Patient ID": lambda row: row["patient"] + 1,
        "Patient Age": "age", "Patient Gender": chosen(("F", "M"), "male"),
        "View Position": drawn(("PA", "AP"), 2),
        "OriginalImage[Width": lambda row: (2682, 2894)[row["more"][3] % 2],
        "Height]": lambda row: (2749, 2729)[row["more"][3] % 2],
        "OriginalImagePixelSpacing[x": lambda row: (0.143, 0.168)[row["more"][4] % 2],
        "y]": lambda row: (0.143, 0.168)[row["more"][4] % 2], "": "",
    })  # fmt: skip


def padchest(folder: Path) -> Path:
    """Lists in cells; the first column has no name; pictures lie in numbered folders."""
    rows = in_studies(rows_of(count=60))
    names = ("cardiomegaly", "pleural effusion", "nodule")
    for row in rows:
        row["image"] = f"{216840111366964012768 + row['number'] * 7919}_00-0{row['number']:02d}.png"
        picture(folder / f"{row['number'] % 2}/{row['image']}", row)
        found = shown(row, names, row["patient"] % 4 == 0)
        row["labels"] = str(["normal"] if row["patient"] % 4 == 1 else found)
    spanish = ("cardiomegalia .", "derrame pleural derecho .", "nodulo en lobulo superior .")
    return write_csv(folder / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv", rows, {
        "": "number", "ImageID": "image", "ImageDir": lambda row: row["number"] % 2,
        "StudyDate_DICOM": lambda row: 20140915 + row["number"] % 12,
        "StudyID": lambda row: f"2043992{row['patient']:04d}14500",
        "PatientID": lambda row: f"8390{row['patient']:04d}52340",
        "PatientBirth": lambda row: 1930.0 + row["age"] // 2,
        "PatientSex_DICOM": chosen(("F", "M"), "male"),
        "ViewPosition_DICOM": lambda row: ("POSTEROANTERIOR", "LATERAL")[row["number"] % 5 % 2],
        "Projection": lambda row: ("PA", "L")[row["number"] % 5 % 2],
        "MethodProjection": "Manual review of DICOM fields",
        "Pediatric": drawn(("No", "PED"), 3), "Modality_DICOM": drawn(("CR", "DX"), 4),
        "Manufacturer_DICOM": drawn(("ImagingDynamicsCompanyLtd", "PhilipsMedicalSystems"), 4),
        "PhotometricInterpretation_DICOM": drawn(("MONOCHROME2", "MONOCHROME1"), 5),
        "Rows_DICOM": lambda row: 2000.0 + row["more"][6],
        "Columns_DICOM": lambda row: 2020.0 + row["more"][6],
        "WindowCenter_DICOM": lambda row: 2048.0 + row["more"][7],
        "Exposure_DICOM": lambda row: 5.0 + row["more"][8],
        "ReportID": lambda row: 4765777 + row["number"],
        "Report": lambda row: spanish[row["class"]] + " no cambios",
        "MethodLabel": drawn(("Physician", "RNN_model"), 9), "Labels": "labels",
        "Localizations": drawn(("[]", "['loc right']", "['loc left', 'loc basal']"), 10),
        "LabelsLocalizationsBySentence": "labels",
        "labelCUIS": lambda row: f"['C00{row['class']}']", "LocalizationsCUIS": "[]",
    })  # fmt: skip


def iu_xray(folder: Path) -> Path:
    """A table of pictures, and one of reports whose key is the study."""
    rows = rows_of(count=60)
    names = ("Cardiomegaly", "Pleural Effusion", "Nodule")
    for row in rows:
        row["file"] = f"{row['patient'] + 1}_IM-{row['patient'] + 1:04d}-{row['number']}001.dcm.png"
        picture(folder / f"images/images_normalized/{row['file']}", row)
        found = shown(row, names, row["patient"] % 4 == 1)
        row["labels"] = "normal" if row["patient"] % 5 == 0 else ";".join(sorted(found))
    why = ("chest pain", "shortness of breath and cough", "fall from a ladder, rib pain")
    write_csv(folder / "indiana_reports.csv", rows[::2], {
        "uid": lambda row: row["patient"] + 1,
        "MeSH": lambda row: row["labels"].replace(";", "/x;"),
        "Problems": "labels", "image": "Xray Chest PA and Lateral",
        "indication": lambda row: f"{row['age']}-year-old with {why[row['more'][0]]}",
        "comparison": drawn(("None.", "Chest radiographs XXXX.", ""), 1),
        "findings": lambda row: f"The chest shows {row['labels'].lower()} in this examination.",
        "impression": lambda row: f"1. {row['labels']}.",
    })  # fmt: skip
    return write_csv(folder / "indiana_projections.csv", rows, {
        "uid": lambda row: row["patient"] + 1, "filename": "file",
        "projection": lambda row: ("Frontal", "Lateral")[row["number"] % 2],
    })  # fmt: skip


SEVERAL = {"several": "each", "none": ["No Finding"]}

LAYOUTS = [
    Layout(
        "CheXpert", chexpert,
        {"images": ["Path"], "case": "Path", "case_pattern": r"patient\d+/study\d+",
         "view": "Frontal/Lateral", "views": {"frontal": ["Frontal"], "lateral": ["Lateral"]},
         "group": "Path", "group_pattern": r"patient\d+",
         "labels": list(CHEXPERT), "record": ["Sex", "Age"],
         "roles": {"age": "Age", "sex": "Sex"}},
        {"AP/PA": "the same in every row"},
        root=".", spec={"task": "multi_label"}, questions=("are No Finding,",),
    ),
    Layout(
        "MIMIC-CXR-JPG", mimic,
        {"suffix": "found", "images": ["dicom_id"], "case": "study_id", "view": "ViewPosition",
         "views": {"frontal": ["PA"], "lateral": ["LATERAL"]}, "group": "subject_id",
         "labels": list(CHEXPERT), "record": ["PerformedProcedureStepDescription"],
         "join": ["mimic-cxr-2.0.0-split.csv", "mimic-cxr-2.0.0-chexpert.csv"]},
        {"StudyDate": "dates", "StudyTime": "dates",
         "ViewCodeSequence_CodeMeaning": "differs between the pictures of one case",
         "Rows": "how the picture was taken", "Columns": "how the picture was taken",
         "ProcedureCodeSequence_CodeMeaning": "the same as",
         "PatientOrientationCodeSequence_CodeMeaning": "the same in every row"},
        root="files", spec={"task": "multi_label", "data.split": {"column": "split"}},
        options=("--join", "mimic-cxr-2.0.0-split.csv", "--join", "mimic-cxr-2.0.0-chexpert.csv"),
        questions=("are No Finding,",),
    ),
    Layout(
        "NIH ChestX-ray14", nih,
        {"images": ["Image Index"], "group": "Patient ID", "label": "Finding Labels",
         "labels": SEVERAL, "roots": ["images_002/images"],
         "record": ["Patient Age", "Patient Gender", "View Position"],
         "roles": {"age": "Patient Age", "sex": "Patient Gender"}},
        {"Follow-up #": "only after the diagnosis",
         "OriginalImage[Width": "how the picture was taken", "Height]": "how the picture was taken",
         "OriginalImagePixelSpacing[x": "how the picture was taken",
         "y]": "the same as", "": "the same in every row"},
        root="images_001/images",
        spec={"task": "multi_label", "data.split": {
            "files": {"train": "train_val_list.txt", "test": "test_list.txt"}}},
        questions=("several labels",),
    ),
    Layout(
        "PadChest", padchest,
        {"images": ["ImageID"], "case": "StudyID", "view": "ViewPosition_DICOM",
         "views": {"frontal": ["POSTEROANTERIOR"], "lateral": ["LATERAL"]},
         "group": "PatientID", "label": "Labels", "roots": ["1"],
         "labels": {"several": "each", "none": ["normal"]},
         "record": ["PatientSex_DICOM", "Pediatric"],
         "roles": {"sex": "PatientSex_DICOM"}},
        {"Report": "what a reader made of it", "PatientBirth": "names a person",
         "Manufacturer_DICOM": "how the picture was taken", "Localizations": "lists",
         "Projection": "differs between the pictures of one case",
         "StudyDate_DICOM": "how the picture was taken",
         "labelCUIS": "speaks of the diagnosis", "ReportID": "that of an id",
         "PhotometricInterpretation_DICOM": "how the picture was taken",
         "ImageDir": "how the picture was taken"},
        root="0", spec={"task": "multi_label"},
        questions=("'MethodLabel' is named like a label too", "several labels", "--text Report"),
    ),
    Layout(
        "IU X-ray", iu_xray,
        {"images": ["filename"], "case": "uid", "view": "projection",
         "views": {"frontal": ["Frontal"], "lateral": ["Lateral"]}, "group": "uid",
         "label": "Problems", "text": "indication",
         "labels": {"several": "each", "separator": ";", "none": ["normal"]},
         "record": ["comparison"],
         "join": ["indiana_reports.csv"]},
        {"MeSH": "speaks of the diagnosis", "findings": "what a reader made of it",
         "impression": "what a reader made of it", "image": "the same in every row"},
        root="images/images_normalized", spec={"task": "multi_label"},
        options=("--join", "indiana_reports.csv"),
        questions=("several labels", "is 'uid' the number of a patient"),
    ),
]  # fmt: skip
