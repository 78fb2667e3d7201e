"""MIMIC-CXR-JPG as it is published: a row for each image, labels and reports elsewhere."""

from pathlib import Path

from mmx.interfaces import Labels
from mmx_plugins.datasets.table import TableParams

METADATA = """dicom_id,subject_id,study_id,ViewPosition
a,10,50,PA
b,10,50,LATERAL
c,10,51,AP
"""
LABELS = "subject_id,study_id,Edema,Fracture\n10,50,1.0,\n10,51,0.0,-1.0\n"
REPORTS = "study_id,report,impression\n50,files/s50.txt,edema\n51,files/s51.txt,clear\n"


def test_images_labels_and_reports_of_a_study_come_together(tmp_path: Path) -> None:
    for name, text in (("m.csv", METADATA), ("l.csv", LABELS), ("r.csv", REPORTS)):
        (tmp_path / name).write_text(text)
    for file in ("p10/s50/a.jpg", "p10/s50/b.jpg", "p10/s51/c.jpg", "s50.txt", "s51.txt"):
        (tmp_path / "files" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "files" / file).write_text(f"of {file}")
    params = TableParams(
        path=tmp_path / "m.csv", join=(tmp_path / "l.csv", tmp_path / "r.csv"),
        case=("study_id",), view=("ViewPosition",), images={"image": ("dicom_id",)},
        views={"frontal": ("PA", "AP"), "lateral": ("LATERAL",)}, suffix="found",
        labels=Labels(each=("Edema", "Fracture")), group="subject_id", text=("impression",),
        text_files=("report",),
    )  # fmt: skip
    dataset = params.build()
    one, two = dataset.samples()
    names = {kind: [image.name for image in held if isinstance(image, Path)]
             for kind, held in one.images.items()}  # fmt: skip
    assert names == {"frontal": ["a.jpg"], "lateral": ["b.jpg"]}
    assert [*two.images] == ["frontal"]
    assert [(row.id, row.group) for row in (one, two)] == [("50", "10"), ("51", "10")]
    assert one.labels == {"Edema": "1.0", "Fracture": None}
    assert one.record == {"impression": "edema", "report": "of s50.txt"}
    assert list(dataset.rejected()) == []
    assert "3 rows are 2 cases (case: study_id)" in dataset.facts.notes
