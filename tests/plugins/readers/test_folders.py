"""Folders and shards: image folders, saved data sets, WebDataset."""

import io
import json
import tarfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mmx
from mmx.data import TableRows, read_image
from mmx.interfaces import (
    ImageReaderParams,
    Layout,
    PackedImage,
    ReaderParams,
    TableContents,
)
from mmx.plugins import Plugins

with warnings.catch_warnings():  # at its import
    warnings.simplefilter("ignore")
    import datasets


def png(grey: int) -> bytes:
    raw = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), grey, np.uint8)).save(raw, "PNG")
    return raw.getvalue()


def put(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def greys(found: TableContents, path: Path, column: str) -> list[float]:
    """The grey of the image of each row, as a table data set reads it."""
    rows = TableRows(Layout(images={"image": (column,)}), found.cells, found.folder or path.parent)
    assert rows.faults == {}
    return [float(read_image(row.images["image"][0]).mean()) for row in rows]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "text"),
    [("metadata.csv", "file_name,dx\na.png,nv\nsub/b.png,mel\n"),
     ("metadata.jsonl", '{"file_name": "a.png", "dx": "nv"}\n{"file_name": "sub/b.png"}\n')],
)  # fmt: skip
def test_an_image_folder_is_its_metadata(tmp_path: Path, name: str, text: str) -> None:
    for part in ("train", "test"):
        put(tmp_path / part / "a.png", png(10))
        put(tmp_path / part / "sub" / "b.png", png(20))
        put(tmp_path / part / name, text)
    found = mmx.open_table(tmp_path)
    assert found.cells["file_name"].tolist() == [
        "test/a.png", "test/sub/b.png", "train/a.png", "train/sub/b.png",
    ]  # fmt: skip
    assert found.cells["split"].tolist() == ["test", "test", "train", "train"]
    assert greys(found, tmp_path, "file_name") == [10, 20, 10, 20]


def test_folders_of_classes_are_labels(tmp_path: Path) -> None:
    for name in ("nv/b.png", "nv/a.jpg", "mel/c.png", "mel/notes.txt"):
        put(tmp_path / name, png(1))
    (tmp_path / "mel" / "link.png").symlink_to(tmp_path / "nv" / "b.png")
    found = mmx.open_table(tmp_path).cells.to_dict("list")
    assert found == {
        "file_name": ["mel/c.png", "nv/a.jpg", "nv/b.png"], "label": ["mel", "nv", "nv"],
    }  # fmt: skip


def test_images_of_every_format_are_found_by_their_ending(tmp_path: Path) -> None:
    methods = [one for one in Plugins().installed(ReaderParams.kind) if one.status == "found"]
    readers = [Plugins().find(one.kind, one.long_name) for one in methods]
    endings = [".jpg", ".avif", ".pgm", ".TIFF"]
    endings += [end for one in readers if issubclass(one, ImageReaderParams) for end in one.endings]
    names = [f"{number}{ending}" for number, ending in enumerate(endings)]
    with tarfile.open(tmp_path / "a.tar", "w") as shard:
        for number, ending in enumerate(endings):
            put(tmp_path / "folder" / "nv" / names[number], png(1))
            shard.add(tmp_path / "folder" / "nv" / names[number], f"{number}.left{ending}")
    found = mmx.open_table(tmp_path / "folder").cells["file_name"].tolist()
    assert found == sorted(f"nv/{name}" for name in names)
    packed = mmx.open_table(tmp_path / "a.tar")
    assert packed.notes == []
    assert all(isinstance(one, PackedImage) for one in packed.cells["left"])


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"metadata.csv": "image\na.png\n"}, "has no column file_name"),
        ({"metadata.csv": "file_name\n", "metadata.jsonl": "{}"}, "keep one of them"),
        ({"notes.txt": "x"}, "is a folder that no reader knows"),
    ],
)
def test_a_folder_that_is_none_is_told(tmp_path: Path, files: dict[str, str], words: str) -> None:
    for name, content in files.items():
        put(tmp_path / name, content)
    with pytest.raises(mmx.DataError, match=words):
        mmx.open_table(tmp_path)


def test_names_in_metadata_cannot_leave_the_folder(tmp_path: Path) -> None:
    put(tmp_path / "metadata.csv", "file_name,dx\n../a.png,nv\n/etc/passwd,mel\n")
    found = mmx.open_table(tmp_path)
    rows = TableRows(Layout(images={"image": ("file_name",)}), found.cells, tmp_path)
    assert [*rows.faults] == [0, 1]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("saved") / "set"
    kinds = datasets.Features(
        {
            "image": datasets.Image(), "dx": datasets.ClassLabel(names=["mel", "nv"]),
            "age": datasets.Value("int64"), "note": datasets.Value("string"),
        }
    )  # fmt: skip

    def part(*greys: int) -> Any:
        content = {
            "image": [{"bytes": png(grey), "path": None} for grey in greys],
            "dx": [grey % 2 for grey in greys], "age": [40, *[None] * (len(greys) - 1)],
            "note": [f"über {grey}" for grey in greys],
        }  # fmt: skip
        return datasets.Dataset.from_dict(content, features=kinds)

    both: Any = {"train": part(10, 21, 30).select([2, 0]), "test": part(41)}
    datasets.DatasetDict(both).save_to_disk(folder)
    return folder


def test_a_saved_data_set_has_names_of_classes_and_its_images(saved: Path) -> None:
    found = mmx.open_table(saved)
    assert found.cells.drop(columns="image").to_dict("list") == {
        "dx": ["mel", "mel", "nv"], "age": [None, 40, 40],
        "note": ["über 30", "über 10", "über 41"],
        "split": ["train", "train", "test"],
    }  # fmt: skip
    assert greys(found, saved, "image") == [30, 10, 41]


def test_a_saved_data_set_opens_no_file_elsewhere(saved: Path, tmp_path: Path) -> None:
    state = json.loads((saved / "test" / "state.json").read_text())
    state["_data_files"][0]["filename"] = "../train/data-00000-of-00001.arrow"
    put(tmp_path / "set" / "state.json", json.dumps(state))
    put(tmp_path / "set" / "dataset_info.json", "{}")
    with pytest.raises(mmx.DataError, match="which is no plain name of a file"):
        mmx.open_table(tmp_path / "set")


def shard(path: Path, **members: bytes) -> Path:
    """A tar file; a name has ``__`` for its points."""
    with tarfile.open(path, "w") as out:
        for name, content in members.items():
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size = len(content)
            out.addfile(member, io.BytesIO(content))
    return path


def test_samples_of_a_shard_are_rows(tmp_path: Path) -> None:
    path = shard(
        tmp_path / "a.tar", x1__jpg=png(10), x1__json=b'{"dx": "mel", "age": 4}',
        x1__left__png=png(11), x2__png=png(20), x2__json=b'{"dx": "nv"}', x2__npy=b"array",
    )  # fmt: skip
    found = mmx.open_table(path)
    assert found.cells[["__key__", "dx", "age"]].values.tolist() == [
        ["x1", "mel", 4],
        ["x2", "nv", None],
    ]
    assert list(found.notes) == ["members of a shard that are not read: *.npy"]
    assert greys(found, path, "image") == [10, 20]
    left = found.cells["left"][0]
    assert isinstance(left, PackedImage)
    assert left.read() == png(11)


def test_a_manifest_names_its_shards_and_their_samples(tmp_path: Path) -> None:
    for name, grey in (("a", 1), ("b", 2)):
        shard(tmp_path / f"{name}.tar", x__png=png(grey), x__cls=b"1")
    manifest = tmp_path / "shards.json"

    def write(*shards: tuple[str, int]) -> None:
        entries = [{"url": name, "nsamples": count} for name, count in shards]
        kind = {"__kind__": "wids-shard-index-v1", "shardlist": entries}
        manifest.write_text(json.dumps(kind))

    write(("b.tar", 1), ("a.tar", 1))
    assert mmx.open_table(manifest).cells["__shard__"].tolist() == ["b.tar", "a.tar"]
    assert mmx.open_table(tmp_path).cells["__shard__"].tolist() == ["a.tar", "b.tar"]
    for shards, words in (
        ([("a.tar", 2)], "holds 1 samples, and its manifest says 2"),
        ([("c.tar", 1)], "names 'c.tar', which is not there"),
        ([("../a.tar", 1)], "leaves the folder"),
        ([("https://example.org/a.tar", 1)], "mmx fetches nothing"),
    ):
        write(*shards)
        with pytest.raises(mmx.DataError, match=words):
            mmx.open_table(manifest)


def test_a_sample_that_is_wrong_is_a_row_with_its_reason(tmp_path: Path) -> None:
    path = shard(
        tmp_path / "a.tar", a__json=b"[1]", b__json=b"{", c__txt=b"\xff", d__jpg=png(1),
        d__png=png(2), e__txt=b"fine",
    )  # fmt: skip
    faults = mmx.open_table(path).faults
    assert [*faults] == [0, 1, 2, 3]
    for row, words in enumerate(
        ("no JSON object", "cannot be read", "cannot be read", "a second time")
    ):
        assert words in faults[row]
    rows = TableRows(Layout(text="txt"), mmx.open_table(path).cells, tmp_path, faults=faults)
    assert [row.record["txt"] for row in rows] == ["fine"]


def test_members_lead_nowhere_and_nothing_is_extracted(tmp_path: Path) -> None:
    path = tmp_path / "own" / "a.tar"
    path.parent.mkdir()
    with tarfile.open(path, "w") as out:
        for name in ("../../evil.png", "/etc/evil.png"):
            member = tarfile.TarInfo(name)
            member.size = len(png(7))
            out.addfile(member, io.BytesIO(png(7)))
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        out.addfile(link)
    found = mmx.open_table(path)
    assert greys(found, path, "image") == [7, 7]
    assert list(found.notes) == [
        "members of a shard that are not read: link.png (a link or device)"
    ]
    assert [file.name for file in tmp_path.rglob("*")] == ["own", "a.tar"]


def test_an_image_of_a_shard_that_was_cut_is_told(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", a__txt=b"fine", b__png=png(1))
    image = mmx.open_table(path).cells["image"][1]
    path.write_bytes(path.read_bytes()[:1600])
    with pytest.raises(mmx.DataError, match="a.tar: b.png is cut short"):
        image.read()


def test_masks_and_hidden_files_in_folders_of_classes_are_no_cases(tmp_path: Path) -> None:
    for name in (
        "benign/a (1).png", "benign/a (1)_mask.png", "benign/a (1)_mask_1.png", "benign/b_mask.png",
        "benign/._a (1).png", "normal/c-seg.png", "normal/c.png", ".ipynb_checkpoints/d.png",
        "normal/more/e.png",
    ):  # fmt: skip
        put(tmp_path / name, png(9))
    (tmp_path / "normal" / "link.png").symlink_to(tmp_path / "normal" / "c.png")
    found = mmx.open_table(tmp_path)
    assert found.cells["file_name"].tolist() == [
        "benign/a (1).png", "benign/b_mask.png", "normal/c.png"
    ]  # fmt: skip
    assert "3 files are left out as a mask drawn over another image" in found.notes[0]
    assert found.notes[1].startswith("folders in those of the classes are not read: normal/more;")
    assert found.notes[2].startswith("links are not followed: normal/link.png;")


def test_folders_beside_those_of_the_parts_are_told(tmp_path: Path) -> None:
    for name in ("train/a/1.png", "test/a/2.png", "unlabelled/3.png"):
        put(tmp_path / name, png(9))
    found = mmx.open_table(tmp_path)
    assert found.cells["split"].tolist() == ["test", "train"]
    assert found.notes == ["folders beside those of the parts are not read: unlabelled"]
