"""Laws of inference.selective."""

import math
from typing import Any, Literal, cast

import numpy as np
import pytest
import torch
from scipy.stats import beta

from mmx import Batch, Prediction, RunError
from mmx.interfaces import Validation
from mmx_plugins.inference.selective import (
    SelectiveParams,
    confidence,
    risk_coverage,
    threshold_for_coverage,
    threshold_for_risk,
)

BATCH = cast(Batch, None)  # the hook never looks at it
GENERATOR = torch.Generator().manual_seed(0)
LOGITS = 2 * torch.randn(400, 3, generator=GENERATOR)
TARGET = torch.multinomial(LOGITS.softmax(dim=1), 1, generator=GENERATOR)[:, 0]
LOG_PROBS = LOGITS.log_softmax(dim=1)
GROUPS = [str(row) for row in range(len(TARGET))]
KAPPA, WRONG = confidence(LOG_PROBS, "max_prob"), LOGITS.argmax(dim=1) != TARGET


def validation() -> Validation:
    return Validation(LOGITS, TARGET, tuple(GROUPS), torch.ones(3), torch.ones(3), ("identity",))


def predicted(params: SelectiveParams) -> tuple[Prediction, dict[str, Any]]:
    hook = params.build()
    hook.fit(validation())
    prediction = hook.predict(lambda _: Prediction(LOG_PROBS), BATCH)
    return prediction, dict(hook.measure(prediction, TARGET, GROUPS))


def test_confidences_are_their_formulas() -> None:
    p = LOG_PROBS.exp()
    torch.testing.assert_close(KAPPA, p.amax(dim=1))
    entropy = -(p * p.log()).sum(dim=1)
    torch.testing.assert_close(confidence(LOG_PROBS, "neg_entropy"), -entropy)


def test_risk_and_coverage_equal_the_loop() -> None:
    coverage, risk = risk_coverage(KAPPA, WRONG)
    for n in (1, 17, 400):
        best = KAPPA.topk(n).indices
        assert float(risk[n - 1]) == pytest.approx(float(WRONG[best].double().mean()))
        assert float(coverage[n - 1]) == n / 400


def test_coverage_falls_as_the_threshold_rises() -> None:
    shares = [float((t <= KAPPA).double().mean()) for t in torch.linspace(0, 1, 30)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1


@pytest.mark.parametrize("share", [0.01, 0.5, 0.8, 1.0])
def test_the_threshold_accepts_the_share_and_hardly_more(share: float) -> None:
    accepted = (threshold_for_coverage(KAPPA, share) <= KAPPA).double().mean()
    assert share <= float(accepted) < share + 1 / 400 + 1e-9


def steps(rows: int) -> torch.Tensor:
    """The thresholds that are tested, from the most to the least confident."""
    return KAPPA.sort(descending=True).values[[rows * share // 20 - 1 for share in range(1, 21)]]


def test_the_threshold_for_a_risk_is_the_last_that_passes_in_order() -> None:
    """On single rows: exact binomial bounds, from 33 rows up, until the first that fails."""
    found, passed = threshold_for_risk(KAPPA, WRONG, GROUPS, 0.2, 0.1), float("inf")
    for threshold in steps(400).tolist():
        accepted = threshold <= KAPPA
        rows, errors = int(accepted.sum()), int(WRONG[accepted].sum())
        if rows < 1.5 * math.log(0.1) / math.log(0.8):
            continue
        if beta.ppf(0.9, errors + 1, rows - errors) > 0.2:
            break
        passed = threshold
    assert found == passed
    assert math.isfinite(found)


def test_a_promise_is_harder_where_rows_come_in_groups() -> None:
    pairs = [str(row // 4) for row in range(400)]
    apart = threshold_for_risk(KAPPA, WRONG, GROUPS, 0.2, 0.1)
    assert threshold_for_risk(KAPPA, WRONG, pairs, 0.2, 0.1) >= apart
    assert threshold_for_risk(KAPPA, WRONG, ["one"] * 400, 0.2, 0.1) == float("inf")


def test_equal_confidences_are_accepted_together() -> None:
    kappa, wrong = torch.full((200,), 0.5), torch.arange(200) % 2 == 0
    groups = [str(row) for row in range(200)]
    assert threshold_for_risk(kappa, wrong, groups, 0.3, 0.1) == float("inf")
    assert threshold_for_risk(kappa, wrong, groups, 0.7, 0.1) == pytest.approx(0.5)


def test_a_promise_is_kept_in_nine_of_ten_validation_parts() -> None:
    """150 patients of 1 to 4 rows; the error at a confidence is known, so the risk is as well."""
    generator, broken, accepting = np.random.default_rng(2), 0, 0
    for _ in range(200):
        member = np.repeat(np.arange(150), generator.integers(1, 5, 150))
        kappa = generator.uniform(0, 1, 150)[member]
        wrong = generator.random(len(member)) < 0.4 * (1 - kappa)
        names = [str(one) for one in member]
        found = threshold_for_risk(
            torch.from_numpy(kappa), torch.from_numpy(wrong), names, 0.1, 0.1
        )
        accepting += found < float("inf")
        # the mean of 0.4 (1 - k) over k above the threshold
        broken += found < float("inf") and 0.4 * (1 - found) / 2 > 0.1
    assert broken / 200 <= 0.1 + 2.3 * math.sqrt(0.09 / 200)
    assert accepting > 40


def test_accepting_everything_is_plain() -> None:
    prediction, kept = predicted(SelectiveParams(level=1.0))
    assert prediction.extras["accepted"].all()
    assert torch.equal(prediction.log_probs, LOG_PROBS)
    assert kept["risk of accepted"].value == pytest.approx(float(WRONG.double().mean()))


def test_the_area_is_never_below_that_of_an_oracle() -> None:
    oracle = float(risk_coverage((~WRONG).double(), WRONG)[1].mean())
    assert predicted(SelectiveParams())[1]["AURC"] >= oracle


@pytest.mark.parametrize(("groups", "why"), [(400, "with enough confidence"), (40, "fewer than")])
def test_what_cannot_be_promised_accepts_nothing_and_says_so(groups: int, why: str) -> None:
    hook = SelectiveParams(target="risk", level=0.01).build()
    names = tuple(str(row % groups) for row in range(400))
    hook.fit(Validation(LOGITS, TARGET, names, torch.ones(3), torch.ones(3), ("identity",)))
    prediction = hook.predict(lambda _: Prediction(LOG_PROBS), BATCH)
    assert not prediction.extras["accepted"].any()
    assert "accepts nothing" in hook.notes[0]
    assert why in hook.notes[0]
    assert hook.measure(prediction, TARGET, GROUPS)["promise"] == "nothing was accepted"


def test_a_share_is_no_promise_and_says_so() -> None:
    hook = SelectiveParams().build()
    hook.fit(validation())
    assert "on validation, no promise" in hook.notes[0]
    prediction = hook.predict(lambda _: Prediction(LOG_PROBS), BATCH)
    assert "promise" not in hook.measure(prediction, TARGET, GROUPS)


def test_a_promise_needs_fifty_groups() -> None:
    assert SelectiveParams(target="risk", level=0.1).fewest_groups == 50
    assert SelectiveParams().fewest_groups == 1


@pytest.mark.parametrize("target", ["coverage", "risk"])
def test_refuses_to_predict_before_it_was_fitted(target: Literal["coverage", "risk"]) -> None:
    with pytest.raises(RunError, match="fitted"):
        SelectiveParams(target=target).build().predict(lambda _: Prediction(LOG_PROBS), BATCH)
