"""WebDataset shards: tar files whose neighbouring members of one name are a sample.

Members are read where they lie: nothing is extracted, and their names are only names, wherever
they would lead. ``NAME.jpg`` becomes the column ``image`` and ``NAME.left.jpg`` the column
``left``, ``NAME.json`` one column a key, ``NAME.txt`` and ``NAME.cls`` columns of these names.
``__key__`` is the name and ``__shard__`` the file. Several shards are a folder of tar files, or a
manifest (``shards.json`` with a list ``shardlist``, as the library writes it).

Source: Aizman, Maltby, Breuel 2020, arXiv:2001.01858
"""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal

from mmx import DataError, Params, hookimpl
from mmx.blocks import ends_as_image, inside, without_ending
from mmx.interfaces import (
    PackedImage,
    TableContents,
    TableExample,
    TableReader,
    TableReaderParams,
)

KEY = "__key__"
SHARD = "__shard__"
IMAGE = "image"
_MANIFEST = b"wids-shard-index"
_TEXTS = ("txt", "text", "cls", "cls2", "id")
_TOLD = (*_TEXTS, "json")
_LIMIT = 4 << 20  # bytes of a text or a JSON file
_MOST = 20_000_000  # members of a shard


class WebdatasetParams(TableReaderParams):
    """One shard, a folder of shards, or a manifest of shards."""

    type: Literal["webdataset"] = "webdataset"
    endings: ClassVar[tuple[str, ...]] = (".tar",)

    @classmethod
    def claims(cls, path: Path, head: bytes) -> bool:
        if path.is_dir():
            return next(path.glob("*.tar"), None) is not None
        return super().claims(path, head) or (path.suffix == ".json" and _MANIFEST in head)

    def build(self) -> "WebdatasetReader":
        return WebdatasetReader()


@dataclass(frozen=True, eq=False)
class ShardImage(PackedImage):
    """An image file in a shard.

    Attributes:
        name: shard and member.
        shard: the tar file.
        start: of the bytes in it.
        size: how many there are.
    """

    name: str
    shard: Path
    start: int
    size: int

    @property
    def place(self) -> tuple[str, int]:
        """The shard, and where the bytes start."""
        return str(self.shard.absolute()), self.start

    def read(self) -> bytes:
        """The bytes."""
        return self.head(self.size)

    def head(self, size: int) -> bytes:
        """The first bytes, without reading the others."""
        wanted = min(size, self.size)
        try:
            with self.shard.open("rb", buffering=0) as file:
                file.seek(self.start)
                content = file.read(wanted)
        except OSError as error:
            raise DataError(f"{self.name} cannot be read: {error.strerror or error}") from error
        if len(content) < wanted:
            raise DataError(f"{self.name} is cut short: the shard ends within it")
        return content


class WebdatasetReader(TableReader):
    """Reads the headers of all members once."""

    def read(self, path: Path) -> TableContents:
        import pandas  # not needed to find this reader

        rows: list[dict[str, Any]] = []
        faults: dict[int, str] = {}
        skipped: dict[str, None] = {}
        for shard, count in _shards(path):
            for row, fault in _samples(shard, count, skipped):
                if fault:
                    faults[len(rows)] = fault
                rows.append(row)
        if not rows:
            raise DataError(f"{path} holds no samples")
        names = list(dict.fromkeys(name for row in rows for name in row))
        columns = {
            name: pandas.Series([row.get(name) for row in rows], dtype=object) for name in names
        }
        left = ", ".join(list(skipped)[:5])
        notes = [f"members of a shard that are not read: {left}"] if skipped else []
        return TableContents(pandas.DataFrame(columns), notes, faults)

    def example(self, folder: Path) -> TableExample:
        path = folder / "example.tar"
        with tarfile.open(path, "w") as shard:
            for name, content in (
                ("b.cls", b"1"),
                ("b.txt", b"an itch"),
                ("a.json", b'{"age": 4}'),
            ):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                shard.addfile(member, io.BytesIO(content))
        common = {SHARD: path.name}
        rows = [
            {KEY: "b", **common, "cls": "1", "txt": "an itch", "age": ""},
            {KEY: "a", **common, "cls": "", "txt": "", "age": "4"},
        ]
        return TableExample(path, rows)


def _shards(path: Path) -> list[tuple[Path, int | None]]:
    """Tar files in order, each with the number of samples that a manifest promises."""
    if path.is_dir():
        return [(file, None) for file in sorted(path.glob("*.tar"))]
    if path.suffix != ".json":
        return [(path, None)]
    try:
        if path.stat().st_size > _LIMIT:
            raise DataError(f"{path} has more than the {_LIMIT} bytes that are read")
        entries = json.loads(path.read_text(encoding="utf-8"))["shardlist"]
        listed = [(str(one["url"]), int(one["nsamples"])) for one in entries]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{path} is no manifest of shards: {error!r}") from error
    return [(_beside(path, name), count) for name, count in listed]


def _beside(manifest: Path, name: str) -> Path:
    """A shard below the folder of its manifest."""
    if "://" in name or name.startswith(("pipe:", "http:")):
        raise DataError(f"{manifest} names {name!r}; mmx fetches nothing: fetch the shards once")
    shard = inside(manifest.parent, name)
    if not shard.is_file():
        raise DataError(f"{manifest} names {name!r}, which is not there")
    return shard


def _samples(
    shard: Path, count: int | None, skipped: dict[str, None]
) -> Iterator[tuple[dict[str, object], str]]:
    """Rows of a shard, each with the reason why it cannot be used; empty where it can."""
    found = 0
    for key, members in groupby(_members(shard, skipped), key=_key):
        row: dict[str, object] = {KEY: key, SHARD: shard.name}
        found += 1
        faults = (_add(row, shard, member, skipped) for member in members)
        yield row, "; ".join(filter(None, faults))
    if count is not None and found != count:
        raise DataError(f"{shard} holds {found} samples, and its manifest says {count}")


@dataclass(frozen=True, slots=True)
class _Member:
    """A plain file of a shard.

    Attributes:
        info: where it lies.
        ending: of its name, from the first point on, in small letters.
        text: its bytes where it is a text or JSON of no more than is read; None of any other.
    """

    info: tarfile.TarInfo
    ending: str
    text: bytes | None


def _members(shard: Path, skipped: dict[str, None]) -> Iterator[_Member]:
    """The plain files of a shard, which is opened once."""
    try:
        with tarfile.open(shard, "r:") as opened:
            for place, member in enumerate(opened):
                if place >= _MOST:
                    skipped[f"{member.name} and what comes after it ({_MOST} are read)"] = None
                    return
                if member.isreg() and not member.issparse():
                    yield _member(opened, member)
                elif not member.isdir():
                    skipped[f"{member.name} (a link or device)"] = None
    except Exception as error:  # tarfile raises many types for damaged bytes
        raise DataError(f"{shard} is not a readable tar file (unpacked): {error}") from error


def _member(opened: tarfile.TarFile, info: tarfile.TarInfo) -> _Member:
    ending = info.name.rpartition("/")[2].partition(".")[2].lower()
    told = ending.rpartition(".")[2] in _TOLD and info.size <= _LIMIT
    file = opened.extractfile(info) if told else None
    return _Member(info, ending, None if file is None else file.read())


def _key(member: _Member) -> str:
    """Name of the sample: up to the first point of the last part of a path."""
    path = PurePosixPath(member.info.name)
    return (path.parent / path.name.partition(".")[0]).as_posix()


def _add(row: dict[str, object], shard: Path, member: _Member, skipped: dict[str, None]) -> str:
    """Put a member into its row; what is wrong with it, or nothing."""
    info, ending = member.info, member.ending
    last = ending.rpartition(".")[2]
    name = f"{shard.name}: {info.name}"
    if ends_as_image(f".{ending}"):
        image = ShardImage(name, shard, info.offset_data, info.size)
        return _put(row, {without_ending(f".{ending}")[1:] or IMAGE: image}, name)
    if last not in _TOLD:
        skipped[f"*.{ending}" if ending else info.name] = None
        return ""
    if member.text is None:
        return f"{name} has {info.size} bytes, more than the {_LIMIT} that are read"
    if len(member.text) < info.size:
        return f"{name} is cut short: the shard ends within it"
    try:
        text = member.text.decode("utf-8").strip()
        found = json.loads(text) if last == "json" else {ending: text}
    except (ValueError, RecursionError) as error:
        return f"{name} cannot be read: {error}"
    return _put(row, found, name) if isinstance(found, dict) else f"{name} is no JSON object"


def _put(row: dict[str, object], cells: Mapping[str, object], name: str) -> str:
    twice = [key for key in cells if key in row]
    row.update({key: value for key, value in cells.items() if key not in row})
    return f"{name} gives {twice[0]!r} a second time" if twice else ""


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the settings of this reader."""
    return [WebdatasetParams]
