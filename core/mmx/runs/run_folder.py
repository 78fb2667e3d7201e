"""RunFolder: the directory of one run, named by what decides its numbers."""

import re
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmx.errors import RunError
from mmx.files import Journal, read_regular, remove_parts
from mmx.runs.file_record import FILE_LIMIT, Record, need_plain, refuse_links
from mmx.runs.lock import LOCKS, locked
from mmx.runs.progress import Observer, SilentObserver
from mmx.runs.run_files import (
    JSON_LIMIT,
    parse_json,
    plain,
    write_bytes,
    write_json,
    write_text,
)

EVENTS = "events.jsonl"
FINISHED = "finished.json"
DIGEST_LENGTH = 12  # hexadecimal digits in the name: 48 bits


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The directory of one run. Files in it are whole or absent; nothing in it is ever unpickled.

    Attributes:
        path: the directory.
    """

    path: Path

    @classmethod
    def create(cls, root: Path, name: str, digest: str, fresh: bool = False) -> "RunFolder":
        """Make ``root/NAME-DIGEST12``, or come back to it.

        Args:
            root: folder of all runs; made when it is not there.
            name: of the spec.
            digest: hexadecimal, at least 12 digits; of everything that decides the numbers.
            fresh: empty the folder of an earlier run.

        Raises:
            RunError: a name that is no file name, another process at work in a folder that is to
                be emptied, or a folder that cannot be made.
        """
        if not re.fullmatch(r"[\w][\w. -]*", name) or not re.fullmatch(r"[0-9a-f]{12,}", digest):
            raise RunError(f"a run cannot be named {name!r} with the digest {digest!r}")
        folder = cls(root / f"{name}-{digest[:DIGEST_LENGTH]}")
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{folder.path} cannot be made: {error}") from error
        if fresh:
            folder.refuse_others()
            with folder.lock(wait=False):
                folder.clear()
        return folder

    def refuse_others(self) -> None:
        """RunError when the folder holds files, and none by which a run can be told."""
        names = {entry.name for entry in self.path.iterdir()}
        if names and not names & {LOCKS[0], EVENTS, FINISHED}:
            raise RunError(
                f"{self.path} holds files and is no run of mmx, so it is not emptied; move it away"
            )

    def clear(self) -> None:
        """Remove everything in it but the lock; hold the lock meanwhile."""
        try:
            for entry in self.path.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                elif entry.name not in LOCKS:
                    entry.unlink()
        except OSError as error:
            raise RunError(f"{self.path} cannot be emptied: {error}") from error

    def lock(
        self, observer: Observer | None = None, *, wait: bool = True
    ) -> AbstractContextManager[None]:
        """Keep other processes out of this run as long as the context lasts.

        A second process with the same spec tells its observer and waits; with ``wait`` False it
        gets a RunError. Several processes of one launch share a run: only the first one locks.
        """
        return locked(self.path, observer or SilentObserver(), wait=wait)

    def sweep(self) -> None:
        """Remove what a killed process left half written; hold the lock meanwhile."""
        remove_parts(self.path)

    def event(self, kind: str, **values: object) -> None:
        """Append one line to events.jsonl: the kind, the time, and the values."""
        file = self.path / EVENTS
        try:
            Journal(file).append(plain({"event": kind, "time": round(time.time(), 3), **values}))
        except OSError as error:
            raise RunError(f"{file} cannot be written: {error}") from error

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The events so far, of one kind or all; half a line that a kill left is passed over."""
        file = self.path / EVENTS
        if not file.exists():
            return []
        self.checked(EVENTS)
        try:
            found, _ = Journal(file).read()
        except OSError as error:
            raise RunError(f"{file} cannot be read: {error}") from error
        return [event for event in found if kind in (None, event.get("event"))]

    def write_bytes(self, name: str, content: bytes) -> Path:
        """Write a file whole; gives its path."""
        write_bytes(self.inside(name), content)
        return self.path / name

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file whole; gives its path."""
        write_text(self.inside(name), text)
        return self.path / name

    def write_json(self, name: str, value: object) -> Path:
        """Write a JSON file whole; what is not finite becomes null. Gives its path."""
        write_json(self.inside(name), value)
        return self.path / name

    def read_bytes(self, name: str, *, limit: int = FILE_LIMIT) -> bytes:
        """Read a file of the run; of a finished run it must be what the run wrote.

        Raises:
            RunError: it is missing, no regular file, larger than ``limit``, or not as the run
                wrote it.
        """
        path, record = self._place(name), self.record
        need_plain(self.path, name)
        try:
            content = read_regular(path, limit=limit, links=False)
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error}; run the spec with --fresh") from error
        if record is not None:
            record.compare(name, content)
        return content

    def read_json(self, name: str, *, limit: int = JSON_LIMIT) -> Any:
        """Read a JSON file of the run; errors are those of ``read_bytes``, and no JSON."""
        return parse_json(self.path / name, self.read_bytes(name, limit=limit))

    def checked(self, name: str) -> Path:
        """The path of a file of the run, for a reader that opens it; errors as ``read_bytes``."""
        record = self.record
        if record is None:
            need_plain(self.path, name)
        else:
            record.check(name)
        return self._place(name)

    def check(self) -> None:
        """Compare every file of a finished run with what the run wrote; RunError names the first.

        Folders that are filled later (evaluations, reproduced, hooks) are not part of it.
        """
        record = self.record
        if record is None:
            raise RunError(f"the run {self.path} is not finished")
        for name in record.files:
            record.check(name)

    def inside(self, name: str) -> Path:
        """Path of a file in the run, to be written; its folder is made. No link leads out of it."""
        path = self._place(name)
        refuse_links(self.path, name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{path.parent} cannot be made: {error}") from error
        return path

    def _place(self, name: str) -> Path:
        parts: Sequence[str] = Path(name).parts
        if Path(name).is_absolute() or ".." in parts or not parts:
            raise RunError(f"{name!r} is not inside the run {self.path}")
        return self.path / name

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return (self.path / FINISHED).is_file()

    @property
    def record(self) -> Record | None:
        """What the run wrote, with checksums; None of a run that is not finished.

        Raises:
            RunError: finished.json is damaged, or of a version of mmx without checksums.
        """
        return Record.read(self.path, FINISHED) if self.finished else None

    @property
    def end(self) -> Mapping[str, object]:
        """What ``finish`` was given; RunError of a run that is not finished."""
        record = self.record
        if record is None:
            raise RunError(f"the run {self.path} is not finished")
        return record.facts

    def finish(self, **values: object) -> None:
        """Mark the run as finished with the checksum of every file; the last thing a run writes."""
        facts = plain({"time": round(time.time(), 3), **values})
        Record.made(self.path, FINISHED, facts, leave_out=LOCKS).write()
