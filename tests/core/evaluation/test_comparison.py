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
from mmx.evaluation.comparison import detectable, seed_draws, verdict
from mmx.evaluation.paired import resample

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
    found = resample({"a": answers}, labels, groups, 4, resamples=10).observed
    for seed, row in enumerate(answers):
        assert found["balanced_accuracy"]["a"][seed] == pytest.approx(
            sk.balanced_accuracy_score(labels, row)
        )
        assert found["macro_f1"]["a"][seed] == pytest.approx(
            sk.f1_score(labels, row, average="macro")
        )
        assert found["accuracy"]["a"][seed] == pytest.approx(sk.accuracy_score(labels, row))


def test_a_method_against_itself_differs_by_nothing(labels: Ints, groups: list[str]) -> None:
    answers = _answers(300, 0.7, 1, 0, labels)
    found = compare({"a": answers, "b": answers}, labels, groups, 3, base="a", resamples=200)
    (contrast,) = found.contrasts["balanced_accuracy"]
    assert contrast.difference == Interval(0, 0, 0)
    assert contrast.p == contrast.corrected == 1
    assert contrast.verdict == "not distinguishable"


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
    assert found.verdict == "better"
    assert found.p == found.corrected == 2 / 2001  # nothing below the floor


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


def test_seeds_alone_give_the_interval_of_the_two_sample_t_test() -> None:
    """Groups that all agree add nothing, so the closed form of two normal samples remains."""
    from scipy.stats import ttest_ind

    first, second = np.array([0.70, 0.74, 0.71]), np.array([0.66, 0.69, 0.64])
    still = [np.tile(one, (200_000, 1)) for one in (first, second)]
    shift = seed_draws((first, second), still, (True, True), np.random.default_rng(0))
    low, high = np.percentile(shift + first.mean() - second.mean(), [2.5, 97.5])
    wanted = ttest_ind(first, second).confidence_interval()
    assert low == pytest.approx(wanted.low, abs=1e-3)
    assert high == pytest.approx(wanted.high, abs=1e-3)


def test_a_method_that_no_seed_moves_adds_no_variance() -> None:
    from scipy.stats import t

    seeds, still = np.array([0.70, 0.74, 0.71]), np.array([0.5, 0.5, 0.5])
    drawn = [np.tile(one, (200_000, 1)) for one in (seeds, still)]
    shift = seed_draws((seeds, still), drawn, (True, False), np.random.default_rng(0))
    wanted = t.ppf(0.975, 2) * seeds.std(ddof=1) / math.sqrt(3)
    assert np.percentile(shift, 97.5) == pytest.approx(wanted, rel=0.03)


def test_what_groups_contribute_to_the_variance_of_seeds_is_counted_once() -> None:
    """Seeds that differ only by chance on each group: the drawn groups hold that already."""
    generator = np.random.default_rng(0)
    observed = [generator.normal(0.7, 0.01, 30) for _ in range(2)]
    drawn = [one + generator.normal(0, 0.01, (2000, 30)) for one in observed]
    shift = seed_draws(observed, drawn, (True, True), generator)
    assert shift.std() < 0.5 * 0.01 * math.sqrt(2 / 30)


def test_the_smallest_detectable_difference_is_found_four_times_of_five() -> None:
    interval = Interval(0.0, -1.96, 1.96)  # standard error 1
    found = detectable(interval)
    assert found == pytest.approx(1.96 + norm.ppf(0.8), abs=1e-3)
    drawn = np.random.default_rng(0).normal(found, 1, 100_000)
    assert (np.abs(drawn) > 1.96).mean() == pytest.approx(0.8, abs=0.01)
    assert detectable(interval, 8) == pytest.approx(norm.ppf(1 - 0.05 / 16) + 0.8416, abs=1e-3)


@pytest.mark.parametrize(
    ("value", "p", "word"),
    [(0.1, 0.05, "better"), (-0.1, 0.01, "worse"), (0.1, 0.051, "not distinguishable")],
)
def test_verdicts(value: float, p: float, word: str) -> None:
    assert verdict(value, p) == word


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


def test_many_contrasts_get_enough_resamples_for_the_floor(labels: Ints, groups: list[str]) -> None:
    predicted = {str(n): _answers(300, 0.7, 1, n, labels) for n in range(11)}
    found = compare(predicted, labels, groups, 3, base="0", metrics=("accuracy",))
    assert found.resamples == 4000
    assert found.floor * 10 < 0.05 / 9


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"base": "x"}, "no 'x'"),
        ({"metrics": ("nll",)}, "no 'nll'"),
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


@pytest.mark.parametrize(("place", "low", "high"), [(1, 0.90, 0.99), (2, 0.90, 0.99)])
def test_intervals_hold_the_truth_in_simulated_studies(
    simulation: dict[str, Any], place: int, low: float, high: float
) -> None:
    setting = simulation["SETTINGS"][place]
    found = [simulation["study"](n, setting, 300) for n in range(150)]
    holds, _, _ = simulation["summary"](found, setting.truth)
    assert low <= holds <= high


def test_the_same_method_with_other_seeds_is_seldom_told_apart(simulation: dict[str, Any]) -> None:
    setting = simulation["NULLS"][2]
    found = [simulation["study"](n, setting, 300) for n in range(150)]
    _, apart, _ = simulation["summary"](found, setting.truth)
    assert apart <= 0.08  # a bound of 7 % and the luck of 150 studies
