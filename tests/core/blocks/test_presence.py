"""Learned placeholders for a missing modality, and normalisation of a single sample."""

import pytest
import torch

from mmx.blocks import LearnedPlaceholder, PatientBatchNorm, real_pooled, real_tokens, same_width
from mmx.errors import ShapeError
from mmx.interfaces import Features, FeatureShape


@pytest.fixture
def features() -> Features:
    """Three samples: whole, missing, one real token; NaN wherever nothing real stands."""
    mask = torch.tensor([[True, True], [True, True], [True, False]])
    present = torch.tensor([True, False, True])
    tokens = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0))
    tokens = tokens.masked_fill(~(mask & present[:, None])[..., None], torch.nan)
    return Features(tokens, mask, present=present)


def test_only_what_is_real_is_left(features: Features) -> None:
    tokens, mask = real_tokens(features)
    assert mask.tolist() == [[True, True], [False, False], [True, False]]
    torch.testing.assert_close(tokens[mask], features.tokens[mask])
    assert not tokens[~mask].any()
    assert not real_pooled(features)[1].any()


def test_a_missing_side_is_one_learned_token(features: Features) -> None:
    placeholder = LearnedPlaceholder(4)
    tokens, mask = placeholder.tokens(features)
    assert mask.tolist() == [[True, True], [True, False], [True, False]]
    assert torch.equal(tokens[1, 0], placeholder.vector)
    assert torch.equal(placeholder.pooled(features)[1], placeholder.vector)
    (tokens.sum() + placeholder.pooled(features).sum()).backward()
    assert placeholder.vector.grad is not None
    torch.testing.assert_close(placeholder.vector.grad, torch.full((4,), 2.0))


def test_unequal_widths_are_refused_with_both_numbers() -> None:
    with pytest.raises(ShapeError, match=r"got 8, 16; set model\.projection"):
        same_width("add", FeatureShape(8), FeatureShape(16))


def test_a_batch_of_one_is_normalised_by_running_statistics() -> None:
    norm, x = PatientBatchNorm(4), torch.randn(1, 4)
    ordinary = torch.nn.BatchNorm1d(4)
    torch.testing.assert_close(norm.train()(x), ordinary.eval()(x))
    batch = torch.randn(5, 4)
    torch.testing.assert_close(norm(batch), ordinary.train()(batch))
