"""Forward and backward of each fusion beside cross_attention, in bf16."""

import statistics
import time
from collections.abc import Iterator

import torch
from check import Given, Row
from step_card import settle

import mmx

BATCH, IMAGE, TEXT, WIDTH, TURNS = 64, 49, 64, 256, 20
TINY_BATCH, TINY_FUSIONS = 2, 4
SETTINGS = {"only": {"modality": "image"}}


def features(tokens: int, given: Given, levels: int = 3) -> mmx.Features:
    """Random tokens, each tensor of numbers asked for its gradient, and levels of the same kind."""
    batch, device = TINY_BATCH if given.tiny else BATCH, given.device
    made = torch.randn(batch, tokens, WIDTH, device=device, requires_grad=True)
    mask = torch.ones(batch, tokens, dtype=torch.bool, device=device)
    pooled = torch.randn(batch, WIDTH, device=device, requires_grad=True)
    deep = tuple(features(tokens, given, 0) for _ in range(levels))
    return mmx.Features(made, mask, pooled, levels=deep)


def seconds(fusion: mmx.Fusion, given: Given) -> float:
    """Median of one step, each waited for."""
    fed = {"image": features(IMAGE, given), "text": features(TEXT, given)}
    taken = []
    for _ in range(3 if given.tiny else TURNS):
        settle(given.device)
        begun = time.perf_counter()
        with torch.autocast(given.device, torch.bfloat16):
            result = fusion(fed).pooled
        result.float().square().sum().backward()
        settle(given.device)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def methods(given: Given) -> Iterator[tuple[str, mmx.FusionParams]]:
    """Every fusion of mmx with its smallest settings; the first few where it is tiny."""
    found = [one for one in mmx.Plugins().installed("fusion") if one.package == "mmx"]
    for one in found[: TINY_FUSIONS if given.tiny else None]:
        params = mmx.Plugins().find("fusion", one.type).model_validate(SETTINGS.get(one.type, {}))
        assert isinstance(params, mmx.FusionParams)
        yield one.key, params


def main(given: Given) -> list[Row]:
    """One line for each fusion of features."""
    shape = mmx.FeatureShape(WIDTH, (WIDTH,) * 3)
    found = {}
    for key, params in methods(given):
        built = params.build({"image": shape, "text": shape})
        if isinstance(built, mmx.Fusion):
            found[key] = seconds(built.to(given.device), given)
    base = found.get("fusion.cross_attention", statistics.median(found.values()))
    return [
        Row(key, f"{1e3 * one:.2f} ms, {one / base:.2f} times cross_attention")
        for key, one in sorted(found.items(), key=lambda pair: pair[1])
    ]
