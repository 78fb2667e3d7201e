"""How many threads decode images."""

import os


def threads() -> int:
    """As many as this process may use, at most 8."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4, 8)
