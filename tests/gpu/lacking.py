"""Which packages of pip's report a list does not name.

    python tests/gpu/lacking.py REPORT LIST

REPORT is that of ``pip install --dry-run --report``; NAME==VERSION is printed, one a line.
"""

import json
import re
import sys
from pathlib import Path


def spelled(name: str) -> str:
    """As an index compares names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def lacking(report: Path, there: Path) -> list[str]:
    """NAME==VERSION of what has to be brought, but mmx itself."""
    lines = (line.partition("#")[0].strip() for line in there.read_text().splitlines())
    known = {spelled(line) for line in lines if line} | {"mmx"}
    found = [one["metadata"] for one in json.loads(report.read_text())["install"]]
    wanted = [one for one in found if spelled(one["name"]) not in known]
    return sorted(
        f"{one['name']}=={one['version']}" for one in wanted if not of_the_card(one["name"])
    )


def of_the_card(name: str) -> bool:
    """Whether it belongs to torch's own build, which is there in the version that torch wants."""
    return spelled(name).startswith(("nvidia-", "cuda-", "triton"))


if __name__ == "__main__":
    print("\n".join(lacking(Path(sys.argv[1]), Path(sys.argv[2]))))
