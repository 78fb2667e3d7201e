"""HAM10000 is read in both layouts, with what is unknown left out."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mmx import DataError
from mmx_plugins.datasets.ham10000 import Ham10000Params

Write = Callable[..., Path]
ROWS = """lesion_id,image_id,dx,dx_type,age,sex,localization
L1,A,nv,follow_up,80.0,male,scalp
L1,B,nv,histo,0.0,female,unknown
L2,C,mel,histo,,unknown,back
L3,LOST,mel,histo,20.0,male,back
"""


@pytest.fixture
def kaggle(tmp_path: Path, write_image: Write) -> Path:
    """Kaggle's layout; the photograph LOST is not there."""
    (tmp_path / "HAM10000_metadata.csv").write_text(ROWS, encoding="utf-8")
    for seed, name in enumerate(("part_1/A", "part_1/B", "part_2/C")):
        write_image(f"HAM10000_images_{name}.jpg", seed=seed)
    return tmp_path


def test_kaggles_layout_is_read(kaggle: Path) -> None:
    dataset = Ham10000Params(root=kaggle).build()
    first, second, third = dataset.samples()
    assert first.images == {"image": (kaggle / "HAM10000_images_part_1/A.jpg",)}
    assert third.images == {"image": (kaggle / "HAM10000_images_part_2/C.jpg",)}
    assert (first.id, first.group, first.label, first.boxes) == ("A", "L1", "nv", {})
    assert first.record == {"age": 80.0, "sex": "male", "site": "scalp", "dx_type": "follow_up"}
    assert second.record == {"age": None, "sex": "female", "site": None, "dx_type": "histo"}
    assert third.record == {"age": None, "sex": None, "site": "back", "dx_type": "histo"}
    assert [one.row for one in dataset.rejected()] == ["LOST"]


def test_boxes_are_used_where_there_are_some(kaggle: Path) -> None:
    (kaggle / "lesion_boxes.csv").write_text("image_id,left,top,right,bottom\nA,1,2,3,4\n")
    samples = Ham10000Params(root=kaggle).build().samples()
    assert [sample.boxes["image"] for sample in samples] == [((1, 2, 3, 4),), (None,), (None,)]


def test_lesion_views_change_no_row(kaggle: Path) -> None:
    plain = Ham10000Params(root=kaggle).build().samples()
    views = Ham10000Params(root=kaggle, views="lesion").build().samples()
    assert [one.id for one in views] == [one.id for one in plain]
    names = [[Path(str(image)).stem for image in sample.images["image"]] for sample in views]
    assert names == [["A", "B"], ["B", "A"], ["C"]]


def test_what_tells_the_label_is_declared(kaggle: Path) -> None:
    facts = Ham10000Params(root=kaggle).build().facts
    assert facts.leak_columns == ("dx_type",)
    assert len(facts.allowed_views) == 8
    assert set(facts.synonyms) == set(Ham10000Params(root=kaggle).build().classes)


def test_a_folder_without_photographs_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "HAM10000_metadata.csv").write_text(ROWS, encoding="utf-8")
    with pytest.raises(DataError, match="unpack the photographs"):
        Ham10000Params(root=tmp_path).build()


def test_the_real_images_are_all_there(shared_data: Path) -> None:
    dataset = Ham10000Params(root=shared_data / "ham10000").build()
    samples = dataset.samples()
    assert (len(samples), len(dataset.rejected())) == (8011, 0)
    assert len({sample.group for sample in samples}) == 5975
    assert sum(sample.record["age"] is None for sample in samples) > 0
    assert all(len(sample.boxes["image"]) == 1 for sample in samples)
