"""Whole image and crops: where the crops lie, what the scores become in their limits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from wrapped import Patches, awake, pictures

import mmx
from mmx import Features, FeatureShape, Images, SingleImageEncoder
from mmx_plugins.encoders.global_local import (
    GlobalLocal,
    GlobalLocalParams,
    disjoint,
    overlaps,
    top_mean,
    windows,
)

Load = Callable[..., mmx.Spec]


class Brightness(SingleImageEncoder):
    """How bright each of 12 x 12 places is, as the first of two channels."""

    def __init__(self) -> None:
        super().__init__((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
        self.shape, self.weights = FeatureShape(2), {"origin": "none"}

    def encode(self, pixels: torch.Tensor) -> Features:
        maps = torch.nn.functional.adaptive_avg_pool2d(pixels.mean(dim=1, keepdim=True), 12)
        tokens = maps.flatten(2).transpose(1, 2).expand(-1, -1, 2)
        return Features(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool))


def built(backbone: Any = None, **settings: Any) -> GlobalLocal:
    torch.manual_seed(0)
    return GlobalLocal(GlobalLocalParams(**settings), backbone or Patches()).eval()


@pytest.mark.parametrize("place", [(0, 0), (20, 4), (13, 30), (42, 42), (22, 17)])
def test_a_bright_patch_lies_inside_the_first_crop(place: tuple[int, int]) -> None:
    """A patch of at most side minus the step of the grid fits into a window wherever it lies."""
    encoder = built(Brightness(), crops=2)
    with torch.no_grad():
        encoder.saliency.weight.fill_(20.0)
        encoder.saliency.bias.fill_(-10.0)
    top, left = place
    pixels = torch.zeros(1, 1, 3, 48, 48)
    pixels[..., top : top + 6, left : left + 6] = 1
    found = encoder(Images(pixels, torch.ones(1, 1, dtype=torch.bool)))
    x0, y0, x1, y1 = (found.explain["crops"][0, 0] * 48).tolist()
    assert x0 - 0.5 <= left
    assert y0 - 0.5 <= top
    assert left + 6 <= x1 + 0.5
    assert top + 6 <= y1 + 0.5


def test_crops_never_lie_over_each_other_and_four_always_fit() -> None:
    encoder = awake(built())
    crops = encoder(pictures(20)).explain["crops"]
    assert crops.shape == (20, 4, 4)
    for one in crops.tolist():
        apart = disjoint([tuple(window) for window in one])
        assert [apart[i][j] for i in range(4) for j in range(4) if i != j] == [True] * 12


def test_where_no_crop_fits_fewer_are_looked_at() -> None:
    found = built(side=0.8, grid=3, crops=4)(pictures())
    assert found.mask.tolist() == [[True, True, False, False, False]] * 3
    assert found.explain["crop weights"][0].tolist() == [1, 0, 0, 0]


def test_one_crop_of_the_whole_image_gives_the_global_features() -> None:
    found = built(side=1.0, grid=1, crops=1)(pictures())
    alone = Patches().eval()(pictures())
    torch.testing.assert_close(found.parts["local"], alone.pooled, rtol=1e-4, atol=1e-5)


def test_the_global_score_is_the_mean_of_all_places_and_the_maximum_of_one() -> None:
    torch.manual_seed(0)
    saliency, tokens = torch.rand(3, 10), torch.randn(3, 10, 4)
    score, pooled = top_mean(saliency, tokens, 1.0)
    torch.testing.assert_close(score, saliency.mean(dim=1))
    weighted = (saliency[..., None] * tokens).sum(dim=1) / saliency.sum(dim=1, keepdim=True)
    torch.testing.assert_close(pooled, weighted)
    even, mean = top_mean(torch.full((3, 10), 0.5), tokens, 1.0)
    torch.testing.assert_close(mean, tokens.mean(dim=1))  # global average pooling
    assert even.tolist() == [0.5] * 3
    score, pooled = top_mean(saliency, tokens, 0.05)
    assert torch.equal(score, saliency.max(dim=1).values)
    best = tokens[torch.arange(3), saliency.argmax(dim=1)]
    torch.testing.assert_close(pooled, best)


def test_overlaps_are_areas() -> None:
    shares = torch.tensor(overlaps(windows(3, 0.5), 4, 4)).reshape(9, 4, 4)
    torch.testing.assert_close(shares.sum(dim=(1, 2)), torch.full((9,), 4.0))
    assert shares[0].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0] * 4, [0] * 4]
    assert shares[4].tolist() == [[0] * 4, [0, 1, 1, 0], [0, 1, 1, 0], [0] * 4]


def test_the_saliency_learns_through_its_stream_and_its_penalty() -> None:
    encoder = built(top=0.5, beta=0.1)
    encoder.learn("frozen")
    found = encoder(pictures())
    torch.testing.assert_close(found.penalties["saliency"], torch.tensor(0.05))
    (found.parts["global"].square().sum() + found.penalties["saliency"]).backward()
    assert encoder.saliency.weight.grad is not None
    assert encoder.saliency.weight.grad.abs().max() > 0
    assert "saliency" not in built(beta=0)(pictures()).penalties


def test_a_run_caches_tokens_of_the_whole_image_only(load: Load, tiny_plugin: Path) -> None:
    image = "model.image={type: global_local, backbone: tiny_image, grid: 2, side: 0.5, hidden: 4"
    run = mmx.run(load(image + "}", "train.epochs=1"))
    assert run.metrics["encoded"]["image"] == 120 * 5  # whole and four crops
    assert set(run.metrics["alone"]) == {"global alone", "local alone"}
    again = mmx.run(load(image + ", crops: 2}", "train.epochs=1"))
    assert again.metrics["encoded"]["image"] == 0
    spec = run.path.parent / "same.yaml"
    spec.write_text((run.path / "resolved.yaml").read_text())
    fresh = mmx.evaluate_run(run.path, spec, plugins=[tiny_plugin]).predictions.set_index("sample")
    before = run.predictions.query("part == 'test'").set_index("sample").loc[fresh.index]
    columns = [name for name in before if str(name).startswith("p_")]
    assert (fresh[columns] - before[columns]).abs().to_numpy().max() < 2e-3
