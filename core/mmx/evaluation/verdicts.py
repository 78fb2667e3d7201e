"""What a difference may be called: by its corrected p, its seeds, its groups and its epochs."""

import math
from dataclasses import dataclass

from scipy.special import ndtri

from mmx.evaluation.results import Interval

LEVEL, POWER = 0.05, 0.8
BETTER = "better"
WORSE = "worse"
SAME = "not distinguishable"
HIGHER, LOWER = "scored higher on these rows", "scored lower on these rows"
LESS, MORE = "erred less on these rows", "erred more on these rows"
FEW = "too few groups to compare"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The words for a difference.

    Attributes:
        words: as tables show them.
        direction: 1 for better and -1 for worse when the difference is told apart from 0, else 0.
    """

    words: str
    direction: int


def judge(
    value: float, corrected: float, *, conditional: bool = False, enough: bool = True,
    epochs: int | None = None, lower_is_better: bool = False,
) -> Verdict:  # fmt: skip
    """The verdict on a difference.

    Args:
        value: method minus the other.
        corrected: its p, corrected for all comparisons of this test part.
        conditional: it rests on one training run of each: on two runs, not on two methods.
        enough: there are as many groups as a verdict needs.
        epochs: after which training ended while a curve was still rising; None: both were flat.
        lower_is_better: of an error.
    """
    if not enough:
        return Verdict(FEW, 0)
    if not corrected <= LEVEL or value == 0:
        return Verdict(SAME, 0)
    direction = 1 if (value > 0) != lower_is_better else -1
    on_these_rows = (LESS, MORE) if lower_is_better else (HIGHER, LOWER)
    words = {True: on_these_rows, False: (BETTER, WORSE)}[conditional][direction < 0]
    if epochs is not None:
        words += f" at {epochs} epoch" + ("" if epochs == 1 else "s")
    return Verdict(words, direction)


def fewest_groups(comparisons: int = 1) -> int:
    """Groups that must all differ to one side before a sign test could find anything.

    The least k with 2^(1 - k) <= .05 / comparisons: 6 for one, 9 for ten, 12 for 66.
    """
    return 1 + math.ceil(-math.log2(LEVEL / max(comparisons, 1)) - 1e-12)


def enough_groups(groups: int, comparisons: int = 1) -> bool:
    """Whether at most half of the groups would have to differ to one side."""
    return 2 * fewest_groups(comparisons) <= groups


def detectable(interval: Interval, groups: int, comparisons: int = 1, most: float = 1.0) -> float:
    """The smallest true difference that would be found in 4 of 5 repetitions.

    Args:
        interval: 95 %, of the difference; half its width stands for 1.96 standard errors.
        groups: in the test part; fewer that differ than ``fewest_groups`` can never be found.
        comparisons: how many are corrected for; the most careful step of Holm is asked for.
        most: that two methods can differ; where nothing bounds it, few groups may differ by much.
    """
    error = (interval.high - interval.low) / 2 / ndtri(1 - LEVEL / 2)
    smooth = (ndtri(1 - LEVEL / 2 / max(comparisons, 1)) + ndtri(POWER)) * error
    least = fewest_groups(comparisons) / groups if math.isfinite(most) else 0.0
    return max(float(smooth), least)
