"""Skin lesions: ISIC 2018 task 3, 2019 and 2020, HAM10000, PAD-UFES-20, Derm7pt and others."""

from pathlib import Path

from drawing import Layout, Row, chosen, drawn, picture, rows_of, write_csv

SEX = chosen(("female", "male"), "male")
SITES = chosen(("anterior torso", "upper extremity", "head/neck"), "site")


def isic(row: Row) -> str:
    """Name of a photograph without its ending."""
    return f"ISIC_{24306 + row['number']:07d}"


def one_hot(*names: str) -> dict[str, object]:
    """One column a class, as the challenges write them."""
    return {
        name: (lambda row, place=place: float(row["class"] == place))
        for place, name in enumerate(names)
    }


def isic_2018(folder: Path) -> Path:
    rows = rows_of(classes=7)
    for row in rows:
        picture(folder / f"ISIC2018_Task3_Training_Input/{isic(row)}.jpg", row)
    columns = {"image": isic, **one_hot("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")}
    groups = {
        "image": isic, "lesion_id": lambda row: f"HAM_{row['patient']:07d}",
        "diagnosis_confirm_type": drawn(("histopathology", "serial imaging"), 0),
    }  # fmt: skip
    write_csv(folder / "ISIC2018_Task3_Training_LesionGroupings.csv", rows, groups)
    return write_csv(folder / "ISIC2018_Task3_Training_GroundTruth.csv", rows, columns)


def isic_2019(folder: Path) -> Path:
    rows = rows_of(classes=8)
    for row in rows:
        picture(folder / f"ISIC_2019_Training_Input/{isic(row)}.jpg", row)
    names = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK")  # of UNK there is none
    write_csv(folder / "ISIC_2019_Training_Metadata.csv", rows, {
        "image": isic, "age_approx": lambda row: float(row["age"]), "anatom_site_general": SITES,
        "lesion_id": lambda row: f"BCN_{row['patient']:07d}" if row["patient"] % 6 else "",
        "sex": SEX,
    })  # fmt: skip
    columns = {"image": isic, **one_hot(*names)}
    return write_csv(folder / "ISIC_2019_Training_GroundTruth.csv", rows, columns)


def isic_2020(folder: Path) -> Path:
    rows = rows_of(count=64, classes=4)
    for row in rows:
        row["class"] = int(row["class"] == 3)
        picture(folder / f"train/{isic(row)}.jpg", row)
    kinds = (*["unknown"] * 5, "nevus", "lentigo NOS")
    return write_csv(folder / "ISIC_2020_Training_GroundTruth.csv", rows, {
        "image_name": isic, "patient_id": lambda row: f"IP_{row['patient']:07d}", "sex": SEX,
        "age_approx": lambda row: float(row["age"]), "anatom_site_general_challenge": SITES,
        "diagnosis": lambda row: "melanoma" if row["class"] else kinds[row["number"] % 7],
        "benign_malignant": chosen(("benign", "malignant"), "class"), "target": "class",
    })  # fmt: skip


def ham10000(folder: Path) -> Path:
    rows = rows_of(classes=7)
    for row in rows:
        picture(folder / f"HAM10000_images_part_{row['number'] % 2 + 1}/{isic(row)}.jpg", row)
    return write_csv(folder / "HAM10000_metadata.csv", rows, {
        "lesion_id": lambda row: f"HAM_{row['patient']:07d}", "image_id": isic,
        "dx": chosen(("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"), "class"),
        "dx_type": drawn(("histo", "follow_up", "consensus"), 0),
        "age": lambda row: float(row["age"]), "sex": SEX,
        "localization": drawn(("back", "unknown", "lower extremity"), 1),
    })  # fmt: skip


def pad_ufes(folder: Path) -> Path:
    rows = rows_of(classes=6)
    for row in rows:
        row["img"] = f"PAT_{row['patient']}_{row['patient'] + 60}_{row['number'] * 7 + 100}.png"
        picture(folder / f"imgs_part_{row['number'] % 3 + 1}/{row['img']}", row)
    yes, maybe = ("True", "False"), ("True", "False", "UNK")
    countries = ("POMERANIA", "GERMANY", "BRAZIL")
    return write_csv(folder / "metadata.csv", rows, {
        "patient_id": lambda row: f"PAT_{row['patient']}",
        "lesion_id": lambda row: row["patient"] + 60,
        "smoke": drawn(yes, 0), "drink": drawn(yes, 1),
        "background_father": drawn(countries, 2), "background_mother": drawn(countries, 3),
        "age": "age", "pesticide": drawn(yes, 4),
        "gender": chosen(("FEMALE", "MALE"), "male"), "skin_cancer_history": drawn(yes, 5),
        "cancer_history": drawn(yes, 6), "has_piped_water": drawn(yes, 7),
        "has_sewage_system": drawn(yes, 8), "fitspatrick": lambda row: row["more"][9] + 1.0,
        "region": chosen(("ARM", "NECK", "FACE"), "site"),
        "diameter_1": lambda row: row["more"][10] + 6.0,
        "diameter_2": lambda row: row["more"][11] + 5.0,
        "diagnostic": chosen(("NEV", "BCC", "ACK", "SEK", "SCC", "MEL"), "class"),
        "itch": drawn(maybe, 12), "grew": drawn(maybe, 13), "hurt": drawn(yes, 14),
        "changed": drawn(maybe, 15), "bleed": lambda row: str(row["more"][1] == 1),
        "elevation": drawn(maybe, 2),
        "img_id": "img", "biopsed": lambda row: str(row["class"] in (1, 4, 5)),
    })  # fmt: skip


def derm7pt(folder: Path) -> Path:
    """The table lies in meta, the pictures beside it in images; indexes count rows from 0."""
    rows = rows_of(each=1, classes=4)
    for row in rows:
        for kind, seed in (("clinic", 1), ("derm", 2)):
            row[kind] = f"NEL/N{'EL' if seed == 1 else 'el'}{row['number'] + 25:03d}.JPG"
            picture(folder / "images" / row[kind], row, seed)
    parts = {"train": range(28), "valid": range(28, 38), "test": range(38, 48)}
    for part, numbers in parts.items():
        chosen_rows = [{"indexes": number} for number in numbers]
        write_csv(folder / f"meta/{part}_indexes.csv", chosen_rows, {"indexes": "indexes"})
    seen = ("absent", "typical", "atypical")
    names = ("clark nevus", "melanoma (in situ)", "seborrheic keratosis", "basal cell carcinoma")
    return write_csv(folder / "meta/meta.csv", rows, {
        "case_num": lambda row: row["number"] + 1, "diagnosis": chosen(names, "class"),
        "seven_point_score": lambda row: row["class"] + row["more"][0],
        "pigment_network": drawn(seen, 1), "streaks": drawn(seen, 2),
        "pigmentation": drawn(("absent", "diffuse regular", "localized irregular"), 3),
        "regression_structures": drawn(("absent", "blue areas"), 4),
        "dots_and_globules": drawn(("absent", "regular", "irregular"), 5),
        "blue_whitish_veil": drawn(("absent", "present"), 6),
        "vascular_structures": drawn(("absent", "arborizing", "comma"), 7),
        "level_of_diagnostic_difficulty": drawn(("low", "medium", "high"), 8),
        "elevation": drawn(("flat", "palpable", "nodular"), 9),
        "location": chosen(("back", "lower limbs", "head neck"), "site"), "sex": SEX,
        "management": drawn(("excision", "clinical follow up", "no further examination"), 10),
        "clinic": "clinic", "derm": "derm",
        "case_id": lambda row: f"A{row['number']}l" if row["number"] % 3 == 0 else "",
        "notes": "",
    })  # fmt: skip


def fitzpatrick17k(folder: Path) -> Path:
    rows = rows_of(each=1, classes=6)
    labels = (
        "psoriasis",
        "squamous cell carcinoma",
        "lichen planus",
        "melanoma",
        "scabies",
        "acne",
    )
    nine = ("inflammatory", "malignant epidermal", "inflammatory", "malignant melanoma")
    for row in rows:
        row["hash"] = f"{row['number'] * 0x9E3779B97F4A7C15 % 2**128:032x}"
        picture(folder / f"images/{row['hash']}.jpg", row)
    return write_csv(folder / "fitzpatrick17k.csv", rows, {
        "md5hash": "hash", "fitzpatrick_scale": lambda row: (1, 3, -1)[row["more"][0]],
        "fitzpatrick_centaur": lambda row: (2, 3, -1)[row["more"][1]],
        "label": chosen(labels, "class"),
        "nine_partition_label": lambda row: nine[row["class"] % 4],
        "three_partition_label": lambda row: ("non-neoplastic", "malignant")[row["class"] % 2],
        "qc": lambda row: "1 Diagnostic" if row["number"] % 12 == 0 else "",  # by two doctors
        "url": lambda row: f"https://www.dermaamin.com/site/images/{labels[row['class']][:4]}"
        f"/{row['number']}.jpg",
        "url_alphanum": lambda row: f"httpwwwdermaamincomsiteimages{row['number']}jpg",
    })  # fmt: skip


def bcn20000(folder: Path) -> Path:
    rows = rows_of(classes=4)
    for row in rows:
        row["file"] = f"BCN_{row['number'] * 13 + 17:010d}.jpg"
        picture(folder / "BCN_20k_train/bcn_20k_train" / row["file"], row)
    return write_csv(folder / "bcn_20k_train.csv", rows, {
        "bcn_filename": "file", "age_approx": lambda row: float(row["age"]),
        "anatom_site_general": SITES, "diagnosis": chosen(("MEL", "NV", "BCC", "BKL"), "class"),
        "lesion_id": lambda row: f"BCN_{row['patient']:07d}",
        "capture_date": lambda row: f"20{row['more'][0] + 12}-05-{row['number'] % 27 + 1:02d}",
        "sex": SEX, "split": "train",
    })  # fmt: skip


LAYOUTS = [
    Layout(
        "ISIC 2018 task 3", isic_2018,
        {"suffix": ".jpg", "images": ["image"], "group": "lesion_id",
         "labels": {"columns": ["MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"]},
         "join": ["ISIC2018_Task3_Training_LesionGroupings.csv"]},
        {"diagnosis_confirm_type": "speaks of the diagnosis"},
        root="ISIC2018_Task3_Training_Input", encoders=("image",),
        options=("--join", "ISIC2018_Task3_Training_LesionGroupings.csv"),
    ),
    Layout(
        "ISIC 2019", isic_2019,
        {"suffix": ".jpg", "images": ["image"], "group": "lesion_id", "group_missing": "alone",
         "labels": {"columns": ["MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC"]},
         "record": ["age_approx", "anatom_site_general", "sex"],
         "roles": {"age": "age_approx", "sex": "sex", "site": "anatom_site_general"},
         "join": ["ISIC_2019_Training_Metadata.csv"]},
        {"UNK": "the same in every row"},
        root="ISIC_2019_Training_Input",
        options=("--join", "ISIC_2019_Training_Metadata.csv"),
    ),
    Layout(
        "ISIC 2020", isic_2020,
        {"suffix": ".jpg", "images": ["image_name"], "group": "patient_id", "label": "target",
         "record": ["sex", "age_approx", "anatom_site_general_challenge"],
         "roles": {"age": "age_approx", "sex": "sex", "site": "anatom_site_general_challenge"}},
        {"diagnosis": "speaks of the diagnosis", "benign_malignant": "speaks of the diagnosis"},
        root="train", questions=("'diagnosis' is named like a label too",),
    ),
    Layout(
        "HAM10000", ham10000,
        {"suffix": ".jpg", "images": ["image_id"], "group": "lesion_id", "label": "dx",
         "roots": ["HAM10000_images_part_2"], "record": ["age", "sex", "localization"],
         "roles": {"age": "age", "sex": "sex", "site": "localization"}},
        {"dx_type": "speaks of the diagnosis"}, root="HAM10000_images_part_1",
    ),
    Layout(
        "PAD-UFES-20", pad_ufes,
        {"images": ["img_id"], "group": "patient_id", "label": "diagnostic",
         "roots": ["imgs_part_2", "imgs_part_3"],
         "record": ["smoke", "drink", "background_father", "background_mother", "age", "pesticide",
                    "gender", "skin_cancer_history", "cancer_history", "has_piped_water",
                    "has_sewage_system", "fitspatrick", "region", "diameter_1", "diameter_2",
                    "itch", "grew", "hurt", "changed", "bleed", "elevation"],
         "roles": {"age": "age", "sex": "gender", "site": "region"}},
        {"lesion_id": "that of an id", "biopsed": "speaks of the diagnosis"}, root="imgs_part_1",
    ),
    Layout(
        "Derm7pt", derm7pt,
        {"images": {"clinic": ["clinic"], "derm": ["derm"]}, "group": None, "label": "diagnosis",
         "record": ["pigment_network", "streaks", "pigmentation", "regression_structures",
                    "dots_and_globules", "blue_whitish_veil", "vascular_structures", "elevation",
                    "location", "sex"],
         "roles": {"sex": "sex", "site": "location"}},
        {"case_num": "counts the rows", "seven_point_score": "only after the diagnosis",
         "level_of_diagnostic_difficulty": "speaks of the diagnosis", "case_id": "that of an id",
         "management": "only after the diagnosis", "notes": "the same in every row"},
        root="images", encoders=("clinic", "derm", "text"),
        spec={"data.split": {
            "files": {part: f"meta/{name}_indexes.csv" for part, name in
                      (("train", "train"), ("validation", "valid"), ("test", "test"))},
            "index": "indexes"}},
    ),
    Layout(
        "Fitzpatrick17k", fitzpatrick17k,
        {"suffix": ".jpg", "images": ["md5hash"], "group": None, "label": "label",
         "record": ["fitzpatrick_scale", "fitzpatrick_centaur"]},
        {"nine_partition_label": "speaks of the diagnosis", "url": "addresses",
         "three_partition_label": "speaks of the diagnosis", "qc": "only after the diagnosis",
         "url_alphanum": "ids"},
        root="images",
        questions=("'nine_partition_label', 'three_partition_label' are named like labels too",
                   "does -1 in 'fitzpatrick_scale'"),
    ),
    Layout(
        "BCN20000", bcn20000,
        {"images": ["bcn_filename"], "group": "lesion_id", "label": "diagnosis",
         "record": ["age_approx", "anatom_site_general", "sex"],
         "roles": {"age": "age_approx", "sex": "sex", "site": "anatom_site_general"}},
        {"capture_date": "dates", "split": "the same in every row"},
        root="BCN_20k_train/bcn_20k_train",
    ),
]  # fmt: skip
