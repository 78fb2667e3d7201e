"""The record of looks at a test part, kept outside the runs so that none of them can forget one."""

import json
import time
from pathlib import Path

from mmx.data import Manifest, Split
from mmx.errors import RunError


def note_look(folder: Path, manifest: Manifest, split: Split, run: str) -> int:
    """Append a look at this test part and count the runs that have looked at it.

    Args:
        folder: the cache.
        manifest: the rows.
        split: says which of them are the test part.
        run: name of the run that looks.

    Returns:
        How many different runs have read this test part, this one included.

    Raises:
        RunError: the record cannot be written; nothing is predicted then.
    """
    file = folder / "looks" / f"{manifest.digest[:16]}-{split.digest[:16]}.jsonl"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as record:
            record.write(json.dumps({"run": run, "time": round(time.time(), 3)}) + "\n")
        return len(set(_runs(file)))
    except OSError as error:
        raise RunError(
            f"the look at the test part cannot be noted in {file}: {error}; make room, or name "
            "another folder with data.cache.folder or MMX_CACHE"
        ) from error


def _runs(file: Path) -> list[str]:
    found = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found.append(str(json.loads(line)["run"]))
        except (ValueError, KeyError, TypeError):
            continue  # half a line that a killed process left
    return found
