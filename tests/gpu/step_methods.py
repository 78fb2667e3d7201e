"""The tests of this folder, each method on the card beside the CPU: ``pytest -m gpu``.

The table gets a line for each kind, with the furthest of it, and one for each test that fails.
"""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from check import Given, Row, held

HERE = Path(__file__).parent
FEW = "bottleneck or kan or focal or prior_correction or whole"  # where a test can afford no more


@dataclass(frozen=True, slots=True)
class Case:
    """One test and what came out.

    Attributes:
        kind: name of the test function.
        name: with its parameters.
        apart: from the CPU, as a share; 0 where it measures nothing.
        fault: first line of how it failed; empty: it passed.
    """

    kind: str
    name: str
    apart: float
    fault: str


def cases(report: Path) -> list[Case]:
    """Of a file as ``pytest --junitxml`` writes it; those that were skipped are left out."""
    found = []
    for one in ElementTree.parse(report).iter("testcase"):
        if one.find("skipped") is not None:
            continue
        faults = [*one.iter("failure"), *one.iter("error")]
        noted = {prop.get("name"): prop.get("value") for prop in one.iter("property")}
        words = (faults[0].get("message") or "it failed").splitlines()[0] if faults else ""
        name = one.get("name", "")
        found.append(Case(name.partition("[")[0], name, float(noted.get("apart") or 0), words))
    return found


def told(found: list[Case]) -> Iterator[Row]:
    """Lines of the table."""
    kinds: dict[str, list[Case]] = defaultdict(list)
    for case in found:
        kinds[case.kind].append(case)
        if case.fault:
            yield held(case.name, case.fault[:200], good=False)
    for kind, own in kinds.items():
        furthest = max(own, key=lambda case: case.apart)
        words = f"{sum(not case.fault for case in own)} of {len(own)}"
        if furthest.apart:
            words += f", apart by at most {furthest.apart:.1e} ({furthest.name})"
        name = kind.removeprefix("test_").replace("_", " ")
        yield held(name, words, not any(case.fault for case in own))


def main(given: Given) -> Iterator[Row]:
    """Run them in a process of their own, whatever warnings other versions give."""
    report = given.folder / "tests.xml"
    # another version of a library may warn of what ours does not
    command = [
        sys.executable, "-m", "pytest", str(HERE), "-v", "--junitxml", str(report),
        # the tests' common fixtures need libraries that only developers have
        "--confcutdir", str(HERE), "-p", "no:cacheprovider", "-o", "filterwarnings=default",
    ]  # fmt: skip
    command += ["-m", "gpu"] if given.on_card else ["-m", "not gpu and not slow"]
    command += ["-k", FEW] if given.tiny else []
    done = subprocess.run(command, cwd=HERE.parents[1], check=False)
    found = cases(report) if report.exists() else []
    yield from told(found)
    if not found or done.returncode not in (0, 1):
        yield held("pytest", f"exit status {done.returncode}, {len(found)} tests", good=False)
