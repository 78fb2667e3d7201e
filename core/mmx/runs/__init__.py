"""Run directories: atomic writes, checked reading, a lock, an event log, and progress."""

from mmx.runs.files import read_json, write_bytes, write_json, write_text
from mmx.runs.folder import RunFolder
from mmx.runs.progress import Observer, Progress, SilentObserver

__all__ = [
    "Observer", "Progress", "RunFolder", "SilentObserver", "read_json", "write_bytes", "write_json",
    "write_text",
]  # fmt: skip
