"""How long the command line takes to start, as a ratio to importing typer and pydantic.

Run ``python tests/benchmarks/startup.py``; each command must stay within LIMIT, and the first line
of ``mmx run`` within FIRST_LIMIT. The commands take
turns, so that a busy machine slows all of them; the median of the ratios of all turns is printed.
"""

import statistics
import subprocess
import sys
import time

LIMIT = 2.5
TURNS = 31
REFERENCE = [sys.executable, "-c", "import typer, pydantic"]
FIRST = [sys.executable, "-m", "mmx_cli", "run", "no-such-spec.yaml"]
FIRST_LIMIT = 1.0  # seconds
COMMANDS = {
    "mmx --help": [sys.executable, "-m", "mmx_cli", "--help"],
    "mmx plugins list": [sys.executable, "-m", "mmx_cli", "plugins", "list"],
}


def seconds(command: list[str]) -> float:
    """Wall time of one process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def first_line() -> float:
    """Wall time until ``mmx run`` says something; it ends there, for it has no spec."""
    start = time.perf_counter()
    with subprocess.Popen(FIRST, stderr=subprocess.PIPE) as done:
        assert done.stderr is not None
        done.stderr.readline()
        taken = time.perf_counter() - start
        done.kill()
    return taken


def main() -> int:
    """Measure and print; the exit status says whether the limit was kept."""
    for command in (REFERENCE, *COMMANDS.values()):  # fill the caches of the file system
        seconds(command)
    ratios: dict[str, list[float]] = {name: [] for name in COMMANDS}
    references = []
    for _ in range(TURNS):
        references.append(seconds(REFERENCE))
        for name, command in COMMANDS.items():
            ratios[name].append(seconds(command) / references[-1])
    median = statistics.median
    sys.stdout.write(f"import typer, pydantic: {median(references) * 1000:.0f} ms\n")
    lines = [first_line() for _ in range(TURNS)]
    sys.stdout.write(f"first line of mmx run: {median(lines):.2f} s (limit {FIRST_LIMIT} s)\n")
    for name, measured in ratios.items():
        sys.stdout.write(f"{name}: {median(measured):.2f} times (limit {LIMIT})\n")
    slow = any(median(measured) > LIMIT for measured in ratios.values())
    return int(slow or median(lines) > FIRST_LIMIT)


if __name__ == "__main__":
    sys.exit(main())
