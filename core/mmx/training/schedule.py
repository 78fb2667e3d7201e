"""Learning rates as pure functions of the step, so that resuming needs no state."""

import math
from typing import Literal

Schedule = Literal["cosine", "constant", "one_cycle"]

# one_cycle, as in the paper and in torch: rise for 30 % of the steps from 1/25 to 1, then fall
RISE = 0.3
FIRST = 1 / 25
LAST = 1 / (25 * 1e4)


def rate_factor(schedule: Schedule, step: int, steps: int, warmup: float) -> float:
    """What the learning rates are multiplied with at a step.

    Args:
        schedule: ``cosine`` (Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts),
            ``constant``, or ``one_cycle`` (Smith and Topin 2019, arXiv:1708.07120).
        step: 0-based.
        steps: in the whole training.
        warmup: share of the steps in which the rates rise linearly, in [0, 1); one_cycle has its
            own rise and ignores it.

    Returns:
        A factor in (0, 1].
    """
    if schedule == "one_cycle":
        return _one_cycle(step, steps)
    rising = round(warmup * steps)
    if step < rising:
        return (step + 1) / (rising + 1)
    if schedule == "constant":
        return 1.0
    return _cosine(1.0, 0.0, (step - rising) / max(1, steps - rising))


def _one_cycle(step: int, steps: int) -> float:
    top = RISE * steps - 1
    if step <= top:
        return _cosine(FIRST, 1.0, step / top)
    # clamped: with very few steps the rise ends before step 0
    return _cosine(1.0, LAST, (step - max(top, 0)) / max(1, steps - 1 - max(top, 0)))


def _cosine(start: float, end: float, share: float) -> float:
    """From start to end along half a cosine, ``share`` in [0, 1]."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
