"""The log of accesses to a test part, kept outside the runs so that none of them can forget one."""

import time
from pathlib import Path

from mmx.data import Manifest, Split
from mmx.errors import RunError
from mmx.files import Journal, under_new_name


def log_access(folder: Path, manifest: Manifest, split: Split, run: str) -> int:
    """Append an access to this test part and count the runs that have read it.

    Args:
        folder: the cache.
        manifest: the rows.
        split: says which of them are the test part.
        run: name of the run that reads it.

    Returns:
        How many different runs have read this test part, this one included; a line that is torn or
        was changed counts as a run of its own, so that none is lost.

    Raises:
        RunError: the record cannot be written; nothing is predicted then.
    """
    logs = under_new_name(folder / "test-set-access", "looks")
    file = logs / f"{manifest.digest[:16]}-{split.digest[:16]}.jsonl"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        journal = Journal(file)
        journal.append({"run": run, "time": round(time.time(), 3)})
        found, damaged = journal.read()
    except OSError as error:
        raise RunError(
            f"the access to the test part cannot be noted in {file}: {error}; make room, or name "
            "another folder with data.cache.folder or MMX_CACHE"
        ) from error
    return len({str(line.get("run")) for line in found}) + damaged
