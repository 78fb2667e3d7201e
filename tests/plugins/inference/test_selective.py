"""Laws of inference.selective."""

from typing import Literal, cast

import pytest
import torch

from mmx import Batch, Prediction, RunError, Validation
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
KAPPA, WRONG = confidence(LOG_PROBS, "max_prob"), LOGITS.argmax(dim=1) != TARGET


def validation() -> Validation:
    groups = tuple(map(str, range(len(TARGET))))
    return Validation(LOGITS, TARGET, groups, torch.ones(3), torch.ones(3), ("identity",))


def predicted(params: SelectiveParams) -> tuple[Prediction, dict[str, float]]:
    hook = params.build()
    hook.fit(validation())
    prediction = hook.predict(lambda _: Prediction(LOG_PROBS), BATCH)
    return prediction, dict(hook.measure(prediction, TARGET))


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


def test_the_threshold_for_a_risk_is_the_smallest_that_keeps_it() -> None:
    found = threshold_for_risk(KAPPA, WRONG, 0.1)
    assert float(WRONG[found <= KAPPA].double().mean()) <= 0.1
    lower = [float(WRONG[t <= KAPPA].double().mean()) for t in KAPPA[found > KAPPA].unique()]
    assert min(lower) > 0.1


def test_equal_confidences_are_accepted_together() -> None:
    kappa, wrong = torch.tensor([0.9, 0.5, 0.5]), torch.tensor([False, False, True])
    assert threshold_for_risk(kappa, wrong, 0.0) == pytest.approx(0.9)


def test_accepting_everything_is_plain() -> None:
    prediction, kept = predicted(SelectiveParams(level=1.0))
    assert prediction.extras["accepted"].all()
    assert torch.equal(prediction.log_probs, LOG_PROBS)
    assert kept["risk of accepted"] == pytest.approx(float(WRONG.double().mean()))


def test_the_area_is_never_below_that_of_an_oracle() -> None:
    oracle = float(risk_coverage((~WRONG).double(), WRONG)[1].mean())
    assert predicted(SelectiveParams())[1]["AURC"] >= oracle


def test_an_impossible_risk_accepts_nothing_and_says_so() -> None:
    hook = SelectiveParams(target="risk", level=0.01).build()
    hook.fit(
        Validation(
            LOGITS, (LOGITS.argmax(dim=1) + 1) % 3, ("a",) * 400,
            torch.ones(3), torch.ones(3), ("identity",),
        )
    )  # fmt: skip
    assert not hook.predict(lambda _: Prediction(LOG_PROBS), BATCH).extras["accepted"].any()
    assert "accepts nothing" in hook.notes[0]


@pytest.mark.parametrize("target", ["coverage", "risk"])
def test_refuses_to_predict_before_it_was_fitted(target: Literal["coverage", "risk"]) -> None:
    with pytest.raises(RunError, match="fitted"):
        SelectiveParams(target=target).build().predict(lambda _: Prediction(LOG_PROBS), BATCH)
