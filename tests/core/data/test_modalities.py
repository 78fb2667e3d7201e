"""Images of several modalities: each row, each store and each table keeps them apart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mmx.data import ImageStore, TableRows, read_manifest
from mmx.data.contents import ContentsCount
from mmx.interfaces import Dataset, Layout, Sample
from mmx.spec import ImageSpec
from mmx_plugins.tasks.single_label import SingleLabelParams

WriteImage = Callable[..., Path]


def two(write_image: WriteImage) -> list[Sample]:
    """A row with both kinds of pictures, and one with the first kind alone."""
    derm, first, second = (write_image(f"{name}.png", seed=n) for n, name in enumerate("abc"))
    box = (0.0, 0.0, 20.0, 15.0)
    return [
        Sample(
            "x", "g", {"derm": (derm,), "clinic": (first, None, second)},
            {"clinic": (None, None, box)}, label="a", own={"clinic": 2},
        ),
        Sample("y", "h", {"derm": (first,)}, label="b"),
    ]  # fmt: skip


def opened(samples: list[Sample], modality: str, folder: Path) -> ImageStore:
    spec = ImageSpec(height=20, width=30)
    return ImageStore(samples, spec, modality=modality, folder=folder, memory_gb=1.0)


def test_a_store_holds_the_images_of_its_modality(write_image: WriteImage, tmp_path: Path) -> None:
    samples = two(write_image)
    derm, clinic = (opened(samples, name, tmp_path / "images") for name in ("derm", "clinic"))
    assert derm.mask.tolist() == [[True], [True]]
    assert clinic.mask.tolist() == [[True, False, True], [False, False, False]]
    assert clinic.centre.tolist() == [2, 0]
    boxes = clinic.collate([0, 1]).boxes
    assert boxes is not None
    assert boxes[0, 2].isfinite().all()
    assert derm.collate([0, 1]).boxes is None
    alone = [Sample(one.id, one.group, {"image": one.images["derm"]}) for one in samples]
    assert derm.keys == opened(alone, "image", tmp_path / "images").keys


def test_the_short_form_of_one_kind_is_an_image(tmp_path: Path) -> None:
    short: Any = Sample
    file = tmp_path / "a.png"
    given = short("x", "g", (file, None), (None, None), own=0)
    named = Sample("x", "g", {"image": (file, None)}, {"image": (None, None)}, own={"image": 0})
    assert given == named
    assert given.has_image
    assert short("x", "g", (), ()) == Sample("x", "g")
    layout: Any = Layout
    assert layout(images=("a",), own=0) == Layout(images={"image": ("a",)}, own={"image": 0})


def test_one_kind_has_the_digest_that_it_always_had(rows: Callable[..., Dataset]) -> None:
    sample = Sample(
        "s", "g", {"image": (Path("/x/a.png"), None)}, {"image": ((1.0, 2.0, 3.0, 4.0), None)},
        {"age": 3.0}, "a",
    )  # fmt: skip
    digest = read_manifest(rows([sample], "a"), 0.0, SingleLabelParams()).digest
    assert digest == "5ef264f6a6f7d0b6e41118cb1b203b80222058d956e2cfa3c5409b55a34c80e1"


@pytest.mark.parametrize(
    "other",
    [
        Sample("s", "g", {"image": (Path("a.png"),), "clinic": (Path("b.png"),)}, label="a"),
        Sample("s", "g", {"clinic": (Path("a.png"),)}, label="a"),
        Sample("s", "g", {"image": (Path("a.png"),)}, label="a", inputs={"ecg": Path("b.npy")}),
    ],
)
def test_other_modalities_are_in_the_digest(other: Sample, rows: Callable[..., Dataset]) -> None:
    plain = Sample("s", "g", {"image": (Path("a.png"),)}, label="a")
    digests = {
        read_manifest(rows([one], "a"), 0.0, SingleLabelParams()).digest for one in (plain, other)
    }
    assert len(digests) == 2


def test_what_the_samples_held_gives_columns_for_each_modality(write_image: WriteImage) -> None:
    counted = ContentsCount()
    for sample in (*two(write_image), Sample("z", "i", inputs={"ecg": Path("z.npy")})):
        counted.add(sample)
    layout = counted.contents.layout()
    assert layout.images == {"derm": ("derm",), "clinic": ("clinic", "clinic_2", "clinic_3")}
    corners = ("left", "top", "right", "bottom")
    assert layout.boxes["clinic"][1] == tuple(f"clinic_{corner}_2" for corner in corners)
    assert layout.own == {"clinic": 2}
    assert layout.inputs == {"ecg": "ecg"}
    assert {"derm", "clinic_3", "clinic_left", "ecg"} <= set(layout.columns)


def test_a_table_names_columns_by_modality(tmp_path: Path) -> None:
    layout = Layout(images={"derm": ("d",), "clinic": ("p", "q")}, inputs={"ecg": "e"}, text="t")
    cells = {
        "d": ["1.png", "", ""], "p": ["", "2.png", ""], "q": ["", "3.png", ""],
        "e": ["", "4.npy", "../5.npy"], "t": ["a", "b", "c"],
    }  # fmt: skip
    rows = TableRows(layout, pd.DataFrame(cells), tmp_path)
    assert [row.images for row in rows] == [
        {"derm": (tmp_path / "1.png",)},
        {"clinic": (tmp_path / "2.png", tmp_path / "3.png")},
    ]
    assert [row.inputs for row in rows] == [{}, {"ecg": tmp_path / "4.npy"}]
    assert "'e'" in rows.faults[2], "a file of any kind may not leave its folder"
