"""Eyes, and pictures in folders: APTOS, ODIR-5K, MedMNIST."""

from pathlib import Path

from drawing import Layout, Row, chosen, picture, rows_of, write_csv, write_xlsx


def aptos(folder: Path) -> Path:
    rows = rows_of(each=1, count=60, classes=5)
    for row in rows:
        row["id"] = f"{row['number'] * 0x9E3779B1 % 2**48:012x}"
        picture(folder / f"train_images/{row['id']}.png", row)
    return write_csv(folder / "train.csv", rows, {"id_code": "id", "diagnosis": "class"})


ODIR = ("N", "D", "G", "C", "A", "H", "M", "O")
KEYWORDS = ("normal fundus", "moderate non proliferative retinopathy", "glaucoma", "cataract",
            "dry age-related macular degeneration", "hypertensive retinopathy",
            "pathological myopia", "drusen")  # fmt: skip


def odir(folder: Path) -> Path:
    """As the challenge gave it: a workbook with one row a patient and both eyes."""
    rows = rows_of(each=1, count=64, classes=8)
    for row in rows:
        second = (row["class"] + 1 + row["more"][0]) % 8 if row["number"] % 3 == 0 else None
        row["both"] = {row["class"]} | ({second} if row["class"] and second else set())
        for eye, seed in (("left", 1), ("right", 2)):
            row[eye] = f"{row['number']}_{eye}.jpg"
            picture(folder / "ODIR-5K_Training_Dataset" / row[eye], row, seed)

    def keywords(row: Row) -> str:
        return "，".join(KEYWORDS[one] for one in sorted(row["both"]))

    return write_xlsx(folder / "ODIR-5K_Training_Annotations(Updated)_V2.xlsx", rows, {
        "ID": lambda row: row["number"] * 3, "Patient Age": "age",
        "Patient Sex": chosen(("Female", "Male"), "male"),
        "Left-Fundus": "left", "Right-Fundus": "right",
        "Left-Diagnostic Keywords": keywords, "Right-Diagnostic Keywords": keywords,
        **{name: (lambda row, place=place: int(place in row["both"]))
           for place, name in enumerate(ODIR)},
    })  # fmt: skip


def medmnist(folder: Path) -> Path:
    """Arranged as folders of parts and classes; files are named as the package names them."""
    for row in rows_of(each=1, count=60, classes=3):
        part = ("train", "train", "val", "test")[row["number"] // 3 % 4]
        name = f"{part}{row['number']}_{row['class']}.png"
        picture(folder / f"bloodmnist/{part}/{row['class']}/{name}", row)
    return folder / "bloodmnist"


LAYOUTS = [
    Layout(
        "APTOS 2019", aptos,
        {"suffix": ".png", "images": ["id_code"], "group": None, "label": "diagnosis"},
        root="train_images", encoders=("image",), questions=("task: {type: ordinal",),
    ),
    Layout(
        "APTOS 2019 as levels", aptos,
        {"suffix": ".png", "images": ["id_code"], "group": None, "label": "diagnosis"},
        root="train_images", encoders=("image",), options=("--task", "ordinal"),
        spec={"task": {"type": "ordinal", "levels": ["0", "1", "2", "3", "4"]}},
    ),
    Layout(
        "ODIR-5K", odir,
        {"images": ["Left-Fundus", "Right-Fundus"], "group": None, "labels": list(ODIR),
         "record": ["Patient Age", "Patient Sex"],
         "roles": {"age": "Patient Age", "sex": "Patient Sex"}},
        {"ID": "that of an id", "Left-Diagnostic Keywords": "speaks of the diagnosis",
         "Right-Diagnostic Keywords": "speaks of the diagnosis"},
        root="ODIR-5K_Training_Dataset", spec={"task": "multi_label"},
        questions=("are N, D, G, C, A, H, M, O the labels",),
    ),
    Layout(
        "MedMNIST folders", medmnist,
        {"images": ["file_name"], "group": None, "label": "label"},
        root="bloodmnist", encoders=("image",), questions=("task: {type: ordinal",),
        spec={"data.split": {"column": "split"}},
    ),
]  # fmt: skip
