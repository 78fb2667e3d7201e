"""Spreadsheets of a German and a Chinese clinic."""

from pathlib import Path

from drawing import Layout, Row, chosen, drawn, picture, rows_of, write_xlsx


def german(folder: Path) -> Path:
    rows = rows_of()
    for row in rows:
        row["file"] = f"Bild_{row['number']:04d}.jpg"
        picture(folder / "Bilder" / row["file"], row)
    story = (
        "Fleck seit {} Wochen größer, juckt nachts",
        "seit {} Monaten unverändert, kein Jucken",
    )

    def told(row: Row) -> str:
        return story[row["more"][0] % 2].format(row["more"][1] + 2)

    def seen(row: Row) -> str:
        return f"etwa {row['more'][6] + row['age'] // 9} mm großer Fleck, {row['more'][7] + 1} Töne"

    return write_xlsx(folder / "Hautklinik.xlsx", rows, {
        "lfd. Nr.": lambda row: row["number"] + 1, "Pat.-Nr.": lambda row: 70412 + row["patient"],
        "Nachname": lambda row: f"M{row['patient']}uster",
        "Geburtsdatum": lambda row: f"{row['patient'] + 1:02d}.03.19{row['age'] % 60 + 30}",
        "Untersuchungsdatum": lambda row: f"{row['number'] % 27 + 1:02d}.04.2023",
        "Geschlecht": chosen(("weiblich", "männlich"), "male"), "Alter (Jahre)": "age",
        "Lokalisation": chosen(("Rücken", "Arm", "Gesicht"), "site"),
        "Größe [mm]": lambda row: row["more"][2] + 4, "Juckreiz": drawn(("ja", "nein", "k. A."), 3),
        "Bilddatei": "file", "Anamnese": told, "Befund": seen,
        "Diagnose": chosen(("Nävus", "Melanom", "Basaliom"), "class"),
        "ICD-10": chosen(("D22.9", "C43.9", "C44.9"), "class"),
        "Histologie": lambda row: ("", "", "Basalzellkarzinom, solide")[row["class"]],
        "Therapie": drawn(("Exzision", "Kontrolle in 3 Monaten"), 4),
        "Stationär": drawn(("ja", "nein"), 5),
    })  # fmt: skip


def chinese(folder: Path) -> Path:
    rows = rows_of()
    for row in rows:
        row["file"] = f"IMG{row['number']:05d}.jpg"
        picture(folder / "图片" / row["file"], row)
    return write_xlsx(folder / "皮肤科.xlsx", rows, {
        "序号": lambda row: row["number"] + 1, "住院号": lambda row: f"ZY{20230 + row['patient']}",
        "姓名": lambda row: f"患者{row['patient']}", "性别": chosen(("女", "男"), "male"),
        "年龄": "age", "就诊日期": lambda row: f"2023年4月{row['number'] % 27 + 1}日",
        "部位": chosen(("背部", "面部", "手臂"), "site"), "瘙痒": drawn(("有", "无"), 3),
        "图像文件": "file",
        "主诉": lambda row: f"发现皮肤斑块{row['more'][0] + 2}年，近期略有增大",
        "现病史": lambda row: f"患者{row['age'] // 9}个月前无明显诱因出现斑块，伴轻度瘙痒",
        "既往史": drawn(("否认高血压、糖尿病病史", "高血压病史十年，规律服药"), 6),
        "诊断": chosen(("色素痣", "黑色素瘤", "基底细胞癌"), "class"),
        "病理结果": lambda row: ("", "", "基底细胞癌")[row["class"]],
        "治疗方案": drawn(("手术切除", "随访观察"), 4),
    })  # fmt: skip


LAYOUTS = [
    Layout(
        "German clinic", german,
        {"images": ["Bilddatei"], "text": ["Anamnese", "Befund"], "label": "Diagnose",
         "group": "Pat.-Nr.",
         "record": ["Geschlecht", "Alter (Jahre)", "Lokalisation", "Größe [mm]", "Juckreiz",
                    "Stationär"],
         "roles": {"age": "Alter (Jahre)", "sex": "Geschlecht", "site": "Lokalisation"}},
        {"lfd. Nr.": "counts the rows", "Nachname": "names a person",
         "Geburtsdatum": "names a person", "Untersuchungsdatum": "dates",
         "ICD-10": "speaks of the diagnosis", "Histologie": "speaks of the diagnosis",
         "Therapie": "only after the diagnosis"},
        root="Bilder",
    ),
    Layout(
        "Chinese clinic", chinese,
        {"images": ["图像文件"], "text": ["主诉", "现病史"], "label": "诊断", "group": "住院号",
         "record": ["性别", "年龄", "部位", "瘙痒", "既往史"],
         "roles": {"age": "年龄", "sex": "性别", "site": "部位"}},
        {"序号": "counts the rows", "姓名": "names a person", "就诊日期": "dates",
         "病理结果": "speaks of the diagnosis", "治疗方案": "only after the diagnosis"},
        root="图片",
    ),
]  # fmt: skip
