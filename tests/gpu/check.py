"""All that mmx does on a card, in order of importance, each step with its own time limit.

    python tests/gpu/check.py --out FOLDER [--carried FOLDER] [--seconds 480] [--steps NAME ...]

``check.sh`` installs what a bare machine lacks and then runs this. A step is a process of its own,
so that one that crashes or hangs costs its own time only; the next one is started beside it and
waits with everything imported. After ``--seconds``, or when it is told to stop (SIGTERM), the table
is printed with what is there. FOLDER gets table.txt, all.json and logs.txt, written anew after each
step.

Exit status: 0 where every step ran to its end and nothing failed, else 1.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
STEPS: Mapping[str, float] = tomllib.loads((HERE / "steps.toml").read_text())["seconds"]
OK, FAILED, NOT_RUN = "ok", "FAILED", "NOT RUN"
LONGEST_LOG = 200_000  # characters of one step that are kept
LEAST = 5  # seconds; with less left no step is begun
BUILDING = 420  # seconds that the kernels may take; more would leave no time to look at them
LOOK = 0.05  # seconds between two looks at a step


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        what: was looked at.
        value: was found.
        verdict: ok, FAILED, NOT RUN, or empty where nothing was promised.
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
        carried: folder of what was brought along; None: nothing was.
    """

    device: str
    tiny: bool
    folder: Path
    carried: Path | None = None

    @property
    def on_card(self) -> bool:
        """Whether there is a card to say something about."""
        return self.device == "cuda"


def held(what: str, value: str, good: bool) -> Row:
    """A line with a verdict."""
    return Row(what, value, OK if good else FAILED)


def one_step(name: str, given: Given) -> None:
    """Import a step, wait for a line of input, do it; each line is kept as soon as it is known."""
    sys.path.insert(0, str(HERE))
    module = import_module(f"step_{name}")
    sys.stdin.readline()
    given.folder.mkdir(parents=True, exist_ok=True)
    with given.folder.with_suffix(".jsonl").open("w") as found:
        for row in module.main(given):
            found.write(json.dumps(asdict(row)) + "\n")
            found.flush()


class Clock:
    """How much time is left, and why there is none."""

    def __init__(self, seconds: float) -> None:
        self.end, self.why = time.monotonic() + seconds, "the time was up"

    @property
    def left(self) -> float:
        """Seconds; below 0 where it has run out."""
        return self.end - time.monotonic()

    def stop(self, *_: object) -> None:
        """No more time from now on, for that was asked by a signal."""
        self.end, self.why = time.monotonic(), "it was told to stop"


class Step:
    """A step in a process of its own, which waits until it is told to go on."""

    def __init__(self, name: str, given: Given) -> None:
        self.name, self.given = name, given
        self.rows_file = (given.folder / name).with_suffix(".jsonl")
        command = [sys.executable, __file__, "--step", name, "--work", str(given.folder)]
        command += ["--device", given.device, *(["--tiny"] if given.tiny else [])]
        command += ["--carried", str(given.carried)] if given.carried else []
        with (given.folder / f"{name}.log").open("w") as log:
            self.child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )

    def done(self, limit: float, clock: Clock) -> list[Row]:
        """Let it go on, and wait for it; its lines, and one on itself."""
        begun = time.monotonic()
        assert self.child.stdin is not None
        with suppress(BrokenPipeError):  # it could not be imported
            self.child.stdin.write(b"\n")
            self.child.stdin.flush()
        try:
            status = self.wait(begun + limit, clock)
        finally:
            self.end()
        seconds = time.monotonic() - begun
        if status == 0:
            return [*self.rows(), Row(self.name, f"{seconds:.0f} s")]
        if status is None and clock.left <= 0:
            return [
                *self.rows(),
                Row(self.name, f"stopped after {seconds:.0f} s: {clock.why}", NOT_RUN),
            ]
        told = f"stopped after {seconds:.0f} s" if status is None else f"exit status {status}"
        return [*self.rows(), Row(self.name, f"{told}: {self.last_words()}", FAILED)]

    def wait(self, end: float, clock: Clock) -> int | None:
        """Its exit status; None: it still runs though its time or all time is over."""
        while (status := self.child.poll()) is None and time.monotonic() < end and clock.left > 0:
            time.sleep(LOOK)
        return status

    def end(self) -> None:
        """Kill it and all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def rows(self) -> list[Row]:
        """The lines that it wrote."""
        if not self.rows_file.exists():
            return []
        whole = [line for line in self.rows_file.read_text().splitlines() if line.endswith("}")]
        return [Row(**json.loads(line)) for line in whole]

    def log(self) -> str:
        """The end of what it printed."""
        text = (self.given.folder / f"{self.name}.log").read_text(errors="replace")
        return text[-LONGEST_LOG:]

    def last_words(self) -> str:
        """The last line that it printed, which of a traceback is the error."""
        lines = self.log().strip().splitlines()
        return lines[-1][:200] if lines else "it printed nothing"


@contextmanager
def building(given: Given) -> Iterator[None]:
    """Build the carried kernels beside the steps; the one that looks at them comes late."""
    sources = sorted(given.carried.glob("mamba_ssm-*.tar.gz")) if given.carried else []
    if not sources or not given.on_card:
        yield
        return
    command = ["nice", "-n", "19", sys.executable, str(HERE / "build_mamba.py"), str(sources[-1])]
    command += [str(given.folder / "mamba"), str(BUILDING)]
    with (given.folder / "mamba.log").open("w") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def table(rows: Sequence[Row]) -> str:
    """The lines, in columns."""
    width = max(len(row.what) for row in rows)
    return "\n".join(f"{row.what:{width}}  {row.verdict:7}  {row.value}" for row in rows)


def summary(rows: Sequence[Row]) -> str:
    """How many lines say what."""
    failed, missing = (sum(row.verdict == one for row in rows) for one in (FAILED, NOT_RUN))
    words = f"{failed} of {len(rows)} lines failed" if failed else "nothing failed"
    return words + (f", {missing} steps did not run to their end" if missing else "")


def keep(rows: Sequence[Row], out: Path) -> None:
    """Write what is known so far."""
    (out / "all.json").write_text(json.dumps([asdict(row) for row in rows], indent=1))
    (out / "table.txt").write_text(f"{table(rows)}\n{summary(rows)}\n")


def each_step(names: Sequence[str], given: Given, clock: Clock, out: Path) -> Iterator[Row]:
    """Lines of all steps; while one runs, the next is imported."""
    patience = 4 if given.tiny else 1  # a busy machine without a card is slow
    waiting: list[Step] = []
    try:
        for place, name in enumerate(names):
            if clock.left < LEAST:
                yield Row(name, f"not begun: {clock.why}", NOT_RUN)
                continue
            step = waiting.pop() if waiting else Step(name, given)
            waiting += [Step(following, given) for following in names[place + 1 : place + 2]]
            found = step.done(patience * STEPS[name], clock)
            with (out / "logs.txt").open("a") as logs:
                logs.write(f"== {name}\n{step.log()}\n")
            yield from found
    finally:
        for step in waiting:
            step.end()


def all_steps(names: Sequence[str], given: Given, seconds: float, out: Path) -> int:
    """Do them, print what each finds and in the end the table; the exit status."""
    rows: list[Row] = []
    clock = Clock(seconds)
    for one in (signal.SIGTERM, signal.SIGINT):  # the table is printed then too
        signal.signal(one, clock.stop)
    try:
        with building(given):
            for row in each_step(names, given, clock, out):
                print(table([row]), flush=True)
                rows.append(row)
                keep(rows, out)
    finally:
        begun = {row.what for row in rows}
        rows += [Row(n, "not begun: it was stopped", NOT_RUN) for n in names if n not in begun]
        keep(rows, out)
        print(f"\n{table(rows)}\n{summary(rows)}", flush=True)
    return int(any(row.verdict in (FAILED, NOT_RUN) for row in rows))


def options() -> argparse.Namespace:
    """What was said."""
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--out", type=Path)
    said.add_argument("--carried", type=Path)
    said.add_argument("--seconds", type=float, default=480)
    said.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    said.add_argument("--tiny", action="store_true")
    said.add_argument("--steps", nargs="*", choices=list(STEPS), default=list(STEPS))
    said.add_argument("--step", choices=list(STEPS), help="for this script itself")
    said.add_argument("--work", type=Path, help="for this script itself")
    return said.parse_args()


def settled(work: Path) -> None:
    """Runs, features and the log of comparisons lie in a folder of this check alone."""
    os.environ.update(
        MMX_RUNS=str(work / "runs"), MMX_CACHE=str(work / "cache"),
        MMX_COMPARISONS=str(work / "comparisons"), PYTHONUNBUFFERED="1",
    )  # fmt: skip
    # libraries that ask about the card while they are imported must not begin to use it
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")


def main() -> int:
    """Do all steps, or the one that is named."""
    said = options()
    if said.step:
        folder = said.work / said.step
        one_step(said.step, Given(said.device, said.tiny, folder, said.carried))
        return 0
    said.out.mkdir(parents=True, exist_ok=True)
    (said.out / "logs.txt").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="mmx-check-", ignore_cleanup_errors=True) as work:
        settled(Path(work))
        given = Given(said.device, said.tiny, Path(work), said.carried)
        return all_steps(said.steps, given, said.seconds, said.out)


if __name__ == "__main__":
    sys.exit(main())
