"""Laws of readers: what the rows or pixels of a file are, and that no file ends in a traceback."""

import random
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mmx.blocks import read_cells
from mmx.data import without_nulls
from mmx.errors import MissingExtraError, MmxError
from mmx.interfaces import (
    ImageContents,
    ImageReader,
    ImageReaderParams,
    ImageRequest,
    PackedImage,
    TableContents,
    TableReader,
    TableReaderParams,
)
from mmx.testing.global_state import untouched
from mmx.testing.law import LawError, Laws, SkippedLaw, demand

AnyReader = TableReaderParams | ImageReaderParams
_IMAGES = (PackedImage, bytes, dict, list, tuple)  # cells that are no texts
_PIXEL_LIMIT = 1_000_000
HOSTILE = 30
"""Damaged copies of a file that a reader is tried on."""


@dataclass(frozen=True, slots=True)
class ExampleFile:
    """A file that a reader wrote itself.

    Attributes:
        path: of the file or folder.
        wanted: what reading it must give, as plain data.
    """

    path: Path
    wanted: object


def reader_builds(params: AnyReader) -> str:
    """``build`` gives a reader of tables or of images."""
    reader = params.build()
    kind = ImageReader if isinstance(params, ImageReaderParams) else TableReader
    demand(isinstance(reader, kind), f"build must give a {kind.__name__}, got {type(reader)}")
    return ", ".join(params.endings) or "folders"


def example_read(params: AnyReader) -> str:
    """The rows of its example come out in their order, cell by cell; of an image, its pixels."""
    with example_of(params) as example:
        got = read(params, example.path)
        demand(got == example.wanted, f"its example holds {example.wanted}, and {got} was read")
    return "as it was written"


def own_files(params: AnyReader) -> None:
    """It claims the file of its example, and no file of another ending."""
    with example_of(params) as example:
        head = b"" if example.path.is_dir() else example.path.read_bytes()[:4096]
        demand(params.claims(example.path, head), f"it does not claim its own {example.path.name}")
        demand(not params.claims(Path("notes.unknown"), b"some words"), "it claims any file")


def same_bytes(params: AnyReader) -> None:
    """The same bytes give the same, whatever was read before and wherever the file lies."""
    with example_of(params) as example:
        first = read(params, example.path)
        copy = example.path.parent / "elsewhere" / example.path.name
        copy.parent.mkdir()
        _copy(example.path, copy)
        for path in (example.path, copy):
            demand(read(params, path) == first, "reading again gives something else")


def files_kept(params: AnyReader) -> None:
    """Reading changes nothing: no file, no folder beside it, nothing of the whole process."""
    with example_of(params) as example:
        folder = example.path.parent
        before = _files(folder)
        with untouched("reading"):
            read(params, example.path)
        demand(_files(folder) == before, "reading wrote, changed or removed a file")


def hostile_files(params: AnyReader) -> str:
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


def _refused(params: AnyReader, file: Path, index: int) -> bool:
    try:
        read(params, file)
    except MmxError as error:
        demand("Traceback" not in str(error), f"damaged file {index}: a traceback in its words")
        return True
    except LawError:
        raise
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        raise LawError(
            f"damaged file {index} raises {words}; raise DataError in plain words"
        ) from error
    return False


def read(params: AnyReader, path: Path) -> object:
    """What a new reader finds, as plain data that can be compared."""
    if isinstance(params, ImageReaderParams):
        request = ImageRequest(path.name, _PIXEL_LIMIT, "first")
        image = params.build().read(path.read_bytes(), request)
        right = isinstance(image, ImageContents)
        demand(right, f"read gave {type(image)}, not ImageContents")
        return [str(image.pixels.dtype), image.pixels.tolist()]
    table = params.build().read(path)
    demand(isinstance(table, TableContents), f"read gave {type(table)}, not TableContents")
    return _texts(table)


@contextmanager
def example_of(params: AnyReader) -> Iterator[ExampleFile]:
    """The example that a reader writes, in a folder that is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="mmx-reader-"))
    (folder / "own").mkdir()
    try:
        with warnings.catch_warnings():  # of its library, which a user may see
            warnings.simplefilter("ignore")
            yield _example(params, folder / "own")
    except MissingExtraError as error:
        raise SkippedLaw(str(error)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _example(params: AnyReader, folder: Path) -> ExampleFile:
    if isinstance(params, ImageReaderParams):
        image = params.build().example()
        if image is not None:
            (folder / image.name).write_bytes(image.content)
            wanted = [str(image.pixels.dtype), image.pixels.tolist()]
            return ExampleFile(folder / image.name, wanted)
    else:
        table = params.build().example(folder)
        if table is not None:
            demand(len(table.rows) > 1, "an example needs two rows or more")
            return ExampleFile(table.path, [dict(row) for row in table.rows])
    raise SkippedLaw("it writes no example, so no file is known to try it on")


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
        lambda content: random.Random(1).randbytes(len(content)),  # noqa: S311 - no secret
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
        for law in (example_read, own_files, same_bytes, files_kept, hostile_files)
    },
}
