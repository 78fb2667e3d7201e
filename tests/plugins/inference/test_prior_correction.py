"""Laws of inference.prior_correction."""

import dataclasses
from typing import cast

import pytest
import torch

from mmx import Batch, Prediction, RunError
from mmx.interfaces import Validation
from mmx_plugins.inference.prior_correction import PriorCorrectionParams

NATURAL, SAMPLED = torch.tensor([90, 9, 1]), torch.tensor([30, 40, 30])
LOG_PROBS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0)).log_softmax(dim=1)
BATCH = cast(Batch, None)  # the hook never looks at it


def validation(natural: torch.Tensor = NATURAL, sampled: torch.Tensor = SAMPLED) -> Validation:
    rows = torch.zeros(2, dtype=torch.int64)
    return Validation(torch.zeros(2, 3), rows, ("a", "b"), natural, sampled, ("identity",))


def corrected(given: Validation, strength: float = 1.0) -> Prediction:
    hook = PriorCorrectionParams(strength=strength).build()
    hook.fit(given)
    return hook.predict(lambda _: Prediction(LOG_PROBS, {"kept": LOG_PROBS}), BATCH)


def test_equals_bayes_rule_with_the_new_prior() -> None:
    joint = LOG_PROBS.exp() * (NATURAL / NATURAL.sum()) / (SAMPLED / SAMPLED.sum())
    expected = (joint / joint.sum(dim=1, keepdim=True)).log()
    torch.testing.assert_close(corrected(validation()).log_probs, expected)


def test_recovers_the_true_posterior_of_a_model_trained_on_another_prior() -> None:
    likelihood = torch.rand(6, 3, generator=torch.Generator().manual_seed(1))
    seen = likelihood * SAMPLED
    truth = likelihood * NATURAL
    hook = PriorCorrectionParams().build()
    hook.fit(validation())
    given = Prediction((seen / seen.sum(dim=1, keepdim=True)).log())
    got = hook.predict(lambda _: given, BATCH).log_probs.exp()
    torch.testing.assert_close(got, truth / truth.sum(dim=1, keepdim=True))


def test_the_prior_that_a_loss_states_is_the_one_corrected_from() -> None:
    """A loss that answers for equal classes needs the natural prior in full, sampler or not."""
    equal = torch.full((3,), 1 / 3)
    given = dataclasses.replace(validation(sampled=NATURAL), prior=equal)
    joint = LOG_PROBS.exp() * NATURAL / NATURAL.sum()
    expected = (joint / joint.sum(dim=1, keepdim=True)).log()
    torch.testing.assert_close(corrected(given).log_probs, expected)
    again = dataclasses.replace(validation(), prior=equal)
    torch.testing.assert_close(corrected(again).log_probs, expected)


def test_without_effect_it_says_so_and_why() -> None:
    for strength, natural, words in ((1.0, SAMPLED, "already"), (0.0, NATURAL, "strength is 0")):
        hook = PriorCorrectionParams(strength=strength).build()
        hook.fit(validation(natural=natural))
        assert "changes nothing" in hook.notes[0]
        assert words in hook.notes[0]


def test_unchanged_priors_change_nothing() -> None:
    same = corrected(validation(sampled=3 * NATURAL)).log_probs
    torch.testing.assert_close(same, LOG_PROBS)


def test_strength_zero_changes_nothing() -> None:
    torch.testing.assert_close(corrected(validation(), strength=0).log_probs, LOG_PROBS)


def test_rows_still_sum_to_one_and_other_columns_stay() -> None:
    prediction = corrected(validation(natural=torch.tensor([90, 9, 0])))
    torch.testing.assert_close(prediction.log_probs.exp().sum(dim=1), torch.ones(6))
    assert prediction.extras["kept"] is LOG_PROBS


def test_refuses_to_predict_before_it_was_fitted() -> None:
    with pytest.raises(RunError, match="fitted"):
        PriorCorrectionParams().build().predict(lambda _: Prediction(LOG_PROBS), BATCH)
