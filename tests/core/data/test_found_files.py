"""Image files by their id: endings and folders are looked up, and nothing is guessed."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmx.data.found_files import FolderListing, with_found_endings
from mmx.interfaces import Sample
from mmx_plugins.datasets.table import TableParams


def _files(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a", "a.jpg"),
        ("b", "b.PNG"),
        ("c", "deep/er/c.JPG"),
        ("er/c", "deep/er/c.JPG"),
        ("deep/er/c", "deep/er/c.JPG"),
        ("./a", "a.jpg"),
        ("a.jpg", "a.jpg"),
        ("c.JPG", "deep/er/c.JPG"),
        ("1.2.840.1", "series/1.2.840.1.dcm"),
        ("scan", "scan.nii.gz"),
        ("IM0001", "IM0001"),
        ("d", "d.jpg"),  # as it is written, before what lies deeper
        ("missing", None),
        ("a.png", None),  # another ending than the one that is named is no match
        ("r/c", None),  # the end of a path, by whole names of folders
        ("p1/t", "x/p1/t.JPG"),
        ("x/p1/t.JPG", "x/p1/t.JPG"),
        ("../a", None),
        ("hidden", None),
        ("notes", None),
    ],
)
def test_an_id_is_the_file_of_that_name(tmp_path: Path, name: str, file: str | None) -> None:
    _files(tmp_path, "a.jpg", "b.PNG", "deep/er/c.JPG", "series/1.2.840.1.dcm", "scan.nii.gz",
           "IM0001", "d.jpg", "deep/d.jpg", "x/p1/t.JPG", "x/p1.old/t.JPG", "x/p1/t.old/t.JPG",
           "._a.jpg", ".hidden.jpg", "notes.txt")  # fmt: skip
    listing = FolderListing([tmp_path], links=False)
    assert [*listing.files(name)] == ([] if file is None else [file])


def test_the_first_root_that_has_it_counts(tmp_path: Path) -> None:
    one, two = _files(tmp_path / "1", "a.jpg"), _files(tmp_path / "2", "a.png", "b.png")
    listing = FolderListing([one, two], links=False)
    assert [*listing.files("a")] == ["a.jpg"]
    assert [*listing.files("b")] == ["b.png"]


def test_links_to_folders_are_followed_once_and_only_when_that_is_said(tmp_path: Path) -> None:
    away = _files(tmp_path / "store", "a.jpg")
    (away / "again").symlink_to(away)
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(away)
    assert [*FolderListing([root], links=False).files("a")] == []
    assert [*FolderListing([root], links=True).files("a")] == ["linked/a.jpg"]


def _rows(folder: Path, text: str, **settings: Any) -> Any:
    (folder / "t.csv").write_text(text)
    found = {"path": folder / "t.csv", "images": ["image"], "label": "dx", "group": None,
             "suffix": "found", **settings}  # fmt: skip
    return TableParams.model_validate(found).build()


def test_a_table_of_ids_tells_the_endings_and_refuses_what_is_unclear(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    folder = write_image("x.png").parent
    for file in ("ISIC_1.jpg", "ISIC_2.PNG", "part/ISIC_3.jpg", "ISIC_4.jpg", "part/ISIC_4b.png"):
        (folder / "part").mkdir(exist_ok=True)
        write_image(file)
    write_image("ISIC_4.png")
    dataset = _rows(folder, "image,dx\nISIC_1,a\nISIC_2,b\nISIC_3,a\nISIC_4,b\n,\nISIC_5,a\n")
    samples: list[Sample] = [*dataset.samples()]
    files = [image for sample in samples for image in sample.images["image"]]
    there = ("ISIC_1.jpg", "ISIC_2.PNG", "part/ISIC_3.jpg", "ISIC_5")
    assert files == [folder / name for name in there]
    unclear, empty = dataset.rejected()
    assert unclear.row == "row 5"
    assert "'ISIC_4' may be ISIC_4.jpg or ISIC_4.png; name the file" in unclear.reason
    assert empty.row == "row 6"
    assert ("column 'image': endings of the files that were found: .jpg (2 x), .PNG (1 x); 1 names "
            "have no file") in dataset.facts.notes  # fmt: skip


def test_a_name_that_leaves_its_folder_is_refused_as_ever(tmp_path: Path) -> None:
    _files(tmp_path, "out.jpg", "root/a.jpg")
    dataset = _rows(tmp_path, "image,dx\na,x\n../out,y\n", root=tmp_path / "root")
    (bad,) = dataset.rejected()
    assert bad.row == "row 3"
    assert "out" in bad.reason


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("p{group}/s{row}", "s{row}"),
        ("p{row}/t1", "p{row}/t1"),  # all files have one name
        ("deep/p{row}/t1", "p{row}/t1"),
    ],
)
def test_a_hundred_thousand_names_cost_one_listing(
    file: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = 100_000
    names = [
        f"{file.format(row=row, group=row % 100)}.{('jpg', 'png', 'JPG')[row % 3]}"
        for row in range(rows)
    ]
    monkeypatch.setattr("mmx.data.found_files._files", lambda root, links: iter(names))
    begin = time.process_time()
    listing = FolderListing([Path("nowhere")], links=False)
    cells = np.array([name.format(row=row) for row in range(rows)], dtype=object)
    paths, faults, told = with_found_endings(cells, listing, "image")
    assert time.process_time() - begin < 4
    assert paths.tolist() == names
    assert not faults
    assert ".jpg (33334 x)" in told


def test_an_image_and_a_text_may_have_one_id(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    write_image("scans/s1.png")
    write_image("scans/s2.png")
    _files(tmp_path, "reports/p1/s1.txt", "reports/s2.txt", "reports/s2.md", "scans/s1.json")
    (tmp_path / "reports/p1/s1.txt").write_text("cough")
    dataset = _rows(tmp_path, "image,letter,dx\ns1,s1,a\ns2,s2,b\ns2,s3,a\n", text_files="letter")
    (sample,) = dataset.samples()
    assert sample.record["letter"] == "cough"
    assert sample.images["image"] == (tmp_path / "scans/s1.png",)
    assert dataset.text_files() == {"letter": [tmp_path / "reports/p1/s1.txt"]}
    assert [one.reason for one in dataset.rejected()] == [
        "column 'letter': 's2' may be reports/s2.md or reports/s2.txt; name the file with its "
        "folder and ending",
        "column 'letter': 's3': there is no such file",
    ]
    assert dataset.facts.notes[1].startswith(
        "column 'letter': endings of the files that were found: .txt (1 x); 1 names have no file"
    )


def test_a_stated_ending_is_that_of_images_alone(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    write_image("a.png")
    (tmp_path / "a.txt").write_text("cough")
    dataset = _rows(tmp_path, "image,letter,dx\na,a.txt,x\na,a,y\n", suffix=".png",
                    text_files="letter")  # fmt: skip
    assert [one.record["letter"] for one in dataset.samples()] == ["cough"]
    assert "there is no such file" in dataset.rejected()[0].reason
