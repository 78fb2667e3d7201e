"""A batch of one row: taken where a model takes it, told in plain words where it does not."""

import pytest
import torch
from torch import nn

import mmx
from mmx.training.lone_row import more_than_one_row


def test_batch_normalisation_of_one_value_is_told() -> None:
    layer = nn.BatchNorm2d(3).train()
    words = "batch of one row.*torch says.*train.batch_size"
    with pytest.raises(mmx.DataError, match=words), more_than_one_row(1):
        layer(torch.zeros(1, 3, 1, 1))


def test_a_row_that_the_model_takes_is_taken() -> None:
    with more_than_one_row(1):
        assert nn.BatchNorm2d(3).train()(torch.zeros(1, 3, 2, 2)).shape == (1, 3, 2, 2)


def test_other_mistakes_keep_their_traceback() -> None:
    with pytest.raises(ValueError, match="ours"), more_than_one_row(2):
        raise ValueError("ours")
