"""RunFolder: the directory of one run, named by what decides its numbers."""

import json
import re
import shutil
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmx.errors import RunError
from mmx.runs.files import JSON_LIMIT, plain, read_json, write_bytes, write_json, write_text
from mmx.runs.lock import LOCK, locked
from mmx.runs.progress import Observer, SilentObserver

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
            with folder.lock(wait=False):
                folder.clear()
        return folder

    def clear(self) -> None:
        """Remove everything in it but the lock; hold the lock meanwhile."""
        try:
            for entry in self.path.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                elif entry.name != LOCK:
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
        for leftover in self.path.rglob(".*.part"):
            leftover.unlink(missing_ok=True)

    def event(self, kind: str, **values: Any) -> None:
        """Append one line to events.jsonl: the kind, the time, and the values."""
        line = json.dumps(plain({"event": kind, "time": round(time.time(), 3), **values}))
        try:
            with (self.path / EVENTS).open("ab+") as file:
                if file.seek(0, 2) and file.seek(-1, 2) is not None and file.read(1) != b"\n":
                    line = "\n" + line  # a killed process left half a line
                file.write(line.encode() + b"\n")
        except OSError as error:
            raise RunError(f"{self.path / EVENTS} cannot be written: {error}") from error

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The events so far, of one kind or all; half a line that a kill left is passed over."""
        file = self.path / EVENTS
        if not file.exists():
            return []
        if file.stat().st_size > JSON_LIMIT:
            raise RunError(f"{file} has more than the {JSON_LIMIT} bytes that are read")
        found = [_event(line) for line in file.read_text(errors="replace").splitlines()]
        return [event for event in found if event and kind in (None, event.get("event"))]

    def write_bytes(self, name: str, content: bytes) -> Path:
        """Write a file whole; gives its path."""
        write_bytes(self.inside(name), content)
        return self.path / name

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file whole; gives its path."""
        write_text(self.inside(name), text)
        return self.path / name

    def write_json(self, name: str, value: Any) -> Path:
        """Write a JSON file whole; what is not finite becomes null. Gives its path."""
        write_json(self.inside(name), value)
        return self.path / name

    def read_json(self, name: str, *, limit: int = JSON_LIMIT) -> Any:
        """Read a JSON file of the run; RunError when it is missing, too large or damaged."""
        return read_json(self.inside(name), limit=limit)

    def inside(self, name: str) -> Path:
        """Path of a file in the run; its folder is made."""
        parts: Sequence[str] = Path(name).parts
        if Path(name).is_absolute() or ".." in parts or not parts:
            raise RunError(f"{name!r} is not inside the run {self.path}")
        path = self.path / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{path.parent} cannot be made: {error}") from error
        return path

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return (self.path / FINISHED).is_file()

    def finish(self, **values: Any) -> None:
        """Mark the run as finished; the last thing that a run writes."""
        self.write_json(FINISHED, {"time": round(time.time(), 3), **values})


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
