"""Laws of inference.temperature."""

from typing import Any, cast

import pytest
import torch
from scipy.optimize import minimize_scalar
from torch.nn.functional import nll_loss

from mmx import Batch, Prediction, RunError
from mmx.interfaces import Validation
from mmx_plugins.inference.temperature import TemperatureParams, best_temperature

BATCH = cast(Batch, None)  # the hook never looks at it


def drawn(temperature: float, n: int = 20_000) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, and labels drawn from their softmax at a temperature."""
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(n, 4, generator=generator)
    probs = (logits / temperature).softmax(dim=1)
    return logits, torch.multinomial(probs, 1, generator=generator)[:, 0]


def validation(logits: torch.Tensor, target: torch.Tensor) -> Validation:
    counts = torch.ones(logits.shape[1])
    groups = tuple(map(str, range(len(target))))
    return Validation(logits, target, groups, counts, counts, ("identity",))


def nll(logits: torch.Tensor, target: torch.Tensor, temperature: float) -> float:
    return float(nll_loss((logits.double() / temperature).log_softmax(dim=1), target))


@pytest.mark.parametrize("true", [0.5, 1.0, 2.0])
def test_finds_the_temperature_that_data_were_made_with(true: float) -> None:
    assert best_temperature(*drawn(true)) == pytest.approx(true, rel=0.05)


def test_agrees_with_a_search_by_scipy() -> None:
    logits, target = drawn(2.0, n=300)
    found: Any = minimize_scalar(
        lambda t: nll(logits, target, t),
        bounds=(0.1, 15),
        method="bounded",
        options={"xatol": 1e-8},
    )
    assert best_temperature(logits, target) == pytest.approx(found.x, rel=1e-4)


@pytest.mark.parametrize("true", [0.4, 1.7, 6.0])
def test_validation_nll_is_not_worse(true: float) -> None:
    logits, target = drawn(true, n=40)
    assert nll(logits, target, best_temperature(logits, target)) <= nll(logits, target, 1) + 1e-9


def test_the_answer_stays_and_rows_sum_to_one() -> None:
    logits, target = drawn(2.0, n=500)
    hook = TemperatureParams().build()
    hook.fit(validation(logits, target))
    given = Prediction(logits.log_softmax(dim=1))
    got = hook.predict(lambda _: given, BATCH).log_probs
    assert torch.equal(got.argmax(dim=1), logits.argmax(dim=1))
    torch.testing.assert_close(got.exp().sum(dim=1), torch.ones(500))
    assert hook.notes[0].startswith("temperature scaling: T = 2.")


def test_temperature_one_changes_nothing() -> None:
    logits, _ = drawn(1.0, n=50)
    hook = TemperatureParams().build()
    hook.temperature = 1.0
    given = Prediction(logits.log_softmax(dim=1))
    torch.testing.assert_close(hook.predict(lambda _: given, BATCH).log_probs, given.log_probs)


def test_a_validation_part_without_a_mistake_keeps_the_temperature_in_bounds() -> None:
    logits, _ = drawn(1.0, n=50)
    assert 0.049 < best_temperature(logits, logits.argmax(dim=1)) < 0.2


@pytest.mark.parametrize(("size", "words"), [(1e-3, "smaller"), (1e3, "larger"), (1.0, "")])
def test_a_limit_that_is_reached_is_told(size: float, words: str) -> None:
    logits, target = drawn(1.0, 500)
    hook = TemperatureParams().build()
    hook.fit(validation(size * logits, target))
    told = f", which asks for a {words} one; that is the limit" if words else ""
    assert hook.notes[0].endswith(f"fitted on validation{told}")


def test_rows_without_a_label_and_predictions_made_without_gradients_are_no_obstacle() -> None:
    with torch.inference_mode():
        logits, target = drawn(2.0, n=500)
        logits = logits.double()
    unknown = target.clone()
    unknown[:100] = -1
    hook = TemperatureParams().build()
    hook.fit(validation(logits, unknown))
    assert hook.temperature == pytest.approx(best_temperature(logits[100:], target[100:]))
    assert best_temperature(logits[:0], target[:0]) == 1


def test_refuses_to_predict_before_it_was_fitted() -> None:
    with pytest.raises(RunError, match="fitted"):
        TemperatureParams().build().predict(lambda _: Prediction(torch.zeros(1, 2)), BATCH)
