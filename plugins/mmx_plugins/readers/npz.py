"""Arrays that NumPy saved together: images, labels and parts of a data set, as in MedMNIST.

An array is named after its part and what it holds: ``train_images``, ``val_labels``, ``x_test``;
without a part, ``images`` and ``labels``. Rows are those of all parts, one behind the other, and
the column ``split`` says of which they are. Nothing is unpickled.

Source: NumPy Enhancement Proposal 1 (format .npy); Yang et al. 2023, MedMNIST v2,
doi:10.1038/s41597-022-01721-8
"""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from mmx import DataError, Params, hookimpl
from mmx.interfaces import TableContents, TableExample, TableReader, TableReaderParams
from mmx_plugins.readers._npz import ArrayImage, check_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNPACKED = 4 << 30  # bytes of all arrays together
_PARTS = ("train", "training", "val", "valid", "validation", "dev", "test")
_WIDEST = 512  # columns that an array of two axes may become
_SPLIT = "split"


class NpzParams(TableReaderParams):
    """Arrays by name, read whole into memory; images are those of three axes or more."""

    type: Literal["npz"] = "npz"
    endings: ClassVar[tuple[str, ...]] = (".npz",)

    def build(self) -> "NpzReader":
        return NpzReader()


class NpzReader(TableReader):
    """Reads with NumPy."""

    def read(self, path: Path) -> TableContents:
        import pandas  # not needed to find this reader

        found = _Columns(path)
        for part, arrays in _by_part(_arrays(path)).items():
            found.add(part, arrays)
        columns = found.columns
        if not columns:
            raise DataError(
                f"{path} holds no array whose first axis are the cases, such as images [n, H, W] "
                "and labels [n]"
            )
        cells = {name: pandas.Series(held, dtype=object) for name, held in columns.items()}
        return TableContents(pandas.DataFrame(cells), found.notes)

    def example(self, folder: Path) -> TableExample:
        np.savez(
            folder / "example.npz", train_ids=np.array(["007", "b"]), test_ids=np.array(["c"]),
            train_ages=np.array([[40], [41]]), test_ages=np.array([[7]]),
        )  # fmt: skip
        rows = [
            {"ids": "007", "ages": "40", _SPLIT: "train"},
            {"ids": "b", "ages": "41", _SPLIT: "train"},
            {"ids": "c", "ages": "7", _SPLIT: "test"},
        ]
        return TableExample(folder / "example.npz", rows)


@dataclass(slots=True)
class _Columns:
    """Columns of the parts, one behind the other.

    Attributes:
        path: of the file.
        held: column -> its cells; those of a part that lacks it are missing.
        rows: of all parts so far.
        notes: what a user must know.
    """

    path: Path
    held: dict[str, list[object]] = field(default_factory=dict)
    rows: int = 0
    notes: list[str] = field(default_factory=list)

    def add(self, part: str, arrays: "Mapping[str, NDArray[np.generic]]") -> None:
        """The rows of a part; arrays of another length are left out and told."""
        lengths = [len(one) for one in arrays.values() if one.ndim]
        pictures = [len(one) for one in arrays.values() if one.ndim > 2]
        count = (pictures or lengths or [0])[0]
        for name, array in arrays.items():
            whole = "_".join(filter(None, (part, name)))
            if not array.ndim or len(array) != count or array.dtype.kind not in "biufU":
                shape = " x ".join(map(str, array.shape)) or "one value"
                self.notes.append(f"array {whole!r} ({shape}) is left out: not one value a case")
                continue
            for column, cells in _cells(array, name, f"{self.path.name}, {whole}"):
                before = self.held.setdefault(column, [])
                before += [None] * (self.rows - len(before)) + cells
        if part:
            before = self.held.setdefault(_SPLIT, [])
            before += [None] * (self.rows - len(before)) + [part] * count
        self.rows += count

    @property
    def columns(self) -> dict[str, list[object]]:
        """All columns, each of all rows."""
        self._refuse_alone()
        lengths = {name: self.rows - len(cells) for name, cells in self.held.items()}
        return {name: [*cells, *[None] * lengths[name]] for name, cells in self.held.items()}

    def _refuse_alone(self) -> None:
        """Rows of a part beside rows of none: nobody can tell how they belong together."""
        parts = self.held.get(_SPLIT, [])
        if (parts and len(parts) != self.rows) or None in parts:
            raise DataError(
                f"{self.path} has arrays of parts (such as train_images) and others of none; name "
                "the part of each array"
            )


def _by_part(
    arrays: "Mapping[str, NDArray[np.generic]]",
) -> "dict[str, dict[str, NDArray[np.generic]]]":
    """Part -> what an array holds -> the array; the part is empty where a name says none."""
    found: dict[str, dict[str, NDArray[np.generic]]] = {}
    for name, array in arrays.items():
        words = name.split("_")
        place = next((one for one in (0, -1) if words[one].lower() in _PARTS), None)
        part = "" if place is None or len(words) < 2 else words.pop(place)
        found.setdefault(part, {})["_".join(words)] = array
    return found


def _cells(
    array: "NDArray[np.generic]", name: str, told: str
) -> Iterator[tuple[str, list[object]]]:
    """Columns of an array whose first axis are the cases."""
    if array.ndim > 2:
        check_picture(array, told)
        yield name, [_picture(array, row, told) for row in range(len(array))]
    elif array.ndim == 1:
        yield name, array.tolist()
    elif array.shape[1] == 1:
        yield name, array[:, 0].tolist()
    elif array.shape[1] > _WIDEST:
        raise DataError(
            f"{told} has {array.shape[1]} numbers a case: images that are written in one line "
            "cannot be told; save them as [n, H, W]"
        )
    else:
        for column in range(array.shape[1]):
            yield f"{name}_{column}", array[:, column].tolist()


def _picture(array: "NDArray[np.generic]", row: int, told: str) -> object:
    """A picture of a case, or the slices of a volume in order."""
    own, name = array[row], f"{told}[{row}]"
    if ArrayImage.flat(own):
        return ArrayImage(name, own)
    return [ArrayImage(f"{name}, slice {place}", one) for place, one in enumerate(own)]


def _arrays(path: Path) -> "dict[str, NDArray[np.generic]]":
    """All arrays; what their heads say of their size is compared before any is read.

    Raises:
        DataError: it is damaged, holds Python objects, or is too large.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            _check_size(packed)
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except DataError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise many types for damaged bytes
        words = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path} is not a readable file of arrays (.npz): {words}") from error


def _check_size(packed: zipfile.ZipFile) -> None:
    """Refuse arrays that would fill the memory, by the sizes that unpacking keeps to."""
    sizes = {one.filename: one.file_size for one in packed.infolist()}
    if sum(sizes.values()) > _UNPACKED:
        raise DataError(
            f"{packed.filename} unpacks to {sum(sizes.values()) >> 20} MiB, more than the "
            f"{_UNPACKED >> 20} that are read; save the images as files, with a table"
        )
    for name, size in sizes.items():
        _check_head(packed, name, size)


def _check_head(packed: zipfile.ZipFile, name: str, size: int) -> None:
    """Refuse an array that says it is larger than its bytes, or that holds Python objects."""
    with packed.open(name) as file:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0}  # fmt: skip
        if version not in read:
            raise DataError(f"{packed.filename}: {name} is in version {version} of the format")
        shape, _, dtype = read[version](file)
    if dtype.hasobject:
        raise DataError(
            f"{packed.filename}: {name} holds Python objects, which are never loaded, for they may "
            "run code; save numbers or texts"
        )
    if int(np.prod(shape, dtype=object)) * dtype.itemsize > size:
        raise DataError(f"{packed.filename}: {name} is shorter than it says")


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this reader."""
    return [NpzParams]
