"""The frozen baseline on all of HAM10000: the first run against a second one with another head.

    MMX_DATA=... python tests/benchmarks/frozen.py

Each run is a process of its own with an empty cache before the first. Prints seconds of the whole
process and of its stages (encode, train, evaluate), their ratios, and the peak of anonymous memory
(memory maps of the cache
are pages of files, which the system takes back when it needs them).
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPEC = Path(__file__).parents[2] / "examples" / "ham10000" / "baseline.yaml"
LIMIT_GIB = 2.0
LEAST_RATIO = 10.0


def watched(words: list[str]) -> tuple[float, float]:
    """Seconds of a process, and the peak of its anonymous memory in GiB."""
    start, peak = time.perf_counter(), 0
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        lines = [line for line in status.splitlines() if line.startswith("RssAnon")]
        peak = max([peak, *(int(line.split()[1]) for line in lines)])
        time.sleep(0.05)
    if process.wait():
        raise SystemExit(f"{' '.join(words)} failed")
    return time.perf_counter() - start, peak / 2**20


def main() -> None:
    """Run twice and compare."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"MMX_CACHE": f"{folder}/cache", "MMX_RUNS": f"{folder}/runs"}
        base = [sys.executable, "-m", "mmx_cli", "run", str(SPEC)]
        times = []
        for name, change in (("first", []), ("second", ["--set", "model.head.hidden=128"])):
            seconds, memory = watched([*base, "--set", f"name={name}", *change])
            run = next(Path(folder, "runs").glob(f"{name}-*"))
            found = json.loads((run / "metrics.json").read_text())
            times.append((sum(found["seconds"].values()), seconds))
            print(
                f"{name}: {seconds:.0f} s in all, stages {found['seconds']}, encoded "
                f"{found['encoded']}, {memory:.2f} GiB anonymous (limit {LIMIT_GIB})",
                flush=True,
            )
    work, whole = (first / second for first, second in zip(*times, strict=True))
    print(f"first / second: {work:.1f} (limit: at least {LEAST_RATIO:g})")
    print(f"first / second with the start of Python, tables and report: {whole:.1f}")


if __name__ == "__main__":
    main()
