"""Folders of images as hubs lay them out: with a metadata file, or one folder a class.

``metadata.csv``, ``.jsonl`` or ``.parquet`` names the images in a column ``file_name`` (or columns
``NAME_file_name``), relative to itself. It stands in the folder, or once in each of its parts
(``train``, ``test``, ...). Without one, each sub-folder is a class. The part becomes the column
``split``.

Source: Lhoest et al. 2021, arXiv:2109.02846
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import pandas

from mmx import DataError, Params, hookimpl, open_table
from mmx.blocks import ends_as_image
from mmx.interfaces import TableContents, TableExample, TableReader, TableReaderParams

if TYPE_CHECKING:
    from pandas import DataFrame

_METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
_PARTS = ("train", "training", "validation", "valid", "val", "dev", "test", "testing")
_MOST = 5_000_000  # files
FILE = "file_name"
LABEL = "label"
SPLIT = "split"


class ImageFolderParams(TableReaderParams):
    """A folder of images; columns: file_name, label or those of the metadata, split."""

    type: Literal["image_folder"] = "image_folder"
    endings: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def claims(cls, path: Path, head: bytes) -> bool:
        return path.is_dir() and (
            _metadata(path) != [] or next(_in_classes(path), None) is not None
        )

    def build(self) -> "ImageFolderReader":
        return ImageFolderReader()


class ImageFolderReader(TableReader):
    """Rows in the order of the metadata, or of the names; parts in the order of their names."""

    def read(self, path: Path) -> TableContents:
        files = _metadata(path)
        notes = list[str]()
        if files:
            told = [_told(path, file, notes) for file in files]
            cells = pandas.concat(told, ignore_index=True)
        else:
            cells = pandas.DataFrame(list(_in_classes(path)), dtype=object)
        if not len(cells):
            raise DataError(f"{path} holds no images, or none that its metadata names")
        return TableContents(cells, notes, folder=path)

    def example(self, folder: Path) -> TableExample:
        root = folder / "example"
        for part, label in (("test", "nv"), ("train", "mel")):
            (root / part).mkdir(parents=True)
            (root / part / "metadata.csv").write_text(f"{FILE},dx\na.png,{label}\n")
        rows = [
            {FILE: "test/a.png", "dx": "nv", SPLIT: "test"},
            {FILE: "train/a.png", "dx": "mel", SPLIT: "train"},
        ]
        return TableExample(root, rows)


def _metadata(path: Path) -> list[Path]:
    """The metadata files of a folder, or of its parts."""
    own = [path / name for name in _METADATA if (path / name).is_file()]
    if len(own) > 1:
        raise DataError(f"{path} holds {own[0].name} and {own[1].name}; keep one of them")
    parts = [folder / name for folder in _folders(path) for name in _METADATA]
    return own or [file for file in parts if file.is_file()]


def _told(path: Path, file: Path, notes: list[str]) -> "DataFrame":
    """The rows of one metadata file, its images named from the folder on; adds to the notes."""
    found = open_table(file)
    notes += [f"{file.relative_to(path).as_posix()}: {note}" for note in found.notes]
    cells = found.cells.astype(object)
    named = [name for name in cells.columns if name == FILE or name.endswith(f"_{FILE}")]
    if not named:
        raise DataError(f"{file} has no column {FILE}; there are {', '.join(cells.columns)}")
    below = file.parent.relative_to(path)
    for name in named:
        cells[name] = [
            (below / one).as_posix() if isinstance(one, str) and one else one
            for one in cells[name].tolist()
        ]
    if file.parent != path and SPLIT not in cells.columns:
        cells[SPLIT] = file.parent.name
    return cells


def _in_classes(path: Path) -> Iterator[dict[str, str]]:
    """Images in folders of classes, which may lie in folders of parts."""
    parts = [folder for folder in _folders(path) if folder.name.lower() in _PARTS]
    for part in parts or [path]:
        for label in _folders(part):
            for name in _images(label):
                row = {FILE: (label / name).relative_to(path).as_posix(), LABEL: label.name}
                yield {**row, SPLIT: part.name} if parts else row


def _folders(path: Path) -> list[Path]:
    """The folders just below one, by name; links are not followed."""
    with os.scandir(path) as found:
        return sorted(Path(one) for one in found if one.is_dir(follow_symlinks=False))


def _images(path: Path) -> Sequence[str]:
    """Names of the image files of a folder; links are not followed."""
    with os.scandir(path) as found:
        names = [
            one.name
            for one in found
            if ends_as_image(one.name) and one.is_file(follow_symlinks=False)
        ]
    if len(names) > _MOST:
        raise DataError(f"{path} holds {len(names)} files, more than the {_MOST} that are read")
    return sorted(names)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this reader."""
    return [ImageFolderParams]
