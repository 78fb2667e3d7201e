"""Wall time of the quickstart from an empty cache, as a user waits for it.

python tests/benchmarks/quickstart.py
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPEC = Path(__file__).parents[2] / "examples" / "quickstart.yaml"
LIMIT = 90.0  # seconds on 2 cores


def main() -> None:
    """Run it once and print the seconds."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"MMX_CACHE": f"{folder}/cache", "MMX_RUNS": f"{folder}/runs"}
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "mmx_cli", "run", str(SPEC)], check=True)
        print(f"{time.perf_counter() - start:.0f} s (limit: {LIMIT:g})")


if __name__ == "__main__":
    main()
