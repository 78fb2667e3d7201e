"""Run directories: atomic writes, checked reading, a lock, an event log, and progress."""

from mmx.runs.ending import sigterm_stops
from mmx.runs.file_record import Record
from mmx.runs.lock import locked
from mmx.runs.parquet import parquet_table
from mmx.runs.progress import Observer, Progress, SilentObserver
from mmx.runs.run_files import (
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
from mmx.runs.run_folder import RunFolder
from mmx.runs.run_hooks import Hooks

__all__ = [
    "Hooks", "Observer", "Progress", "Record", "RunFolder", "SilentObserver", "locked",
    "parquet_table", "plain",
    "read_beside", "read_json", "read_sealed", "sigterm_stops", "write_beside", "write_bytes",
    "write_json", "write_sealed", "write_text",
]  # fmt: skip
