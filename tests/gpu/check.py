"""All that mmx does on a card, in order of importance, each step with its own time limit.

    python tests/gpu/check.py --out FOLDER [--seconds 480] [--device cpu] [--tiny]

``check.sh`` installs what a bare machine lacks and then runs this. A step is a process of its own,
so that one that crashes or hangs costs its own time only. After ``--seconds`` the table is printed
with what is there; the figures of every step lie in FOLDER as JSON. Exit status 1 if a step fails.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
STEPS = {  # name of the module -> most seconds that it may take, the most important first
    "card": 30,
    "methods": 90,
    "runs": 120,
    "encoding": 90,
    "resume": 90,
    "finetune": 150,
    "fusions": 60,
    "state_space": 60,
    "studies": 90,
    "memory": 60,
    "compiled": 90,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        what: was looked at.
        value: was found.
        verdict: ok, FAILED, or empty where nothing was promised.
    """

    what: str
    value: str
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """What a step is told.

    Attributes:
        device: ``cuda`` or ``cpu``.
        tiny: sizes that a test of this script can afford.
        folder: for files of its own.
    """

    device: str
    tiny: bool
    folder: Path

    @property
    def on_card(self) -> bool:
        """Whether there is a card to say something about."""
        return self.device == "cuda"


def held(what: str, value: str, good: bool) -> Row:
    """A line with a verdict."""
    return Row(what, value, "ok" if good else "FAILED")


def step(name: str, given: Given) -> list[Row]:
    """Do one step in this process."""
    sys.path.insert(0, str(HERE))
    found: list[Row] = import_module(f"step_{name}").main(given)
    return found


def apart(name: str, given: Given, out: Path, limit: float) -> list[Row]:
    """Do one step in a process of its own; what it printed stands in FOLDER/NAME.log."""
    result = out / f"{name}.json"
    command = [sys.executable, __file__, "--out", str(out), "--step", name]
    command += ["--device", given.device, *(["--tiny"] if given.tiny else [])]
    begun = time.monotonic()
    with (out / f"{name}.log").open("w") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            status = child.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            status = None
    seconds = time.monotonic() - begun
    rows = [Row(**one) for one in json.loads(result.read_text())] if result.exists() else []
    if status == 0:
        return [*rows, Row(name, f"{seconds:.0f} s")]
    told = f"stopped after {seconds:.0f} s" if status is None else f"exit status {status}"
    return [*rows, Row(name, f"{told}; see {name}.log", "FAILED")]


def table(rows: list[Row]) -> str:
    """The lines, in columns."""
    width = max(len(row.what) for row in rows)
    return "\n".join(f"{row.what:{width}}  {row.verdict:6}  {row.value}" for row in rows)


def write(rows: list[Row], file: Path) -> None:
    """Keep lines as JSON."""
    file.write_text(json.dumps([asdict(row) for row in rows], indent=1))


def main() -> int:
    """Do all steps, or the one that is named."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--seconds", type=float, default=480)
    options.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    options.add_argument("--tiny", action="store_true")
    options.add_argument("--step", choices=list(STEPS), action="append")
    options.add_argument("--steps", nargs="*", choices=list(STEPS), default=list(STEPS))
    said = options.parse_args()
    if said.step:
        own = said.out / said.step[0]
        own.mkdir(parents=True, exist_ok=True)
        write(step(said.step[0], Given(said.device, said.tiny, own)), said.out / f"{own.name}.json")
        return 0
    said.out.mkdir(parents=True, exist_ok=True)
    given, end, rows = Given(said.device, said.tiny, said.out), time.monotonic() + said.seconds, []
    for name in said.steps:
        left = end - time.monotonic()
        if left < 5:
            rows.append(Row(name, "not begun: the time was up"))
            continue
        patience = 4 if said.tiny else 1  # a busy machine without a card is slow
        found = apart(name, given, said.out, min(left, patience * STEPS[name]))
        print(table(found), flush=True)
        rows += found
    write(rows, said.out / "all.json")
    failed = [row.what for row in rows if row.verdict == "FAILED"]
    print("\n" + table(rows))
    print(f"{len(failed)} of {len(rows)} lines failed" if failed else "nothing failed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
