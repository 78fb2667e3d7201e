"""How long the command line takes to start, as a ratio to importing typer and pydantic.

Run ``python tests/benchmarks/startup.py``; each command must stay within LIMIT. The commands take
turns, so that a busy machine slows all of them; the median of the ratios of all turns is printed.
"""

import statistics
import subprocess
import sys
import time

LIMIT = 2.5
TURNS = 31
REFERENCE = [sys.executable, "-c", "import typer, pydantic"]
COMMANDS = {
    "mmx --help": [sys.executable, "-m", "mmx_cli", "--help"],
    "mmx plugins list": [sys.executable, "-m", "mmx_cli", "plugins", "list"],
}


def seconds(command: list[str]) -> float:
    """Wall time of one process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


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
    for name, measured in ratios.items():
        sys.stdout.write(f"{name}: {median(measured):.2f} times (limit {LIMIT})\n")
    return int(any(median(measured) > LIMIT for measured in ratios.values()))


if __name__ == "__main__":
    sys.exit(main())
