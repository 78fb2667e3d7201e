"""Laws of inference.tta."""

from typing import Any

import pytest
import torch

from mmx import Batch, DataError, Features, Images, Prediction, RunError
from mmx.blocks import TURNS, turned
from mmx.interfaces import Validation
from mmx_plugins.inference.tta import TTAParams, combined, mixture_weights

LAYER = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5), torch.nn.ReLU(), torch.nn.Flatten())
WEIGHT = torch.randn(8 * 12 * 12, 4, generator=torch.Generator().manual_seed(1)) / 20


def batch(seed: int = 0) -> Batch:
    pixels = torch.rand(3, 1, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
    text = Features.of_pooled(torch.ones(3, 2))
    present = torch.ones(3, 2, dtype=torch.bool)
    return Batch({"image": Images(pixels, present[:, :1]), "text": text}, present)


def images_of(given: Batch) -> Images:
    images = given.inputs["image"]
    assert isinstance(images, Images)
    return images


def model(given: Batch) -> Prediction:
    logits = LAYER(images_of(given).pixels[:, 0]) @ WEIGHT
    return Prediction(logits.log_softmax(dim=1).detach())


def predicted(given: Batch, **settings: Any) -> torch.Tensor:
    return TTAParams(**settings).build().predict(model, given).log_probs


def test_the_identity_alone_is_the_plain_prediction() -> None:
    torch.testing.assert_close(predicted(batch(), views=["identity"]), model(batch()).log_probs)
    assert "changes nothing" in TTAParams(views=["identity"]).build().notes[0]
    assert TTAParams().build().notes == ()


@pytest.mark.parametrize("combine", ["mean_prob", "mean_logit", "max"])
@pytest.mark.parametrize("view", TURNS)
def test_all_eight_views_make_a_prediction_that_no_view_changes(view: str, combine: str) -> None:
    given = batch()
    moved = given.with_inputs({"image": turned(images_of(given), view)})
    plain, seen = (predicted(one, views="d4", combine=combine) for one in (given, moved))
    torch.testing.assert_close(seen.exp(), plain.exp(), atol=1e-5, rtol=0)


def test_without_the_diagonal_mirrors_a_transposition_shows() -> None:
    given = batch()
    moved = given.with_inputs({"image": turned(images_of(given), "transpose")})
    six = [name for name in TURNS if "transpose" not in name]
    assert not torch.allclose(predicted(given, views=six), predicted(moved, views=six), atol=1e-4)


def test_the_order_of_views_is_irrelevant() -> None:
    names = ["identity", "hflip", "rot90"]
    torch.testing.assert_close(
        predicted(batch(), views=names), predicted(batch(), views=names[::-1])
    )


def test_combinations_are_their_formulas() -> None:
    views = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(2)).log_softmax(dim=2)
    even = torch.full((3,), 1 / 3)
    torch.testing.assert_close(combined(views, "mean_prob", even).exp(), views.exp().mean(dim=1))
    torch.testing.assert_close(
        combined(views, "mean_logit", even), views.mean(dim=1).softmax(dim=1).log()
    )
    largest = views.exp().amax(dim=1)
    torch.testing.assert_close(
        combined(views, "max", even).exp(), largest / largest.sum(dim=1, keepdim=True)
    )


def test_mean_of_probabilities_and_of_logits_can_disagree() -> None:
    views = torch.tensor([[[0.98, 0.02 - 1e-6, 1e-6], [0.0005, 0.5, 0.4995]]]).log()
    even = torch.full((2,), 0.5)
    answers = [int(combined(views, how, even).argmax()) for how in ("mean_prob", "mean_logit")]
    assert answers == [0, 1]


def test_learned_weights_are_the_best_of_a_grid_and_drop_a_useless_view() -> None:
    generator = torch.Generator().manual_seed(3)
    target = torch.randint(0, 3, (400,), generator=generator)
    good = torch.randn(400, 3, generator=generator)
    good[torch.arange(400), target] += 2
    noise = 3 * torch.randn(400, 3, generator=generator)
    views = torch.stack([good, noise], dim=1).log_softmax(dim=2)
    weights = mixture_weights(views, target)

    def loss(first: float) -> float:
        mixed = combined(views, "learned", torch.tensor([first, 1 - first]))
        return float(-mixed[torch.arange(400), target].mean())

    best = min(loss(step / 100) for step in range(1, 100))
    assert loss(float(weights[0])) <= best + 1e-4
    assert float(weights[0]) > 0.8
    assert float(weights.sum()) == pytest.approx(1)


def test_learning_sees_the_views_and_says_what_it_found() -> None:
    hook = TTAParams(views=["identity", "hflip"], combine="learned").build()
    seen = hook.observe(model, batch())
    assert list(seen.shape) == [3, 2, 4]
    ones = torch.ones(4)
    hook.fit(Validation(seen, torch.tensor([0, 1, -1]), ("a", "b", "c"), ones, ones, ("identity",)))
    assert "identity" in hook.notes[0]


def test_it_says_which_views_it_makes_and_needs_some() -> None:
    assert TTAParams(views="flips").views_made == ("identity", "hflip", "vflip")
    assert TTAParams(views="crops").views_made == ()
    with pytest.raises(DataError, match=r"some of \[identity, hflip\]"):
        TTAParams(views=[]).check(("identity", "hflip"))


def test_cached_features_are_refused() -> None:
    given = batch()
    with pytest.raises(RunError, match="before encoding"):
        predicted(given.with_inputs({"image": given.inputs["text"]}))
