"""encoder.mlp against pandas and plain torch, and beside encoder.tabular."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from mmx.interfaces import Record
from mmx.testing import check
from mmx_plugins.encoders._records.encoder import ColumnsEncoder
from mmx_plugins.encoders.mlp import MlpParams

Fitted = Callable[..., ColumnsEncoder]


def flat(records: list[Record], train: list[Record]) -> np.ndarray:
    """z of age, sex and thickness by pandas: numbers, their flags, then one-hot with missing."""
    table, seen = pd.DataFrame(list(records)), pd.DataFrame(list(train))
    numbers = ["age", "thickness"]
    mean, sd = seen[numbers].astype(float).mean(), seen[numbers].astype(float).std(ddof=0)
    inside = table[numbers].astype(float).clip(seen[numbers].min(), seen[numbers].max(), axis=1)
    scaled = ((inside - mean) / sd).fillna(0)
    sex = pd.Categorical(table["sex"].fillna("missing"), ["female", "male", "missing"])
    parts = [scaled, table[numbers].isna(), pd.get_dummies(sex)]
    return np.concatenate([one.to_numpy(dtype=np.float32) for one in parts], axis=1)


def test_it_is_plain_layers_over_what_pandas_makes_of_the_table(
    fitted: Fitted, records: list[Record]
) -> None:
    columns = ["age", "thickness", "sex"]
    encoder = fitted(records[:60], type="mlp", dim=8, layers=3, columns=columns)
    linear = [one for one in encoder.network.modules() if isinstance(one, nn.Linear)]
    hidden = torch.from_numpy(flat(records, records[:60]))
    for layer in linear:
        hidden = layer(hidden).relu()
    assert len(linear) == 3
    torch.testing.assert_close(encoder(encoder.tabulate(records)).pooled, hidden)


def test_it_is_encoder_tabular_with_the_model_mlp(fitted: Fitted, records: list[Record]) -> None:
    first = fitted(records, type="mlp", dim=8)
    second = fitted(records, type="tabular", model="mlp", dim=8)
    here, there = (one(one.tabulate(records)).pooled for one in (first, second))
    torch.testing.assert_close(here, there, atol=0, rtol=0)


def test_weights_that_would_stay_random_are_refused() -> None:
    with pytest.raises(ValidationError, match="train: frozen would leave random weights"):
        MlpParams.model_validate({"train": "frozen"})


def test_it_keeps_the_laws_of_an_encoder() -> None:
    found = check(MlpParams(dim=8))
    assert not [one for one in found if not one.ok]
    assert not [one for one in found if one.status == "not run" and one.name == "trains"]
