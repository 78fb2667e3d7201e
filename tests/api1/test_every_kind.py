"""Every kind of method of API 1, in one file that is never changed, from a spec to predictions."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mmx
from mmx.plugins.api1.narrative import FeaturesOfOne, SampleOfOne

FILE = Path(__file__).parent / "every_kind.py"
SPEC = """
name: old
data:
  dataset: old_squares
  narrative: old_words
  image: {height: 24, width: 24}
  max_bad: 0.1
model: {image: old_pixels, text: old_tokens, fusion: FUSION, head: old_head}
loss: old_loss
train: {epochs: 2, batch_size: 16, threads: 1, sampler: old_draws}
inference: [old_flip, old_temperature]
"""


def spec_with(home: Path, fusion: str) -> mmx.Spec:
    file = home / "old.yaml"
    file.write_text(SPEC.replace("FUSION", fusion))
    return mmx.load_spec(file, plugins=[FILE])


@pytest.mark.parametrize("fusion", ["old_join", "old_mean"])
def test_all_of_it_runs_unchanged_to_predictions_and_is_asked_again(
    home: Path, fusion: str
) -> None:
    run = mmx.run(spec_with(home, fusion))
    told = (run.path / "old.txt").read_text().splitlines()
    assert told == [f"started old {fusion} 2", "epoch 1", "epoch 2", "finished"]
    page = run.report.read_text()
    assert "An old section" in page
    assert "Audit, few_rows: " in page
    assert "1 picture of s at" in page
    assert "mirrored, with" in page
    assert "it was never there" in page
    table = run.predictions
    assert (table["apart"] > 1e-6).all()
    assert (table["words"] == 1).all()
    found = mmx.predict(run.path, mmx.Case(record={"age": 40.0}), without=["image"],
                        plugins=[FILE])  # fmt: skip
    assert np.isclose(found[["p_dark", "p_light"]].to_numpy().sum(), 1)


def test_what_an_old_hook_leaves_as_it_is_is_not_computed_again(home: Path) -> None:
    params = mmx.Plugins(path=[], files=[FILE]).find("inference", "old_temperature")
    hook, asked = params().build(), []  # type: ignore[attr-defined]
    pixels = torch.zeros(2, 1, 3, 8, 8)
    image = mmx.Images(pixels, torch.ones(2, 1, dtype=torch.bool))
    text = mmx.Texts(torch.ones(2, 3, dtype=torch.int64), torch.ones(2, 3, dtype=torch.bool))
    batch = mmx.Batch({"image": image, "text": text}, torch.ones(2, 2, dtype=torch.bool))

    def inner(shown: mmx.Batch) -> mmx.Prediction:
        asked.append(shown)
        return mmx.Prediction(torch.zeros(2, 3).log_softmax(dim=1))

    hook.predict(inner, batch)
    assert asked[0] is batch
    hook.observe(inner, batch)
    assert asked[1] is batch


def test_an_old_narrative_asks_for_features_of_samples_as_they_are() -> None:
    params = mmx.Plugins(path=[], files=[FILE]).find("narrative", "old_words")
    sample = mmx.Sample("a", "g", images={"image": (None,)}, boxes={}, own={"image": 0})

    class Source:
        def pooled(self, samples: Sequence[mmx.Sample]) -> torch.Tensor:
            assert list(samples) == [sample]
            return torch.ones(1, 2)

    shown = FeaturesOfOne(Source())
    assert shown.pooled([SampleOfOne(**vars_of(sample))]).tolist() == [[1.0, 1.0]]
    assert not SampleOfOne(**vars_of(sample)).has_image
    assert params().reads_images is False  # type: ignore[attr-defined]


def vars_of(sample: mmx.Sample) -> dict[str, Any]:
    return {one.name: getattr(sample, one.name) for one in fields(sample)}
