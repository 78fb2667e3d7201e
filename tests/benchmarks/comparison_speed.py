"""How long the comparison of a study takes: 9 arms, 3 seeds, 2,000 test rows of 1,500 groups.

Run ``python tests/benchmarks/comparison_speed.py``; exit status 1 above 20 s.
"""

import sys
import time

import numpy as np

from mmx.evaluation import compare

ARMS, SEEDS, ROWS, GROUPS, CLASSES = 9, 3, 2000, 1500, 7
LIMIT = 20.0  # seconds


def main() -> int:
    """Time it once."""
    generator = np.random.default_rng(0)
    labels = generator.integers(CLASSES, size=ROWS)
    groups = generator.integers(GROUPS, size=ROWS).astype(str).tolist()
    wrong = generator.random((ARMS, SEEDS, ROWS)) < 0.3
    answers = np.where(wrong, generator.integers(CLASSES, size=wrong.shape), labels)
    predicted = {f"arm {number}": rows for number, rows in enumerate(answers)}
    start = time.perf_counter()
    found = compare(predicted, labels, groups, CLASSES, base="arm 0")
    seconds = time.perf_counter() - start
    print(f"{ARMS} arms x {SEEDS} seeds, {found.flips:,} flips: {seconds:.1f} s")
    return int(seconds > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
