"""A loss answers for the class shares that it states: constant logits that minimise it say so."""

import pytest
import torch

from mmx import LossParams, Outputs
from mmx.pipeline.learner import answer_prior
from mmx.plugins import find
from mmx.training.objective import Objective, inverse_frequency

COUNTS = torch.tensor([60, 25, 10, 5])
TARGET = torch.repeat_interleave(torch.arange(4), COUNTS)
SETTINGS = [
    {"type": "cross_entropy"},
    {"type": "cross_entropy", "weights": "inverse_frequency"},
    {"type": "cross_entropy", "weights": [1.0, 2.0, 0.5, 4.0], "smoothing": 0.2},
    {"type": "class_balanced"},
    {"type": "class_balanced", "beta": 0.9},
    {"type": "logit_adjusted"},
    {"type": "logit_adjusted", "tau": 0.5},
    {"type": "logit_adjusted", "tau": 1.5, "mode": "post_hoc"},
    {"type": "focal", "gamma": 0.0, "alpha": "inverse_frequency"},
    {"type": "mp"},
    {"type": "symmetric_kl"},
]


def params(settings: dict[str, object]) -> LossParams:
    found = find("loss", str(settings["type"])).model_validate(settings)
    assert isinstance(found, LossParams)
    return found


def shares(objective: Objective) -> torch.Tensor:
    """Class shares of the constant logits at which the objective is smallest."""
    z = torch.zeros(4, requires_grad=True)
    optimizer = torch.optim.LBFGS([z], max_iter=200, line_search_fn="strong_wolfe")

    def value() -> torch.Tensor:
        optimizer.zero_grad()
        rows = z.expand(len(TARGET), 4)
        total = objective(Outputs(rows, {"image": rows, "text": rows}), TARGET, 0.0).total
        total.backward()
        return total.detach()

    optimizer.step(value)
    return objective.loss.adjust(z.detach()[None]).softmax(dim=1)[0]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_constant_answers_are_the_prior_that_the_loss_states(
    settings: dict[str, object], weighted: bool
) -> None:
    if weighted and settings.get("smoothing"):
        pytest.skip("class weights on a smoothed target have no prior in closed form")
    loss = params(settings).build(COUNTS)
    weights = inverse_frequency(COUNTS) if weighted else None
    stated = answer_prior(loss, COUNTS, torch.ones(4) if weights is None else weights)
    found = shares(Objective(loss, class_weights=weights))
    torch.testing.assert_close(found.double(), stated, atol=1e-3, rtol=0)


def test_losses_without_a_known_prior_say_so() -> None:
    unknown: list[dict[str, object]] = [
        {"type": "ldam"}, {"type": "focal"}, {"type": "focal", "gamma": 0.5},
    ]  # fmt: skip
    for settings in unknown:
        assert not params(settings).states_prior
    assert all(params(settings).states_prior for settings in SETTINGS)


def test_a_class_without_rows_has_a_finite_prior() -> None:
    counts = torch.tensor([5, 0, 3])
    for name in ("cross_entropy", "logit_adjusted", "class_balanced"):
        prior = answer_prior(
            params({"type": name}).build(counts), counts, inverse_frequency(counts)
        )
        assert torch.isfinite(prior).all()
        assert (prior > 1e-3).all()
