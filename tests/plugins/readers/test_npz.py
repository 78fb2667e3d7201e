"""Arrays of NumPy as tables: every value and pixel comes out, and no object is ever loaded."""

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import mmx
from mmx.data import ImageStore
from mmx.data.images import grey_of
from mmx.errors import DataError
from mmx.interfaces import ImageRequest, PackedImage
from mmx.spec import ImageSpec
from mmx_cli.main import app
from mmx_plugins.datasets.table import TableParams

Arrays = dict[str, Any]
DRAW = np.random.default_rng(0)


def saved(folder: Path, **arrays: Any) -> Path:
    np.savez_compressed(folder / "a.npz", **arrays)
    return folder / "a.npz"


def medmnist(colours: int | None = 3, side: int = 8) -> Arrays:
    found: Arrays = {}
    for part, rows in (("train", 12), ("val", 4), ("test", 6)):
        shape = (rows, side, side) if colours is None else (rows, side, side, colours)
        found[f"{part}_images"] = DRAW.integers(0, 256, shape, dtype=np.uint8)
        found[f"{part}_labels"] = DRAW.integers(0, 2, (rows, 1)).astype(np.uint8)
    return found


@pytest.mark.parametrize("colours", [None, 1, 3, 4])
def test_pixels_labels_and_parts_are_those_of_the_arrays(
    tmp_path: Path, colours: int | None
) -> None:
    arrays = medmnist(colours)
    cells = mmx.open_table(saved(tmp_path, **arrays)).cells
    assert [*cells.columns] == ["images", "labels", "split"]
    assert cells["split"].tolist() == ["train"] * 12 + ["val"] * 4 + ["test"] * 6
    labels = np.concatenate([arrays[f"{part}_labels"][:, 0] for part in ("train", "val", "test")])
    assert cells["labels"].tolist() == labels.tolist()
    images = np.concatenate([arrays[f"{part}_images"] for part in ("train", "val", "test")])
    for row, cell in enumerate(cells["images"].tolist()):
        assert isinstance(cell, PackedImage)
        seen = np.asarray(Image.open(io.BytesIO(cell.read())))
        np.testing.assert_array_equal(seen, images[row].squeeze())
    assert len({cell.name for cell in cells["images"]}) == len(cells)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "int32", "float32", "float64", "bool"])
def test_grey_of_any_depth_is_kept(tmp_path: Path, dtype: str) -> None:
    drawn = DRAW.integers(0, 2, (3, 8, 8)) * DRAW.integers(0, 30_000, (3, 8, 8))
    images = drawn.astype(dtype)
    (_, cell, _) = mmx.open_table(saved(tmp_path, images=images)).cells["images"]
    if dtype == "bool":
        seen = np.asarray(Image.open(io.BytesIO(cell.read()))) > 0
    else:
        seen = grey_of(cell.read(), ImageRequest("a", 999), None)
    np.testing.assert_array_equal(seen, images[1])


def test_a_volume_is_its_slices_in_order(tmp_path: Path) -> None:
    volumes = DRAW.integers(0, 256, (5, 6, 8, 8), dtype=np.uint8)
    path = saved(tmp_path, images=volumes, labels=np.arange(5) % 2)
    found = TableParams(
        path=path, images={"image": ("images",)}, label="labels", group=None
    ).build()
    samples = [*found.samples()]
    assert [len(one.images["image"]) for one in samples] == [6] * 5
    spec = ImageSpec(height=8, width=8)
    store = ImageStore(samples, spec, folder=tmp_path / "c", memory_gb=1)
    np.testing.assert_array_equal(store.collate([2]).pixels[0, :, 0], volumes[2])


def test_several_labels_are_a_column_each_and_names_may_end_with_the_part(tmp_path: Path) -> None:
    path = saved(tmp_path, x_train=np.zeros((3, 4, 4), np.uint8), y_train=np.eye(3, 14, dtype=int),
                 x_test=np.ones((2, 4, 4), np.uint8), y_test=np.ones((2, 14), int),
                 class_names=np.array(["a", "b"]), version=np.array(3))  # fmt: skip
    with pytest.raises(DataError, match="arrays of parts .* and others of none"):
        mmx.open_table(path)
    path = saved(tmp_path, x_train=np.zeros((3, 4, 4), np.uint8), y_train=np.eye(3, 14, dtype=int),
                 x_test=np.ones((2, 4, 4), np.uint8), train_extra=np.zeros(99),
                 train_version=np.array(3))  # fmt: skip
    found = mmx.open_table(path)
    assert [*found.cells.columns] == ["x", *(f"y_{one}" for one in range(14)), "split"]
    assert found.cells["y_1"].tolist() == [0, 1, 0, None, None]
    assert [*found.notes] == [
        "array 'train_extra' (99) is left out: not one value a case",
        "array 'train_version' (one value) is left out: not one value a case",
    ]


class Opens:
    """Code that a pickle would run."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("was-run"),))


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda path: np.savez(path, images=np.array([Opens()], dtype=object)), "Python objects"),
        (lambda path: path.write_bytes(pickle.dumps(Opens())), "not a readable file of arrays"),
        (lambda path: np.savez(path, images=np.zeros((2, 9, 4, 5, 6, 3))), "pictures are"),
        (lambda path: np.savez(path, images=np.zeros((2, 3, 8, 8), "uint8")), "colours before"),
        (lambda path: np.savez(path, images=np.zeros((2, 8, 8, 3))), "colours of type float64"),
        (lambda path: np.savez(path, images=np.zeros((2, 0, 8))), "pictures are"),
        (lambda path: np.savez(path, images=np.full((2, 8, 8), 2**40)), "more than 32 bits"),
        (lambda path: np.savez(path, images=np.zeros((2, 784))), "784 numbers a case"),
        (lambda path: np.savez(path, n=np.array(3)), "no array whose first axis"),
        (lambda path: long_head(path), "shorter than it says"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], object], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.npz")
    with pytest.raises(DataError, match=words):
        mmx.open_table(tmp_path / "a.npz")
    assert not (tmp_path / "was-run").exists()


def long_head(path: Path) -> None:
    """An array that says it has a million million numbers."""
    file = io.BytesIO()
    shape = {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    np.lib.format.write_array_header_1_0(file, shape)
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("images.npy", file.getvalue())


def test_too_large_a_file_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmx_plugins.readers.npz._UNPACKED", 1 << 20)
    with pytest.raises(DataError, match="unpacks to 8 MiB, more than the 1 that are read"):
        mmx.open_table(saved(tmp_path, images=np.zeros((128, 256, 256), np.uint8)))


def test_init_writes_a_spec_that_runs_unedited(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    saved(home, **medmnist())
    done = CliRunner().invoke(app, ["init", "--table", "a.npz"])
    assert done.exit_code == 0, done.output
    assert "split: column: split (a published split, test, train, val)" in done.output
    checked = CliRunner().invoke(app, ["spec", "check", "spec.yaml"])
    assert "is valid" in checked.output
    manifest = mmx.load_spec(home / "spec.yaml").data.dataset.build()
    assert len(manifest.samples()) == 22
    assert manifest.classes == ("0", "1")
