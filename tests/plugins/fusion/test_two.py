"""Fusions of image and text give what they gave before they took any number of modalities.

``two.json`` was made by commit 8bda225: count and size of the weights that each fusion draws from
one seed, and its result for rows with both, without an image, without a text, and with neither.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from mmx import Features, FeatureShape, FusionParams
from mmx.commands import find
from mmx.interfaces import DecisionFusion

KEPT: dict[str, Any] = json.loads((Path(__file__).parent / "two.json").read_text())
WIDTH, SHOWN = 16, 4
# what a decision changed, with its number: weights of both sides are drawn in the other order
CHANGED = {"mamba sequential": "0064"}


def features(tokens: int, seed: int, present: list[bool]) -> Features:
    generator = torch.Generator().manual_seed(seed)

    def draw() -> Features:
        drawn = torch.randn(5, tokens, WIDTH, generator=generator, dtype=torch.float64).float()
        mask = torch.ones(5, tokens, dtype=torch.bool)
        if seed:
            mask[0, -2:] = False
        return Features(drawn, mask)

    whole = draw()
    return replace(whole, levels=(draw(), draw(), draw())).with_present(torch.tensor(present))


def close(got: list[list[float]] | list[float], wanted: Any) -> None:
    found, kept = torch.tensor(got), torch.tensor(wanted)
    torch.testing.assert_close(found, kept, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("case", [case for case in KEPT if case not in CHANGED])
def test_two_modalities_give_what_they_gave(case: str) -> None:
    kept = KEPT[case]
    params = find("fusion", kept["type"]).model_validate({"dim": 16, **kept["settings"]})
    assert isinstance(params, FusionParams)
    torch.manual_seed(0)
    shape = FeatureShape(WIDTH, (WIDTH,) * 3)
    fusion = params.build({"image": replace(shape, grid=True), "text": shape})
    sizes = sorted(float(p.detach().double().abs().sum()) for p in fusion.parameters())
    assert sum(p.numel() for p in fusion.parameters()) == kept["count"]
    assert torch.rand(1).item() == pytest.approx(kept["drawn next"], abs=1e-7)
    close(sizes, kept["sizes"])
    image = features(4, 0, [True, False, True, True, False])
    text = features(5, 1, [True, True, False, True, False])
    for mode in ("eval", "train"):
        fusion.train(mode == "train")
        torch.manual_seed(3)
        if isinstance(fusion, DecisionFusion):
            logits = {"image": image.pooled[:, :5], "text": text.pooled[:, :5]}
            present = torch.stack([image.present, text.present], dim=1)
            result, parts = fusion.combine(logits, present), {}
        else:
            fused = fusion({"image": image, "text": text})
            result, parts = fused.pooled, fused.parts
        close(result[:, :SHOWN].tolist(), kept[mode])
        assert set(parts) == set(kept["parts"])
        for name, values in kept["parts"].items():
            close(parts[name][:, :SHOWN].tolist(), values[mode])
