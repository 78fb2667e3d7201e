"""Folders of images as hubs lay them out: with a metadata file, or one folder a class.

``metadata.csv``, ``.jsonl`` or ``.parquet`` names the images in a column ``file_name`` (or columns
``NAME_file_name``), relative to itself. It stands in the folder, or once in each of its parts
(``train``, ``test``, ...). Without one, each sub-folder is a class, and masks in it, such as
``a_mask.png`` beside ``a.png``, are left out and told. The part becomes the column ``split``.

Source: Lhoest et al. 2021, arXiv:2109.02846
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import pandas

from mmx import DataError, Params, hookimpl, open_table
from mmx.blocks import ends_as_image, without_ending
from mmx.interfaces import TableContents, TableExample, TableReader, TableReaderParams

if TYPE_CHECKING:
    from pandas import DataFrame

_METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
_PARTS = ("train", "training", "validation", "valid", "val", "dev", "test", "testing")
_MASK = re.compile(
    r"[ _-](masks?|seg|segmentation|ground ?truth|gt|contour|annotation)([ _-]?\d+)?$",
    re.IGNORECASE,
)
_MOST = 5_000_000  # files
_SHOWN = 4  # folders named in a sentence
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
            _metadata(path) != [] or next(_in_classes(path, []), None) is not None
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
            masks = list[str]()
            cells = pandas.DataFrame(list(_in_classes(path, masks)), dtype=object)
            notes += [*([_told_of_masks(masks)] if masks else []), *_passed_over(path)]
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


def _in_classes(path: Path, masks: list[str]) -> Iterator[dict[str, str]]:
    """Images in folders of classes, which may lie in folders of parts; adds to the masks."""
    parts = _parts(path)
    for part in parts or [path]:
        for label in _folders(part):
            for name in _without_masks(_images(label), masks):
                row = {FILE: (label / name).relative_to(path).as_posix(), LABEL: label.name}
                yield {**row, SPLIT: part.name} if parts else row


def _without_masks(names: Sequence[str], masks: list[str]) -> Iterator[str]:
    """The images that were not drawn over another one; adds the others to the masks."""
    known = {without_ending(name) for name in names}
    for name in names:
        own = _MASK.sub("", without_ending(name))
        if own in known and own != without_ending(name):
            masks.append(name)
        else:
            yield name


def _told_of_masks(masks: Sequence[str]) -> str:
    count = "1 file is" if len(masks) == 1 else f"{len(masks)} files are"
    return (
        f"{count} left out as a mask drawn over another image, by its name and that of the image "
        f"beside it, such as {masks[0]}; a metadata.csv in the folder says otherwise"
    )


def _passed_over(path: Path) -> Iterator[str]:
    """What is said of folders in which nothing is looked for."""
    parts = _parts(path)
    beside = [one.name for one in _folders(path) if parts and one not in parts]
    if beside:
        yield f"folders beside those of the parts are not read: {_listed(beside)}"
    labels = [label for part in parts or [path] for label in _folders(part)]
    below = [one.relative_to(path).as_posix() for label in labels for one in _folders(label)]
    if below:
        yield (
            f"folders in those of the classes are not read: {_listed(below)}; for files further "
            "down, name them in a metadata.csv (file_name, label)"
        )
    links = [link for label in labels for link in _links(label)]
    if links:
        yield (
            f"links are not followed: {_listed(links)}; name them in a table, with "
            "data.dataset.follow_links: true if you trust where they lead"
        )


def _links(folder: Path) -> list[str]:
    with os.scandir(folder) as found:
        return sorted(f"{folder.name}/{one.name}" for one in found if one.is_symlink())


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _parts(path: Path) -> list[Path]:
    return [folder for folder in _folders(path) if folder.name.lower() in _PARTS]


def _folders(path: Path) -> list[Path]:
    """The folders just below one, by name; links and what programs hide there are none."""
    with os.scandir(path) as found:
        return sorted(
            Path(one)
            for one in found
            if one.is_dir(follow_symlinks=False) and not one.name.startswith((".", "__MACOSX"))
        )


def _images(path: Path) -> Sequence[str]:
    """Names of the image files of a folder; links and hidden files are none."""
    with os.scandir(path) as found:
        names = [
            one.name
            for one in found
            if ends_as_image(one.name)
            and not one.name.startswith(".")
            and one.is_file(follow_symlinks=False)
        ]
    if len(names) > _MOST:
        raise DataError(f"{path} holds {len(names)} files, more than the {_MOST} that are read")
    return sorted(names)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this reader."""
    return [ImageFolderParams]
