"""The columns themselves under a head without hidden layer are a logistic regression."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from torch.nn.functional import cross_entropy

from mmx.interfaces import Record
from mmx_plugins.encoders._records.encoder import ColumnsEncoder
from mmx_plugins.heads.mlp import MlpParams

PENALTY = 0.5


def of_scikit_learn(records: list[Record], labels: list[int], new: list[Record]) -> np.ndarray:
    """Probabilities by a pipeline that shares nothing with mmx."""
    numbers, categories = ["age", "thickness"], ["sex", "site"]
    standard = make_pipeline(StandardScaler(), SimpleImputer(strategy="constant", fill_value=0.0))
    one_hot = OneHotEncoder(min_frequency=5, handle_unknown="infrequent_if_exist")
    columns = ColumnTransformer(
        [
            ("numbers", standard, numbers),
            ("flags", MissingIndicator(features="all"), numbers),
            ("categories", one_hot, categories),
        ]
    )
    frames = [pd.DataFrame(list(rows)) for rows in (records, new)]
    for frame in frames:
        frame[categories] = frame[categories].fillna("missing")
    model = make_pipeline(columns, LogisticRegression(C=1 / PENALTY, tol=1e-10, max_iter=10_000))
    return np.asarray(model.fit(frames[0], labels).predict_proba(frames[1]))


def of_mmx(
    encoder: ColumnsEncoder, records: list[Record], labels: list[int], new: list[Record]
) -> np.ndarray:
    """Probabilities of encoder and head, trained by L-BFGS on the same penalised sum."""
    head = MlpParams(hidden=None).build(encoder.shape.dim, 3).double()
    last = head.last
    assert isinstance(last, torch.nn.Linear)
    given, target = encoder(encoder.tabulate(records)), torch.tensor(labels)
    seen = [given.pooled.double(), encoder(encoder.tabulate(new)).pooled.double()]
    optimizer = torch.optim.LBFGS(
        head.parameters(), max_iter=5000, tolerance_grad=1e-11, tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        logits = last(seen[0])
        value = cross_entropy(logits, target, reduction="sum")
        value = value + PENALTY / 2 * last.weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    with torch.no_grad():
        return last(seen[1]).softmax(1).numpy()


def test_it_is_the_logistic_regression_of_scikit_learn(
    fitted: Callable[..., ColumnsEncoder], records: list[Record]
) -> None:
    draw = np.random.default_rng(5)
    labels = [
        int(draw.integers(3)) if row["sex"] is None else int(row["sex"] == "male")
        for row in records
    ]
    new: list[Record] = [{**row, "site": "knee"} for row in records[:4]] + records[40:]
    encoder = fitted(records, model="linear", columns=["age", "thickness", "sex", "site"])
    expected = of_scikit_learn(records, labels, new)
    np.testing.assert_allclose(of_mmx(encoder, records, labels, new), expected, atol=1e-4)
