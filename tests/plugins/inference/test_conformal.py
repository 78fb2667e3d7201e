"""Laws of inference.conformal."""

from types import SimpleNamespace
from typing import Literal, cast

import pandas as pd
import pytest
import torch
from scipy.stats import betabinom, kstest

from mmx import Batch, Prediction, RunError
from mmx.interfaces import Interval, Validation
from mmx_plugins.inference.conformal import (
    Conformal,
    ConformalParams,
    grown,
    one_per_group,
    own_number,
    quantile,
)

Score = Literal["lac", "aps", "raps", "contiguous"]
SCORES: tuple[Score, ...] = ("lac", "aps", "raps", "contiguous")


def drawn(n: int, seed: int, classes: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities of a model that is too sure, and labels."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(n, classes, generator=generator)
    target = torch.multinomial(logits.softmax(dim=1), 1, generator=generator)[:, 0]
    return (2 * logits).log_softmax(dim=1), target


def fitted(params: ConformalParams, logits: torch.Tensor, target: torch.Tensor) -> Conformal:
    hook = params.build()
    counts, groups = torch.ones(logits.shape[1]), tuple(map(str, range(len(target))))
    hook.fit(Validation(logits, target, groups, counts, counts, ("identity",)))
    return hook


def predicted(hook: Conformal, log_probs: torch.Tensor, first: int = 0) -> Prediction:
    """The prediction of rows whose groups are numbered from ``first``."""
    groups = tuple(map(str, range(first, first + len(log_probs))))
    batch = cast(Batch, SimpleNamespace(group=groups))  # all that the hook looks at
    return hook.predict(lambda _: Prediction(log_probs), batch)


def sets(hook: Conformal, log_probs: torch.Tensor, first: int = 0) -> torch.Tensor:
    return predicted(hook, log_probs, first).extras["in_set"]


@pytest.mark.parametrize("score", SCORES)
def test_mean_coverage_lies_where_theory_puts_it(score: Score) -> None:
    n, m, repeats, alpha = 99, 200, 200, 0.1
    covered = []
    for seed in range(repeats):
        log_probs, target = drawn(n + m, seed)
        hook = fitted(ConformalParams(score=score, alpha=alpha), log_probs[:n], target[:n])
        hit = sets(hook, log_probs[n:], first=n).gather(1, target[n:, None])
        covered.append(float(hit.double().mean()))
    # the k-th smallest of n scores covers Beta(k, n + 1 - k), its count over m is beta-binomial
    law = betabinom(m, 90, 10)
    error = float(law.std()) / m / repeats**0.5
    least = 0.9 - 4 * error
    assert least <= sum(covered) / repeats
    if score != "raps":  # its prices come in steps, so sets may be a little too large
        assert sum(covered) / repeats <= 0.9 + 4 * error
    inside = [law.ppf(0.005) / m <= c for c in covered]
    assert sum(inside) / repeats > 0.97


@pytest.mark.parametrize("score", SCORES)
def test_sets_are_nested_in_alpha(score: Score) -> None:
    log_probs, target = drawn(300, 0)
    before = torch.zeros(300, 5, dtype=torch.bool)
    for alpha in (0.4, 0.2, 0.1, 0.05):
        now = sets(fitted(ConformalParams(score=score, alpha=alpha), log_probs, target), log_probs)
        assert (now | ~before).all()
        before = now


def levels(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities of five ordered levels with several humps, and labels."""
    log_probs, target = drawn(n, seed)
    return (log_probs + torch.tensor([0.0, -0.3, 0.2, -0.3, 0.0])).log_softmax(dim=1), target


def test_an_interval_grows_from_the_median_to_the_more_probable_neighbour() -> None:
    log_probs, _ = levels(200, 3)
    probs = log_probs.exp().double()
    for row, order in zip(probs.tolist(), grown(probs).tolist(), strict=True):
        below = [sum(row[: k + 1]) for k in range(5)]
        low = high = next(k for k in range(5) if below[k] >= 0.5 - 1e-9)
        wanted = [low]
        while len(wanted) < 5:
            sides = [(row[k], -k) for k in (low - 1, high + 1) if 0 <= k < 5]
            taken = -max(sides)[1]
            low, high = min(low, taken), max(high, taken)
            wanted.append(taken)
        assert order == wanted


@pytest.mark.parametrize("per_class", [False, True])
def test_contiguous_sets_have_no_gap_and_hold_the_median_first(per_class: bool) -> None:
    log_probs, target = levels(400, 0)
    hook = fitted(
        ConformalParams(score="contiguous", alpha=0.3, per_class=per_class), log_probs, target
    )
    found, sizes = sets(hook, log_probs), set()
    for row, median in zip(found, grown(log_probs.exp())[:, 0].tolist(), strict=True):
        chosen = row.nonzero()[:, 0].tolist()
        sizes.add(len(chosen))
        assert chosen == [] or chosen == list(range(chosen[0], chosen[-1] + 1))
        assert chosen == [] or median in chosen or per_class
    assert len(sizes) > 2


def test_contiguous_sets_are_for_ordered_levels() -> None:
    params = ConformalParams(score="contiguous")
    assert params.misfit("ordinal") == ""
    assert params.misfit("single_label").endswith("this spec has task: single_label; use aps")
    assert ConformalParams().misfit("single_label") == ""


def test_a_perfect_model_gives_single_classes() -> None:
    target = torch.arange(60) % 3
    log_probs = torch.full((60, 3), -30.0).scatter_(1, target[:, None], 0.0).log_softmax(dim=1)
    hook = fitted(ConformalParams(score="lac"), log_probs, target)
    assert torch.equal(sets(hook, log_probs).sum(dim=1), torch.ones(60, dtype=torch.int64))


def test_too_few_groups_give_the_full_set_and_say_so() -> None:
    log_probs, target = drawn(8, 0)
    hook = fitted(ConformalParams(alpha=0.1), log_probs, target)
    assert sets(hook, log_probs).all()
    assert "fewer than 9 validation groups" in hook.notes[0]


def test_per_class_promises_each_class_by_its_own_threshold() -> None:
    log_probs, target = drawn(4000, 0)
    log_probs = (log_probs + torch.tensor([3.0, 0, 0, 0, -3.0])).log_softmax(dim=1)
    half = 2000
    hook = fitted(ConformalParams(per_class=True), log_probs[:half], target[:half])
    hit = sets(hook, log_probs[half:]).gather(1, target[half:, None])[:, 0].double()
    by_class = [float(hit[target[half:] == c].mean()) for c in range(5)]
    assert min(by_class) > 0.84
    plain = fitted(ConformalParams(), log_probs[:half], target[:half])
    missed = sets(plain, log_probs[half:])[:, 4][target[half:] == 4].double().mean()
    assert float(missed) < min(by_class)


def test_scores_are_their_formulas() -> None:
    log_probs, _ = drawn(20, 1)
    p, u = log_probs.exp(), own_number(log_probs, seed=0)
    lac, aps, raps = (
        ConformalParams(score=s, penalty=0.5, free_rank=1).build().scores(log_probs)
        for s in SCORES[:3]
    )
    for i in range(20):
        for c in range(5):
            above = float(p[i][p[i] > p[i, c]].sum())
            rank = 1 + int((p[i] > p[i, c]).sum())
            own = above + float((1 - u[i]) * p[i, c])
            assert float(lac[i, c]) == pytest.approx(1 - float(p[i, c]), abs=1e-6)
            assert float(aps[i, c]) == pytest.approx(own, abs=1e-5)
            assert float(raps[i, c]) == pytest.approx(own + 0.5 * max(rank - 1, 0), abs=1e-5)


def test_a_row_has_the_same_set_in_any_batch() -> None:
    log_probs, target = drawn(50, 0)
    hook = fitted(ConformalParams(), log_probs, target)
    together = sets(hook, log_probs)
    alone = torch.cat([sets(hook, log_probs[i : i + 1], first=99) for i in range(50)])
    assert torch.equal(together, alone)  # whatever they are called


def test_the_random_shares_are_uniform_and_change_with_the_seed() -> None:
    log_probs, _ = drawn(5000, 3)
    numbers = own_number(log_probs, seed=0)
    assert kstest(numbers.numpy(), "uniform").pvalue > 0.001
    assert float(torch.corrcoef(torch.stack([numbers, own_number(log_probs, 1)]))[0, 1]) < 0.05


def test_the_quantile_is_the_rank_that_the_promise_needs() -> None:
    scores = torch.arange(1.0, 20.0)  # 19 scores: ceil(20 * 0.9) = 18
    assert float(quantile(scores, 0.1)) == 18
    assert float(quantile(scores[:8], 0.1)) == float("inf")


def test_each_group_speaks_once() -> None:
    target = torch.tensor([0, 1, 2, -1, 1, 0])
    rows = one_per_group(("a", "a", "b", "c", "b", "a"), target, seed=0)
    assert len(rows) == 2
    chosen = {"aabcba"[row] for row in rows.tolist()}
    assert chosen == {"a", "b"}


def clustered(seed: int) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    """Patients of 1 row, and every fourth one of 7 rows that the model knows nothing of."""
    sizes = [7 if patient % 4 == 0 else 1 for patient in range(240)]
    groups = [f"p{patient}" for patient, size in enumerate(sizes) for _ in range(size)]
    log_probs, target = drawn(len(groups), seed)
    hard = torch.tensor([size == 7 for size in sizes for _ in range(size)])
    guessed = torch.randint(5, (len(groups),), generator=torch.Generator().manual_seed(seed))
    return log_probs, torch.where(hard, guessed, target), groups


@pytest.mark.parametrize("score", SCORES[:3])
@pytest.mark.parametrize("per_class", [False, True])
def test_coverage_is_measured_in_the_unit_of_the_promise(score: Score, per_class: bool) -> None:
    log_probs, target, groups = clustered(0)
    counts = torch.ones(5)
    hook = ConformalParams(score=score, per_class=per_class).build()
    hook.fit(Validation(log_probs, target, tuple(groups), counts, counts, ("identity",)))
    log_probs, target, groups = clustered(1)
    batch = cast(Batch, SimpleNamespace(group=groups))
    prediction = hook.predict(lambda _: Prediction(log_probs), batch)
    kept = hook.measure(prediction, target, groups)
    hit = pd.Series(prediction.extras["in_set"][torch.arange(len(target)), target].numpy())
    own, rows = kept["coverage per group"], kept["coverage per row"]
    assert isinstance(own, Interval)
    assert isinstance(rows, Interval)
    assert own.value == pytest.approx(hit.groupby(groups).mean().mean())
    assert rows.value == pytest.approx(hit.mean())
    assert own.value - rows.value > 0.05  # hard patients have many rows
    assert own.low < 0.9 < own.high
    assert rows.low < rows.value < rows.high
    assert str(kept["promise"]).startswith("not broken")
    least = kept["least coverage of a class per group"]
    assert isinstance(least, Interval)
    weight = 1 / hit.groupby(groups).transform("size")
    of_class = (hit * weight).groupby(target.numpy()).sum() / weight.groupby(target.numpy()).sum()
    assert least.value == pytest.approx(of_class.min())
    assert least.low < least.value < least.high
    assert kept["mean set size"] == pytest.approx(
        float(prediction.extras["in_set"].sum(dim=1).double().mean())
    )


@pytest.mark.parametrize("per_class", [False, True])
def test_a_promise_is_broken_only_where_the_interval_excludes_it(per_class: bool) -> None:
    log_probs, target = drawn(400, 0)
    hook = fitted(ConformalParams(per_class=per_class), log_probs, target)
    groups = [str(row) for row in range(400)]
    in_set = torch.zeros(400, 5, dtype=torch.bool)
    in_set[torch.arange(400), target] = torch.arange(400) % 5 > 0  # 80 % of each class or so
    prediction = Prediction(log_probs, {"in_set": in_set, "set_size": in_set.sum(dim=1)})
    assert str(hook.measure(prediction, target, groups)["promise"]).startswith("broken")


def test_refuses_to_predict_before_it_was_fitted() -> None:
    with pytest.raises(RunError, match="fitted"):
        sets(ConformalParams().build(), torch.zeros(1, 2))
