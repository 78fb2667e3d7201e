"""Shards: sets of arrays on disk that are published whole or not at all, and checked when opened.

A shard is a folder with one file of raw numbers per array and ``index.json``, which holds keys,
shapes, types, CRC-32 of all of them, and the folder that the shard belongs to. It is written beside
its place and moved there in one step; what is torn, cut short, changed or exchanged does not match
its index and is thrown away. Several processes may write and read one folder at a time.

The arrays are memory maps that keep no file open: a large cache has more of them than a process may
have open files.
"""

import errno
import json
import logging
import os
import re
import shutil
import zlib
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import numpy as np
import pyarrow
from numpy.typing import NDArray

from mmx.files import Busy, Hold, open_regular, read_regular

LOG = logging.getLogger("mmx.data")
INDEX = "index.json"
BLOCK = 1 << 22  # bytes read at a time when a file is checked
_INDEX_LIMIT = 1 << 30  # bytes of an index: keys of about 20 million inputs
_SHARD = re.compile(r"shard-[0-9a-f]{32}")
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)  # of this process, no fault of a shard
_WRITING = re.compile(r"\.(writing|gone)-[0-9a-f]{32}")  # only such names are ever deleted


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard that passed its checks.

    Attributes:
        folder: where it is.
        keys: [n], digest of the input that each place along the first axis belongs to.
        arrays: by name; memory maps, opened for reading.
    """

    folder: Path
    keys: tuple[str, ...]
    arrays: Mapping[str, NDArray[Any]]


class ShardWriter:
    """Collects arrays batch by batch on disk, and publishes them as one shard.

    Attributes:
        written: bytes so far.
    """

    def __init__(self, root: Path) -> None:
        self.written = 0
        self.root = root
        self._folder = root / f".writing-{uuid4().hex}"
        self._alive = ExitStack()  # a lock beside it tells others that its writer lives
        root.mkdir(parents=True, exist_ok=True)
        self._alive.enter_context(Hold(_lock_of(self._folder)).now())
        self._folder.mkdir()
        self._arrays: dict[str, dict[str, Any]] = {}
        self._files: dict[str, Any] = {}

    def append(self, name: str, values: NDArray[np.generic]) -> None:
        """Append along the first axis; type and other axes must stay the same."""
        if name not in self._files:
            self._files[name] = (self._folder / f"{name}.bin").open("wb")
            self._arrays[name] = {
                "dtype": values.dtype.str,
                "shape": [0, *values.shape[1:]],
                "crc": 0,
            }
        data, entry = np.ascontiguousarray(values), self._arrays[name]
        if entry["dtype"] != data.dtype.str or entry["shape"][1:] != list(data.shape[1:]):
            raise ValueError(f"{name} holds {entry}, got {data.dtype} {data.shape}")
        entry["shape"][0] += len(data)
        raw = data.reshape(-1).view(np.uint8).data
        entry["crc"] = zlib.crc32(raw, entry["crc"])
        self.written += self._files[name].write(raw)

    def publish(self, keys: list[str]) -> Path:
        """Force all to the disk and move the shard to its place in one step."""
        for stream in self._files.values():
            _settle(stream)
        body = {"keys": keys, "arrays": self._arrays, "place": self.root.name}
        text = json.dumps(body, sort_keys=True)
        with (self._folder / INDEX).open("w", encoding="utf-8") as stream:
            json.dump({"crc": zlib.crc32(text.encode()), "body": text}, stream)
            _settle(stream)
        target = self.root / f"shard-{uuid4().hex}"
        os.rename(self._folder, target)
        self._end()
        return target

    def discard(self) -> None:
        """Throw away what was not published."""
        for stream in self._files.values():
            with suppress(OSError):  # what is still in its buffer finds no room either
                stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._end()

    def _end(self) -> None:
        self._alive.close()
        with suppress(OSError):
            _lock_of(self._folder).unlink(missing_ok=True)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _settle(stream: IO[str] | IO[bytes]) -> None:
    """Flush a file to the disk and close it."""
    if not stream.closed:
        stream.flush()
        os.fsync(stream.fileno())
        stream.close()


def remove_torn(root: Path) -> None:
    """Delete shards whose writer died before they were whole."""
    for torn in root.iterdir():
        if not _WRITING.fullmatch(torn.name):
            continue
        with suppress(Busy, OSError), Hold(_lock_of(torn)).now():
            shutil.rmtree(torn, ignore_errors=True)
            _lock_of(torn).unlink(missing_ok=True)


def remove_shard(folder: Path) -> None:
    """Take a shard away; whoever has it open keeps it."""
    gone = folder.with_name(f".gone-{uuid4().hex}")
    try:
        folder.rename(gone)  # in one step, so that nobody finds half of it
    except OSError:
        return  # another process was faster, or has it open on Windows
    shutil.rmtree(gone, ignore_errors=True)


def open_shards(root: Path, known: dict[Path, Shard]) -> tuple[list[Shard], int]:
    """All good shards of a folder; what is damaged is taken away, and told in the log.

    Args:
        root: folder of shards.
        known: shards that this process has checked before; they are not read again, and new ones
            are added.

    Returns:
        The shards, and how many were damaged.

    Raises:
        OSError: this process may open no more files.
    """
    good, damaged = [], 0
    for folder in shard_folders(root):
        try:
            shard = known[folder] if _unchanged(folder, known) else _open(folder)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, OSError) and error.errno in _NO_ROOM:
                raise
            known.pop(folder, None)
            if not folder.exists():  # another process joined it with others meanwhile
                return _again(root, known, damaged)
            LOG.warning(
                "cached features in %s are damaged (%s); they are made again", folder, error
            )
            remove_shard(folder)
            damaged += 1
            continue
        known[folder] = shard
        good.append(shard)
    return good, damaged


def _again(root: Path, known: dict[Path, Shard], damaged: int) -> tuple[list[Shard], int]:
    good, more = open_shards(root, known)
    return good, damaged + more


def shard_folders(root: Path) -> list[Path]:
    """Folders of published shards, in the order of their names."""
    with suppress(FileNotFoundError):
        return sorted(entry for entry in root.iterdir() if _SHARD.fullmatch(entry.name))
    return []


def _unchanged(folder: Path, known: Mapping[Path, Shard]) -> bool:
    """Whether a shard was checked before and its files still have their sizes."""
    return folder in known and all(
        (folder / f"{name}.bin").is_file()
        and (folder / f"{name}.bin").stat().st_size == array.nbytes
        for name, array in known[folder].arrays.items()
    )


def _open(folder: Path) -> Shard:
    """Open a shard after comparing index, sizes and checksums.

    Raises:
        ValueError, KeyError, TypeError, OSError: it is damaged.
    """
    index = json.loads(read_regular(folder / INDEX, limit=_INDEX_LIMIT, links=False))
    if zlib.crc32(index["body"].encode()) != index["crc"]:
        raise ValueError("its index does not match its checksum")
    body = json.loads(index["body"])
    if body["place"] != folder.parent.name:
        raise ValueError(f"it was made for {body['place']}")
    arrays = {}
    for name, entry in body["arrays"].items():
        arrays[name] = _map(folder / f"{name}.bin", entry)
    return Shard(folder, tuple(body["keys"]), arrays)


def _map(path: Path, entry: Mapping[str, Any]) -> NDArray[Any]:
    """Map one file into memory after comparing size and checksum."""
    dtype, shape = np.dtype(entry["dtype"]), tuple(entry["shape"])
    size = dtype.itemsize * int(np.prod(shape))
    if path.stat().st_size != size:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes instead of {size}")
    checksum = 0
    with open_regular(path, links=False) as stream:
        while block := stream.read(BLOCK):
            checksum = zlib.crc32(block, checksum)
    if checksum != entry["crc"]:
        raise ValueError(f"{path.name} does not match its checksum")
    if size == 0:  # an empty file cannot be mapped
        return np.zeros(shape, dtype)
    with pyarrow.memory_map(str(path)) as file:
        content = file.read_buffer()  # stays mapped once the file is closed
    return np.frombuffer(content, dtype=dtype).reshape(shape)
