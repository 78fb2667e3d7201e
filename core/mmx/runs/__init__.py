"""Run directories: atomic writes, checked reading, a lock, an event log, and progress."""

from mmx.runs.ending import sigterm_stops
from mmx.runs.files import (
    plain,
    read_beside,
    read_json,
    read_sealed,
    write_beside,
    write_bytes,
    write_json,
    write_sealed,
    write_text,
)
from mmx.runs.folder import RunFolder
from mmx.runs.hooks import Hooks
from mmx.runs.lock import locked
from mmx.runs.progress import Observer, Progress, SilentObserver
from mmx.runs.record import Record

__all__ = [
    "Hooks", "Observer", "Progress", "Record", "RunFolder", "SilentObserver", "locked", "plain",
    "read_beside", "read_json", "read_sealed", "sigterm_stops", "write_beside", "write_bytes",
    "write_json", "write_sealed", "write_text",
]  # fmt: skip
