"""What the machine is and whether all that mmx needs is there; asks no library but packaging."""

import os
import platform
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from check import Given, Row, held
from packaging.requirements import Requirement


def lacking(package: str = "mmx") -> list[str]:
    """What a package needs and this machine has not, or in another version."""
    found = []
    for line in requires(package) or []:
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            there = version(wanted.name)
        except PackageNotFoundError:
            found.append(f"{wanted.name} is missing")
            continue
        if not wanted.specifier.contains(there, prereleases=True):
            found.append(f"{wanted.name} is {there}, not {wanted.specifier}")
    return found


def driver() -> str:
    """Name, memory and driver of the card, as its own tool tells them."""
    ask = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(ask, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"nvidia-smi cannot be asked: {error}"


def main(given: Given) -> Iterator[Row]:
    """Python, processors, card, packages."""
    yield Row("machine", f"Python {platform.python_version()}, {os.cpu_count()} processors")
    if given.on_card:
        yield Row("driver", driver())
    missing = lacking()
    yield held("what mmx needs", "; ".join(missing) or "all there", not missing)
