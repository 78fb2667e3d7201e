"""Laws of inference.mc_dropout."""

from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from mmx import Batch, Features, Prediction, RunError
from mmx.blocks import alone
from mmx.interfaces import masked_mean
from mmx_plugins.inference.mc_dropout import MCDropoutParams, dropout_layers, entropy

GIVEN = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
FEATURES = Features.of_pooled(GIVEN)
BOTH = {"image": FEATURES, "text": FEATURES}
BATCH = Batch(BOTH, torch.ones(6, 2, dtype=torch.bool), tuple("abcdef"))


def network(p: float) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(5, 16), nn.BatchNorm1d(16), nn.Dropout(p), nn.Linear(16, 3)
    ).eval()


def predicted(model: nn.Sequential, **settings: Any) -> Prediction:
    hook = MCDropoutParams(**settings).build()
    hook.bind(model)
    with torch.no_grad():
        return hook.predict(lambda batch: Prediction(_plain(model, batch)), BATCH)


def _plain(model: nn.Sequential, batch: Batch) -> Tensor:
    return cast(Tensor, model(cast(Features, batch.inputs["image"]).pooled).log_softmax(dim=1))


def test_without_dropout_it_is_the_plain_prediction_and_nothing_is_unknown() -> None:
    model = network(0.0)
    found = predicted(model)
    with torch.no_grad():
        torch.testing.assert_close(found.log_probs, _plain(model, BATCH))
    torch.testing.assert_close(
        found.extras["mutual_information"], torch.zeros(6), atol=1e-6, rtol=0
    )


def test_it_is_the_mean_of_the_samples() -> None:
    model = network(0.5)
    found = predicted(model, samples=7, seed=3)
    drop = model[2]
    with torch.no_grad():
        drop.train()
        each = []
        for row in range(6):
            torch.manual_seed(3)
            each.append(_plain(model, alone(BATCH, row, 7)).exp())
        drop.eval()
    drawn = torch.stack(each, dim=1)
    torch.testing.assert_close(found.log_probs.exp(), drawn.mean(dim=0))
    spread = entropy(drawn.mean(dim=0).log()) - entropy(drawn.log()).mean(dim=0)
    torch.testing.assert_close(found.extras["mutual_information"], spread, atol=1e-6, rtol=1e-4)
    assert bool((spread > 0).all())


def test_neither_neighbours_nor_names_nor_padding_change_an_answer() -> None:
    class TokenArrays(nn.Module):
        """Drops single entries of tokens, as encoders that learn do."""

        def __init__(self) -> None:
            super().__init__()
            self.drop, self.last = nn.Dropout(0.5), nn.Linear(5, 3)

        def forward(self, batch: Batch) -> Prediction:
            text = cast(Features, batch.inputs["text"])
            kept = masked_mean(self.drop(text.tokens), text.mask)
            return Prediction(self.last(kept).log_softmax(dim=1))

    torch.manual_seed(0)
    model = TokenArrays().eval()
    hook = MCDropoutParams(samples=9).build()
    hook.bind(model)
    mask = torch.arange(8) < torch.tensor([2, 8, 5])[:, None]
    text = Features(torch.randn(3, 8, 5), mask)
    batch = Batch({"image": text, "text": text}, torch.ones(3, 2, dtype=torch.bool), tuple("abc"))
    with torch.no_grad():
        together = hook.predict(model, batch)
        for row in range(3):
            single = replace(alone(batch, row), group=("another name",))
            found = hook.predict(model, single)
            torch.testing.assert_close(found.log_probs[0], together.log_probs[row])


def test_the_same_seed_draws_the_same_and_another_one_does_not() -> None:
    model = network(0.5)
    first, again, other = (predicted(model, seed=seed).log_probs for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_batch_norm_and_the_modes_of_all_modules_stay() -> None:
    model = network(0.5)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.random.get_rng_state()
    predicted(model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module.training for module in model.modules())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_entropy_is_that_of_scipy() -> None:
    from scipy.stats import entropy as reference

    p = torch.tensor([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    torch.testing.assert_close(entropy(p.log()), torch.tensor(reference(p.numpy(), axis=1)))


def test_a_model_without_dropout_is_told() -> None:
    hook = MCDropoutParams().build()
    hook.bind(nn.Linear(2, 2))
    assert "all samples are equal" in hook.notes[0]
    assert dropout_layers(nn.Linear(2, 2)) == []


def test_predicting_without_a_model_is_refused() -> None:
    with pytest.raises(RunError, match="call bind"):
        MCDropoutParams().build().predict(lambda batch: Prediction(GIVEN), BATCH)
