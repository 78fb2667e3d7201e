"""Sign flips of groups: a test of two methods on the same rows, and its interval.

If two methods are alike, each group's difference may as well have the other sign. So the observed
difference is held against those that come out when random groups change places, and against what
other training seeds would add. For the interval the same test is asked for every true difference.

Source: Fisher 1935, The Design of Experiments, 21 (sign flips); Winkler et al. 2014,
doi:10.1016/j.neuroimage.2014.01.060 (whole blocks flip); Bauer 1972, doi:10.2307/2284473
(inversion); Weerahandi 1993 (the variance between seeds drawn from its generalised pivot).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmx.evaluation.confusion import Floats
from mmx.interfaces import Score

CHUNK = 512  # flips at a time: 512 x 10,000 groups of float64 are 40 MB
HALVINGS = 14  # of an interval 2 wide: its ends are known to .0002
DOUBLINGS = 40  # of the largest difference after flips, until an end lies outside
TIE = 1e-9  # sums of the same numbers in another order are equal
LENT, LENDERS = 8.0, 4  # degrees of freedom that the other arms lend, and how many it takes
LEVEL = 0.05

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class SignFlips:
    """What sign flips say about K pairs of methods.

    Attributes:
        difference: [K], first minus second, means over the seeds.
        p: [K], two-sided, at least 1 / (1 + B).
        low: [K], of the 95 % interval, within what can be.
        high: [K].
        silent: [K], no group differs.
        freedom: [K], degrees of freedom of the pair's variance between seeds; 0: none is known.
    """

    difference: Floats
    p: Floats
    low: Floats
    high: Floats
    silent: Floats
    freedom: Floats


@dataclass(frozen=True, slots=True)
class SeedSpread:
    """How far the training seeds of one method lie apart.

    Attributes:
        squares: sum of squares of the seeds' scores around their mean.
        interplay: the part that seeds and groups have together, summed over the seeds.
        freedom: seeds - 1; 0 for a method that no seed moves.
        seeds: how many, at least 1.
    """

    squares: float
    interplay: float
    freedom: int
    seeds: int


def flip(score: Score, pairs: Pairs, *, fixed: frozenset[str], flips: int, seed: int) -> SignFlips:
    """Test pairs of methods by sign flips of groups, the same flips for all of them.

    Args:
        score: the metric of all methods.
        pairs: first and second method.
        fixed: methods that no seed changes.
        flips: B, how many random flips.
        seed: of the flips.
    """
    between = between_seeds(score, fixed)
    gaps = np.array([score.difference(*pair) for pair in pairs])
    moved, weight = _moved(score, pairs, flips, seed)
    shifts = [seed_shift(between, pair, flips, seed) for pair in pairs]
    moved += np.stack([shift for shift, _ in shifts], axis=1) if pairs else 0
    p = _p(moved, weight, gaps, np.zeros(len(pairs)))
    hidden = np.array([score.hidden(*pair) for pair in pairs])
    reach = [_reach(moved, weight, gaps, side * score.most) for side in (-1.0, 1.0)]
    low, high = (np.sqrt(one**2 + hidden) for one in reach)
    return SignFlips(
        gaps,
        p,
        np.maximum(gaps - low, -score.most),
        np.minimum(gaps + high, score.most),
        np.array([score.silent(*pair) for pair in pairs], dtype=bool),
        np.array([freedom for _, freedom in shifts], dtype=np.float64),
    )


def _moved(score: Score, pairs: Pairs, flips: int, seed: int) -> tuple[Floats, Floats]:
    """[B, K] differences after flips, and [B] what a common difference becomes."""
    moved, weight = np.empty((flips, len(pairs))), np.empty(flips)
    start = 0
    for signs in _signs(score.groups, flips, seed):
        rows = slice(start, start + len(signs))
        weight[rows] = signs @ score.shares
        for index, pair in enumerate(pairs):
            moved[rows, index] = score.flipped(signs, *pair)
        start += len(signs)
    return moved, weight


def _signs(groups: int, flips: int, seed: int) -> Iterator[Floats]:
    generator = np.random.default_rng(seed)
    for start in range(0, flips, CHUNK):
        many = min(CHUNK, flips - start)
        drawn = generator.integers(2, size=(many, groups), dtype=np.int8)
        yield 2.0 * drawn.astype(np.float64) - 1.0


def _p(moved: Floats, weight: Floats, gaps: Floats, truth: Floats) -> Floats:
    """[K], p of the hypothesis that the true differences are ``truth`` ([K])."""
    beyond = np.abs(moved - weight[:, None] * truth) >= np.abs(gaps - truth) - TIE
    p: Floats = (1 + beyond.sum(axis=0)) / (1 + len(moved))
    return p


def _reach(moved: Floats, weight: Floats, gaps: Floats, end: float) -> Floats:
    """[K], how far the true difference may lie from the observed one, towards an end, by bisection.

    Args:
        moved: [B, K].
        weight: [B].
        gaps: [K].
        end: the smallest or the largest difference that can be.
    """
    side = np.sign(end)
    outside = np.abs(end - gaps) if np.isfinite(end) else _bracket(moved, weight, gaps, side)
    bounded = np.isfinite(outside)
    outside = np.where(bounded, outside, 0.0)
    kept = _p(moved, weight, gaps, gaps + side * outside) > LEVEL
    inside = np.where(kept, outside, 0.0)
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        holds = _p(moved, weight, gaps, gaps + side * middle) > LEVEL
        inside, outside = np.where(holds, middle, inside), np.where(holds, outside, middle)
    reach: Floats = np.where(bounded, outside, np.inf)
    return reach


def _bracket(moved: Floats, weight: Floats, gaps: Floats, side: float) -> Floats:
    """[K], a distance that the test excludes, where nothing bounds a difference; infinite: none is.

    With so few groups that one in twenty flips has all signs alike, no difference is excluded.
    """
    start = np.maximum(np.abs(moved).max(axis=0, initial=0.0), np.abs(gaps))
    reach = np.where(start > 0, start, TIE)
    held = np.ones(len(gaps), dtype=bool)
    for _ in range(DOUBLINGS):
        held = _p(moved, weight, gaps, gaps + side * reach) > LEVEL
        if not held.any():
            break
        reach = np.where(held, 2 * reach, reach)
    found: Floats = np.where(held, np.inf, reach)
    return found


def between_seeds(score: Score, fixed: frozenset[str] = frozenset()) -> dict[str, SeedSpread]:
    """Of each method, how far its training seeds lie apart."""
    found = {}
    for name in score.methods:
        values = score.by_seed(name)
        freedom = 0 if name in fixed else len(values) - 1
        squares = float(((values - values.mean()) ** 2).sum()) if freedom else 0.0
        interplay = score.interplay(name) if freedom else 0.0
        found[name] = SeedSpread(squares, interplay, freedom, 0 if name in fixed else len(values))
    return found


def seed_shift(
    between: Mapping[str, SeedSpread], pair: tuple[str, str], flips: int, seed: int
) -> tuple[Floats, int]:
    """[B], how far other training seeds would shift a difference of means; and its freedom.

    The variance between seeds is one for both methods (as in the two-sample t-test). What seeds
    and groups have together is taken off, for the flips hold it. With four or more methods that
    move, their common variance is lent with 8 degrees of freedom. Without a second seed nothing is
    known: 0, and the difference is conditional on these training runs.
    """
    moving = [between[name] for name in pair if between[name].seeds]
    own = sum(one.freedom for one in moving)
    if own == 0:
        return np.zeros(flips), 0
    squares = sum(one.squares for one in moving)
    together = sum(one.interplay for one in moving)
    freedom = float(own)
    lenders = [one for one in between.values() if one.freedom]
    if len(lenders) >= LENDERS:
        squares += LENT * float(np.mean([one.squares / one.freedom for one in lenders]))
        together += LENT * float(np.mean([one.interplay / one.freedom for one in lenders]))
        freedom += LENT
    generator = np.random.default_rng([seed, 1])
    drawn = squares / generator.chisquare(freedom, flips) - together / freedom
    means = sum(1 / one.seeds for one in moving)
    shift: Floats = np.sqrt(np.maximum(drawn, 0) * means) * generator.standard_normal(flips)
    return shift, own
