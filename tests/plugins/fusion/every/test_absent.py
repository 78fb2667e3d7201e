"""The contracts of every fusion where tokens are padding, rows differ, or modalities miss."""

from collections.abc import Callable
from dataclasses import fields, replace

import pytest
import torch
from every_fusion import LENGTHS, Awake, Given, fuse, results
from torch import Tensor, nn

from mmx import Features
from mmx.interfaces import DecisionFusion


def scramble(features: Features, rows: Tensor, value: float) -> Features:
    """Other content in these rows [B], of all fields that carry content."""
    changed = {
        name: torch.where(rows.view(-1, *[1] * (old.ndim - 1)), torch.full_like(old, value), old)
        for name, old in (("tokens", features.tokens), ("pooled", features.pooled))
    }
    levels = tuple(scramble(level, rows, value) for level in features.levels)
    return replace(features, **changed, levels=levels)


def select(features: Features, rows: Tensor) -> Features:
    levels = tuple(select(level, rows) for level in features.levels)
    kept = {name: getattr(features, name)[rows] for name in ("tokens", "mask", "pooled", "present")}
    return replace(features, **kept, levels=levels)


def test_a_row_does_not_depend_on_the_others(
    build: Callable[[], nn.Module], given: Callable[..., Given], awake: Awake
) -> None:
    fusion = awake(build())
    features = given(4)
    for k, name in enumerate(features):
        present = torch.arange(4) != (k + 2) % 4
        shorter = torch.arange(LENGTHS[name]) < torch.tensor([3, 1, 3, 2])[:, None]
        mask = shorter if name != "image" else features[name].mask
        features[name] = replace(features[name], mask=mask).with_present(present)
    whole = results(fuse(fusion, features))
    for rows in (torch.tensor([1]), torch.tensor([2]), torch.tensor([3, 0, 2, 1])):
        chosen = {name: select(one, rows) for name, one in features.items()}
        for name, value in results(fuse(fusion, chosen)).items():
            torch.testing.assert_close(value, whole[name][rows], msg=name, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("content", [7.0, float("nan")])
def test_padding_changes_nothing(
    build: Callable[[], nn.Module], given: Callable[..., Given], awake: Awake, content: float
) -> None:
    fusion = awake(build())
    last = list(given())[-1]
    gradients = []
    for extra in (0, 3):
        features = given()
        count = LENGTHS[last]
        mask = torch.arange(count + extra)[None] < torch.tensor([count, 2, count - 1])[:, None]
        padded = pad(features[last], extra, mask, content)
        pooled = padded.pooled.clone().requires_grad_()
        features[last] = replace(padded, pooled=pooled)
        fusion.zero_grad()
        fused = fuse(fusion, features)
        assert fused.pooled.isfinite().all()
        (fused.pooled.square().sum() + pooled.sum()).backward()
        gradients.append([fused.pooled, pooled.grad, *(p.grad for p in fusion.parameters())])
    for short, long in zip(*gradients, strict=True):
        if short is not None or long is not None:
            torch.testing.assert_close(short, long, atol=1e-5, rtol=1e-4)


def pad(features: Features, extra: int, mask: Tensor, content: float) -> Features:
    """Hold ``extra`` more masked tokens of this content, in tokens and levels."""
    tokens = features.tokens
    padding = tokens.new_full((len(tokens), extra, tokens.shape[2]), content)
    longer = torch.cat([tokens, padding], dim=1).masked_fill(~mask[..., None], content)
    levels = tuple(pad(level, extra, mask, content) for level in features.levels)
    kept = tokens.masked_fill(~mask[:, : tokens.shape[1], None], 0).sum(dim=1)
    return Features(longer, mask, kept / mask.sum(dim=1, keepdim=True), levels=levels)


@pytest.mark.parametrize("content", [3.0, float("nan")])
def test_what_stands_for_missing_modalities_never_matters_in_any_pattern(
    build: Callable[[], nn.Module], given: Callable[..., Given], awake: Awake, content: float
) -> None:
    fusion = awake(build())
    rows = torch.arange(2 ** len(given()))
    seen = []
    for value in (0.5, content):
        features = {}
        for k, (name, one) in enumerate(given(len(rows)).items()):
            absent = (rows >> k) % 2 == 1
            features[name] = replace(scramble(one, absent, value), present=~absent)
        leaves = {name: one.tokens.requires_grad_() for name, one in features.items()}
        fusion.zero_grad()
        fused = fuse(fusion, features)
        values = [value for value in results(fused).values() if value.requires_grad]
        if values:
            torch.stack([value.square().sum() for value in values]).sum().backward()
        for name, leaf in leaves.items():
            assert leaf.grad is None or not leaf.grad[~features[name].present].any()
        seen.append([*results(fused).values(), *(p.grad for p in fusion.parameters())])
    for first, second in zip(*seen, strict=True):
        if first is not None:
            assert first.isfinite().all()
            assert torch.equal(first, second)


def test_a_modality_without_a_real_token_is_missing(
    build: Callable[[], nn.Module], given: Callable[..., Given], awake: Awake
) -> None:
    fusion = awake(build())
    features = given()
    last = list(features)[-1]
    emptied = features[last].mask.clone()
    emptied[1] = False
    told = features[last].with_present(torch.tensor([True, False, True]))
    empty = replace(features[last], mask=emptied, present=emptied.any(dim=1))
    first = results(fuse(fusion, {**features, last: told}))
    second = results(fuse(fusion, {**features, last: empty}))
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], msg=name)


def test_rows_without_anything_stay_finite_in_both_directions(
    build: Callable[[], nn.Module], given: Callable[..., Given], awake: Awake
) -> None:
    fusion = awake(build())
    here = torch.tensor([True, False, True])
    features = {name: one.with_present(here) for name, one in given().items()}
    leaves = [one.tokens.requires_grad_() for one in features.values()]
    fused = fuse(fusion, features)
    values = results(fused)
    everything = [value.square().sum() for value in (*values.values(), *leaves)]
    torch.stack(everything).sum().backward()
    assert isinstance(fusion, DecisionFusion) or fused.present.equal(here)
    assert all(value.isfinite().all() for value in values.values())
    assert all(leaf.grad is not None and leaf.grad.isfinite().all() for leaf in leaves)
    assert all(p.grad is None or p.grad.isfinite().all() for p in fusion.parameters())


def test_features_have_only_the_content_that_these_tests_scramble() -> None:
    content = {"tokens", "pooled", "levels"}
    assert {field.name for field in fields(Features)} - content == {
        "mask", "present", "parts", "explain", "penalties",
    }  # fmt: skip
