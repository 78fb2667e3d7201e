"""Laws of readers: what the rows of a file are, and that no file ends in a traceback."""

import random
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from mmx.blocks import read_cells
from mmx.data import without_nulls
from mmx.errors import MissingExtraError, MmxError
from mmx.interfaces import (
    PackedImage,
    TableContents,
    TableExample,
    TableReader,
    TableReaderParams,
)
from mmx.testing.global_state import untouched
from mmx.testing.law import LawError, Laws, SkippedLaw, demand

_IMAGES = (PackedImage, bytes, dict, list, tuple)  # cells that are no texts
HOSTILE = 30
"""Damaged copies of a file that a reader is tried on."""


def reader_builds(params: TableReaderParams) -> str:
    """``build`` gives a reader."""
    reader = params.build()
    demand(isinstance(reader, TableReader), f"build must give a TableReader, got {type(reader)}")
    return ", ".join(params.endings) or "folders"


def rows_in_order(params: TableReaderParams) -> str:
    """The rows of its example come out in their order, cell by cell, with their column names."""
    with example_of(params) as example:
        found = params.build().read(example.path)
        wanted = [dict(row) for row in example.rows]
        got = _texts(found)
        demand(got == wanted, f"its example holds {wanted}, and {got} was read")
        demand(len(wanted) > 1, "an example needs two rows or more")
    return f"{len(wanted)} rows"


def own_files(params: TableReaderParams) -> None:
    """It claims the file of its example, and no file of another ending."""
    with example_of(params) as example:
        head = b"" if example.path.is_dir() else example.path.read_bytes()[:4096]
        demand(params.claims(example.path, head), f"it does not claim its own {example.path.name}")
        demand(not params.claims(Path("notes.unknown"), b"some words"), "it claims any file")


def same_bytes(params: TableReaderParams) -> None:
    """The same bytes give the same rows, whatever was read before and whatever the file's name."""
    with example_of(params) as example:
        reader = params.build()
        first = _texts(reader.read(example.path))
        copy = example.path.parent / "elsewhere" / example.path.name
        copy.parent.mkdir()
        _copy(example.path, copy)
        for index in (example.path, copy):
            demand(_texts(reader.read(index)) == first, "reading again gives other rows")
            demand(_texts(params.build().read(index)) == first, "a new reader gives other rows")


def files_kept(params: TableReaderParams) -> None:
    """Reading changes nothing: no file, no folder beside it, nothing of the whole process."""
    with example_of(params) as example:
        folder = example.path.parent
        before = _files(folder)
        with untouched("reading"):
            params.build().read(example.path)
        demand(_files(folder) == before, "reading wrote, changed or removed a file")


def hostile_files(params: TableReaderParams) -> str:
    """Cut short, with bytes changed, or of nothing but chance: read, or refused in plain words."""
    refused = 0
    with example_of(params) as example:
        for index, spoil in enumerate(_spoilers()):
            file = example.path.parent / f"hostile-{index}" / example.path.name
            file.parent.mkdir()
            _copy(example.path, file)
            files = [one for one in (file, *sorted(file.rglob("*"))) if one.is_file()]
            one = files[index % len(files)]
            one.write_bytes(spoil(one.read_bytes()))
            refused += _refused(params, file, index)
    return f"{refused} of {HOSTILE} are refused"


def _refused(params: TableReaderParams, file: Path, index: int) -> bool:
    try:
        found = params.build().read(file)
    except MmxError as error:
        told = "\n" not in str(error) or "Traceback" not in str(error)
        demand(told, f"damaged file {index}: a traceback in its words")
        return True
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        raise LawError(
            f"damaged file {index} raises {words}; raise DataError in plain words"
        ) from error
    demand(isinstance(found, TableContents), f"read gave {type(found)}, not TableContents")
    return False


@contextmanager
def example_of(params: TableReaderParams) -> Iterator[TableExample]:
    """The example that a reader writes, in a folder that is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="mmx-reader-"))
    (folder / "own").mkdir()
    try:
        with warnings.catch_warnings():  # of its library, which a user may see
            warnings.simplefilter("ignore")
            example = params.build().example(folder / "own")
            if example is None:
                raise SkippedLaw("it writes no example, so no file is known to try it on")
            yield example
    except MissingExtraError as error:
        raise SkippedLaw(str(error)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _texts(found: TableContents) -> list[dict[str, str]]:
    """The rows as texts, empty where a cell is missing."""
    cells = without_nulls(found.cells)
    columns = {
        str(name): read_cells(cells[name], missing=()).texts.tolist()
        for name in cells.columns
        if not any(isinstance(cell, _IMAGES) for cell in cells[name].tolist())
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _files(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() if file.is_file() else b""
        for file in sorted(folder.rglob("*"))
    }


def _spoilers() -> list[Callable[[bytes], bytes]]:
    """What is done to the bytes of a file; the same for every reader and on every day."""
    cuts: list[Callable[[bytes], bytes]] = [partial(_shortened, tenth) for tenth in range(1, 10)]
    changes: list[Callable[[bytes], bytes]] = [partial(_changed, seed) for seed in range(14)]
    others: list[Callable[[bytes], bytes]] = [
        lambda content: b"",
        lambda content: b"\0" * len(content),
        lambda content: content + content,
        lambda content: content[::-1],
        lambda content: b"\xff\xfe" + content,
        lambda content: random.Random(1).randbytes(len(content)),  # noqa: S311
        lambda content: b"[" * 200_000,
    ]
    return [*cuts, *changes, *others]


def _shortened(tenths: int, content: bytes) -> bytes:
    """The first tenths of the content."""
    return content[: len(content) * tenths // 10]


def _changed(seed: int, content: bytes) -> bytes:
    """The content with some bytes put over, into or out of it."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    index, size = chance.randrange(len(content) + 1), chance.randrange(1, 9)
    put = chance.randbytes(size)
    rest = content[index + size :] if seed % 2 else content[index:]
    return content[:index] + put + rest


READER: Laws = {
    "builds": reader_builds,
    **{
        law.__name__: law
        for law in (rows_in_order, own_files, same_bytes, files_kept, hostile_files)
    },
}
