"""Paired comparisons against closed forms, slow loops and simulated studies."""

import math
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn import metrics as sk

from mmx.errors import DataError
from mmx.evaluation import Contrast, Interval, compare
from mmx.evaluation.class_scores import COUNTED
from mmx.evaluation.counted_rows import count_answers
from mmx.evaluation.flips import SeedSpread, between_seeds, seed_shift
from mmx.evaluation.pvalues import holm
from mmx.evaluation.verdicts import detectable, fewest_groups, judge

Ints = NDArray[np.int64]
BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "comparison_coverage.py"


@pytest.fixture(scope="module")
def simulation() -> dict[str, Any]:
    """The simulator of the benchmark, which has no package of its own."""
    return runpy.run_path(str(BENCHMARK))


def _answers(rows: int, accuracy: float, seeds: int, seed: int, labels: Ints) -> Ints:
    generator = np.random.default_rng(seed)
    right = generator.random((seeds, rows)) < accuracy
    return np.where(right, labels, (labels + 1) % 3)


@pytest.fixture
def labels() -> Ints:
    return np.arange(300) % 3


@pytest.fixture
def groups() -> list[str]:
    return [f"lesion {row // 2}" for row in range(300)]


def test_scores_are_those_of_scikit_learn(labels: Ints, groups: list[str]) -> None:
    answers = _answers(300, 0.7, 2, 0, labels)
    found = compare({"a": answers, "b": answers}, labels, groups, 4, base="a", flips=10).by_seed
    for seed, row in enumerate(answers):
        assert found["balanced_accuracy"]["a"][seed] == pytest.approx(
            sk.balanced_accuracy_score(labels, row)
        )
        assert found["macro_f1"]["a"][seed] == pytest.approx(
            sk.f1_score(labels, row, average="macro")
        )
        assert found["accuracy"]["a"][seed] == pytest.approx(sk.accuracy_score(labels, row))


@pytest.mark.parametrize("metric", ["balanced_accuracy", "macro_f1", "accuracy"])
def test_equal_answers_leave_a_difference_possible(
    labels: Ints, groups: list[str], metric: str
) -> None:
    """No row differs, but 150 groups do not prove that none ever will."""
    answers = _answers(300, 0.7, 1, 0, labels)
    found = compare({"a": answers, "b": answers}, labels, groups, 3, base="a", flips=200)
    (contrast,) = found.contrasts[metric]
    assert contrast.silent
    assert contrast.p == contrast.corrected == 1
    assert contrast.verdict == "not distinguishable"
    assert -contrast.difference.low == pytest.approx(contrast.difference.high)
    assert contrast.difference.high > 0.01
    assert contrast.detectable >= 6 / 150


def test_what_equal_answers_may_hide_is_the_exact_bound_of_each_class() -> None:
    """Classes of 10 and 4 groups: 1 - .025^(1/m) of each may differ unseen."""
    labels = np.repeat([0, 1], [10, 4])
    found = compare({"a": labels, "b": labels}, labels, [*map(str, range(14))], 2, base="a")
    interval = found.contrasts["balanced_accuracy"][0].difference
    unseen = [1 - 0.025 ** (1 / many) for many in (10, 4)]
    assert interval.high == pytest.approx(math.hypot(*unseen) / 2, abs=3e-4)


def test_a_method_is_held_against_the_one_named_for_it(labels: Ints, groups: list[str]) -> None:
    names = ("base", "other", "ours")
    answers = {name: _answers(300, 0.7, 2, seed, labels) for seed, name in enumerate(names)}
    named = compare(answers, labels, groups, 3, base="base", against={"ours": "other"})
    plain = compare(answers, labels, groups, 3, base="other")
    (first, ours) = named.contrasts["accuracy"]
    assert (first.method, first.against, ours.against) == ("other", "base", "other")
    wanted = next(one for one in plain.contrasts["accuracy"] if one.method == "ours")
    assert (ours.difference, ours.p, ours.pairs) == (wanted.difference, wanted.p, wanted.pairs)
    with pytest.raises(DataError, match="no 'nobody'"):
        compare(answers, labels, groups, 3, base="base", against={"ours": "nobody"})
    with pytest.raises(DataError, match="'base' is the base"):
        compare(answers, labels, groups, 3, base="base", against={"base": "ours"})


def test_interval_of_accuracy_is_that_of_a_paired_normal_difference(labels: Ints) -> None:
    ours, base = (_answers(300, share, 1, seed, labels) for seed, share in ((0, 0.9), (1, 0.7)))
    groups = [str(row) for row in range(300)]
    found = compare(
        {"ours": ours, "base": base}, labels, groups, 3, base="base", metrics=("accuracy",)
    ).contrasts["accuracy"][0]
    gains = (ours[0] == labels).astype(float) - (base[0] == labels)
    error = gains.std() / math.sqrt(300)
    assert found.difference.value == pytest.approx(gains.mean())
    assert found.difference.low == pytest.approx(gains.mean() - 1.96 * error, abs=0.2 * error)
    assert found.difference.high == pytest.approx(gains.mean() + 1.96 * error, abs=0.2 * error)
    assert found.conditional
    assert found.verdict == "scored higher on these rows"
    assert found.p == found.corrected == 1 / 4001  # nothing below the floor


def test_p_of_few_groups_is_the_exact_sign_test() -> None:
    """Six of six groups to one side: 2 of 64 signs are as extreme."""
    labels, groups = np.zeros(12, int), [str(row // 2) for row in range(12)]
    labels[6:] = 1
    wrong = 1 - labels
    found = compare({"a": labels, "b": wrong}, labels, groups, 2, base="b", flips=20_000)
    contrast = found.contrasts["balanced_accuracy"][0]
    assert contrast.p == pytest.approx(2 / 64, abs=0.004)
    assert contrast.difference.high == 1


def test_below_the_fewest_groups_there_is_no_verdict() -> None:
    for groups, words in ((11, "too few groups to compare"), (12, "scored higher on these rows")):
        labels = np.arange(groups) % 2
        names = [*map(str, range(groups))]
        found = compare({"a": labels, "b": 1 - labels}, labels, names, 2, base="b")
        assert found.contrasts["balanced_accuracy"][0].verdict == words


def test_pairing_makes_the_interval_of_alike_methods_narrow(labels: Ints) -> None:
    base = _answers(300, 0.7, 1, 0, labels)
    ours = base.copy()
    ours[0, :6] = labels[:6]
    groups = [str(row) for row in range(300)]
    found = compare({"a": ours, "b": base}, labels, groups, 3, base="b")
    contrast, score = found.contrasts["accuracy"][0], found.scores["accuracy"]["a"]
    assert contrast.difference.high - contrast.difference.low < (score.high - score.low) / 3


def test_groups_that_agree_widen_the_interval(labels: Ints) -> None:
    rows = np.repeat(np.arange(300), 4)
    ours, base = (_answers(300, 0.8, 1, seed, labels) for seed in (0, 1))
    widths = []
    for groups in (rows.astype(str).tolist(), [str(n) for n in range(1200)]):
        found = compare({"a": ours[:, rows], "b": base[:, rows]}, labels[rows], groups, 3, base="b")
        interval = found.contrasts["accuracy"][0].difference
        widths.append(interval.high - interval.low)
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.1)


def _between(values: list[float], interplay: float = 0.0) -> SeedSpread:
    squares = float(((np.array(values) - np.mean(values)) ** 2).sum())
    return SeedSpread(squares, interplay, len(values) - 1, len(values))


STILL = SeedSpread(0.0, 0.0, 0, 0)


def test_seeds_alone_give_the_interval_of_the_two_sample_t_test() -> None:
    from scipy.stats import ttest_ind

    first, second = [0.70, 0.74, 0.71], [0.66, 0.69, 0.64]
    between = {"a": _between(first), "b": _between(second)}
    shift, freedom = seed_shift(between, ("a", "b"), 200_000, 0)
    low, high = np.percentile(shift + np.mean(first) - np.mean(second), [2.5, 97.5])
    wanted = ttest_ind(first, second).confidence_interval()
    assert freedom == 4
    assert low == pytest.approx(wanted.low, abs=1e-3)
    assert high == pytest.approx(wanted.high, abs=1e-3)


def test_a_method_that_no_seed_moves_adds_no_variance() -> None:
    from scipy.stats import t

    seeds = [0.70, 0.74, 0.71]
    shift, _ = seed_shift({"a": _between(seeds), "b": STILL}, ("a", "b"), 200_000, 0)
    wanted = t.ppf(0.975, 2) * np.std(seeds, ddof=1) / math.sqrt(3)
    assert np.percentile(shift, 97.5) == pytest.approx(wanted, rel=0.03)


def test_what_groups_contribute_to_the_variance_of_seeds_is_counted_once() -> None:
    """Seeds that differ only by chance on each row: the flips of groups hold that already."""
    labels, generator = np.arange(400) % 2, np.random.default_rng(0)
    answers = np.where(generator.random((200, 400)) < 0.7, labels, 1 - labels)
    counted = count_answers({"a": answers, "b": answers}, labels, [*map(str, range(400))], 2)
    score = COUNTED["balanced_accuracy"](counted)
    between = between_seeds(score)["a"]
    assert between.interplay / between.freedom == pytest.approx(
        between.squares / between.freedom, rel=0.2
    )
    shift, _ = seed_shift({"a": between, "b": STILL}, ("a", "b"), 4000, 0)
    values = score.by_seed("a")
    assert shift.std() < 0.5 * values.std(ddof=1) / math.sqrt(200)


def test_four_methods_lend_a_pair_their_common_variance() -> None:
    """A pair whose seeds agree by luck is not judged as if seeds did nothing."""
    calm, wild = [0.70, 0.70, 0.70], [0.66, 0.70, 0.74]
    pair = {"a": _between(calm), "b": _between(calm)}
    alone, _ = seed_shift(pair, ("a", "b"), 4000, 0)
    with_three, _ = seed_shift({**pair, "c": _between(wild)}, ("a", "b"), 4000, 0)
    others = {name: _between(wild) for name in "cdef"}
    lent, freedom = seed_shift({**pair, **others}, ("a", "b"), 200_000, 0)
    assert alone.std() < 1e-12
    assert with_three.std() < 1e-12
    wanted = 8 * np.mean([0, 0, *[0.04**2] * 4]) / 12  # variance with 4 + 8 degrees of freedom
    assert np.median(lent**2) == pytest.approx(wanted * 2 / 3 * 0.4837, rel=0.05)  # t with 12
    assert freedom == 4


def test_the_smallest_detectable_difference_is_found_four_times_of_five() -> None:
    interval = Interval(0.0, -1.96, 1.96)  # standard error 1
    found = detectable(interval, 1000)
    assert found == pytest.approx(1.96 + norm.ppf(0.8), abs=1e-3)
    drawn = np.random.default_rng(0).normal(found, 1, 100_000)
    assert (np.abs(drawn) > 1.96).mean() == pytest.approx(0.8, abs=0.01)
    wanted = norm.ppf(1 - 0.05 / 16) + 0.8416
    assert detectable(interval, 1000, 8) == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize(("comparisons", "groups"), [(1, 6), (10, 9), (66, 12)])
def test_fewer_groups_than_these_can_never_show_anything(comparisons: int, groups: int) -> None:
    assert fewest_groups(comparisons) == groups
    assert 2.0 ** (1 - groups) <= 0.05 / comparisons < 2.0 ** (2 - groups)
    narrow = Interval(0.0, -0.001, 0.001)
    assert detectable(narrow, 18, comparisons) == pytest.approx(groups / 18)


@pytest.mark.parametrize(
    ("value", "p", "keys", "words"),
    [
        (0.1, 0.05, {}, "better"),
        (-0.1, 0.01, {}, "worse"),
        (0.1, 0.051, {}, "not distinguishable"),
        (0.1, math.nan, {}, "not distinguishable"),
        (0.1, 0.01, {"conditional": True}, "scored higher on these rows"),
        (-0.1, 0.01, {"conditional": True}, "scored lower on these rows"),
        (-0.1, 0.01, {"epochs": 4}, "worse at 4 epochs"),
        (-0.1, 0.01, {"epochs": 1}, "worse at 1 epoch"),
        (0.1, 0.01, {"enough": False}, "too few groups to compare"),
    ],
)
def test_verdicts(value: float, p: float, keys: dict[str, Any], words: str) -> None:
    assert judge(value, p, **keys).words == words


def test_order_of_rows_and_methods_does_not_matter(labels: Ints, groups: list[str]) -> None:
    predicted = {name: _answers(300, 0.7, 3, seed, labels) for seed, name in enumerate("abc")}
    order = np.random.default_rng(0).permutation(300)
    first = compare(predicted, labels, groups, 3, base="a")
    second = compare(
        {name: predicted[name][:, order] for name in "cab"}, labels[order],
        [groups[row] for row in order], 3, base="a",
    )  # fmt: skip

    def by_name(one: Contrast) -> str:
        return one.method

    for metric, contrasts in first.contrasts.items():
        again = sorted(second.contrasts[metric], key=by_name)
        for left, right in zip(sorted(contrasts, key=by_name), again, strict=True):
            assert left.difference.value == pytest.approx(right.difference.value)
            assert left.difference.low == pytest.approx(right.difference.low)
            assert left.p == pytest.approx(right.p)


def test_many_contrasts_get_enough_flips_for_the_floor(labels: Ints, groups: list[str]) -> None:
    predicted = {str(n): _answers(300, 0.7, 1, n, labels) for n in range(2)}
    for family, flips in ((0, 4000), (10, 4000), (66, 26_400)):
        found = compare(
            predicted, labels, groups, 3, base="0", metrics=("accuracy",), family=family
        )
        assert found.flips == flips
        assert found.floor * 10 < 0.05 / max(family, 1) * 1.0001


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"base": "x"}, "no 'x'"),
        ({"metrics": ("nll",)}, "no metric 'nll'"),
        ({"predicted": {"a": np.zeros((1, 3), int)}}, "shape"),
        ({"predicted": {"a": np.full((1, 300), 3)}}, "from 0 to 2"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    labels: Ints, groups: list[str], change: dict[str, Any], words: str
) -> None:
    given = {"predicted": {"a": labels[None]}, "base": "a", **change}
    predicted = given.pop("predicted")
    with pytest.raises(DataError, match=words):
        compare(predicted, labels, groups, 3, **given)


def test_equal_methods_are_told_apart_in_five_of_a_hundred_draws(
    simulation: dict[str, Any],
) -> None:
    """p of 1,000 null draws is below 5 % in 3 to 7 %: the test is neither bold nor asleep."""
    setting = simulation["Setting"](150, 1)
    found = [simulation["study"](n, setting, 1, 400) for n in range(1000)]
    share = np.mean([one.contrasts["balanced_accuracy"][0].p <= 0.05 for one in found])
    assert 0.03 <= share <= 0.07


@pytest.mark.parametrize("seeds", [1, 3])
def test_ten_null_arms_of_twenty_groups_seldom_give_a_verdict(
    simulation: dict[str, Any], seeds: int
) -> None:
    wrong, _ = simulation["false_verdicts"](simulation["Setting"](20, seeds), 60)
    assert wrong <= 0.05


def test_intervals_hold_the_truth_in_simulated_studies(simulation: dict[str, Any]) -> None:
    share, _ = simulation["held"](simulation["Setting"](50, 1, shift=0.3), 60)
    assert share >= 0.90  # 95 % less twice the error of 60 studies, whose four arms go together


def test_a_ledger_of_null_comparisons_seldom_holds_a_false_verdict() -> None:
    """66 null comparisons of ten studies: Holm for each study finds something in a third."""
    generator = np.random.default_rng(0)
    studies = [10, 6, 6, 6, 6, 6, 6, 6, 7, 7]
    each = whole = 0
    for _ in range(1000):
        drawn = [generator.random(many).tolist() for many in studies]
        each += any(min(holm(of)) <= 0.05 for of in drawn)
        whole += min(holm([p for of in drawn for p in of])) <= 0.05
    assert each / 1000 > 0.3
    assert whole / 1000 <= 0.07
