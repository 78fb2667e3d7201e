"""Records: which files a finished run wrote, each with its SHA-256."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from mmx.errors import RunError
from mmx.files import need_regular, open_regular, read_regular, seal, unseal
from mmx.runs.run_files import write_bytes

FILE_LIMIT = 64 << 30  # bytes of one file of a run; weights of the largest models are below it
LATER = ("evaluations", "reproduced", "hooks")
"""Folders in a run that are written after its end; what is evaluated has a record of its own."""
_RECORD_LIMIT = 16 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """The files of a folder as they were written.

    Attributes:
        folder: where they are.
        name: of the file that holds the record.
        facts: what else it says.
        files: name -> SHA-256, hexadecimal.
    """

    folder: Path
    name: str
    facts: Mapping[str, object]
    files: Mapping[str, str]

    @classmethod
    def made(
        cls, folder: Path, name: str, facts: Mapping[str, object], *, leave_out: Sequence[str] = ()
    ) -> "Record":
        """Take the checksum of every regular file of a folder and below.

        Args:
            folder: of the files.
            name: of the record's own file, which it does not list.
            facts: what else is to be kept.
            leave_out: names of files that may change later.
        """
        files = {}
        for file in sorted(_names(folder)):
            if file not in (name, *leave_out) and Path(file).parts[0] not in LATER:
                files[file] = _sha256(folder / file)
        return cls(folder, name, facts, files)

    @classmethod
    def read(cls, folder: Path, name: str) -> "Record":
        """Read a record.

        Raises:
            RunError: it is damaged, or of a version of mmx that kept no checksums.
        """
        path = folder / name
        try:
            content = read_regular(path, limit=_RECORD_LIMIT, links=False)
            found = unseal(content)
            files = {_inner(name): str(digest) for name, digest in found.pop("files").items()}
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise RunError(
                f"{path} cannot be used: {error or 'no checksums'}; it is damaged, or of a version "
                "of mmx that kept no checksums of a run's files. Run the spec with --fresh"
            ) from error
        return cls(folder, name, found, files)

    def write(self) -> None:
        """Write it in its folder."""
        write_bytes(self.folder / self.name, seal({**self.facts, "files": dict(self.files)}))

    def compare(self, name: str, content: bytes) -> None:
        """RunError when a file's bytes are not those that were written."""
        self._same(name, hashlib.sha256(content).hexdigest())

    def check(self, name: str) -> None:
        """RunError when a file is not as it was written."""
        need_plain(self.folder, name)
        self._same(name, _sha256(self.folder / name))

    def _same(self, name: str, digest: str) -> None:
        file, key = self.folder / name, Path(name).as_posix()
        if key not in self.files:
            raise RunError(f"{file} is not one of the files that {self.name} lists; remove it")
        if digest != self.files[key]:
            raise RunError(
                f"{file} is not as it was written: its SHA-256 is another than the one in "
                f"{self.name}. Take it from a copy, or run the spec with --fresh"
            )


def _inner(name: str) -> str:
    """A name in the folder; ValueError for one that leaves it."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"it lists {name!r}, which lies outside")
    return name


def need_plain(folder: Path, name: str) -> None:
    """Refuse a file that is reached through a link, or is none.

    Raises:
        RunError: a part of the way is a link; the file is missing, a device or a pipe.
    """
    path = folder / name
    refuse_links(folder, name)
    try:
        need_regular(path, limit=FILE_LIMIT, links=False)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error}; run the spec with --fresh") from error


def refuse_links(folder: Path, name: str) -> None:
    """RunError when any part of the way to a file of a run is a link."""
    path = folder
    for part in Path(name).parts:
        path = path / part
        if path.is_symlink():
            raise RunError(f"{path} is a link; a run holds files only, and no link is followed")


def _names(folder: Path) -> list[str]:
    """Regular files of a folder and below, relative to it, with forward slashes."""
    found = []
    for place, _, files in os.walk(folder):
        inside = Path(place).relative_to(folder)
        paths = [inside / file for file in files]
        found += [p.as_posix() for p in paths if S_ISREG((folder / p).lstat().st_mode)]
    return found


def _sha256(file: Path) -> str:
    try:
        with open_regular(file, limit=FILE_LIMIT, links=False) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error}; run the spec with --fresh") from error
