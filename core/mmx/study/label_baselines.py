"""Controls of several labels that need no network: their prevalence, and a probe on the record."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from mmx.data import Manifest, Split
from mmx.errors import MmxError
from mmx.spec import DataSpec
from mmx.study.record_texts import record_texts

PREVALENCE, METADATA = "prevalence", "metadata only"
CONTROL = "control"  # column that says whose answers a row holds


def label_baselines(
    spec: DataSpec, manifest: Manifest, split: Split
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Answers of each control to the test rows, as columns of predictions, and what cannot be had.

    Returns:
        One row for each control and test row: control, sample, group, label, label_NAME, p_NAME.
    """
    rows, names = split.rows("test"), manifest.task.names
    shares = prevalence(manifest, split)
    found, missing = {PREVALENCE: np.tile(shares, (len(rows), 1))}, dict[str, str]()
    try:
        found[METADATA] = _probe(record_texts(spec, manifest, split), manifest, split)
    except MmxError as error:
        missing[METADATA] = str(error)
    truths = manifest.task.truths(torch.from_numpy(manifest.targets[rows]))
    tables = [
        pd.DataFrame({
            CONTROL: name,
            "sample": manifest.ids[rows].astype(str),
            "group": manifest.groups[rows].astype(str),
            **truths,
            "predicted": "",
            **{f"p_{label}": probs[:, at] for at, label in enumerate(names)},
        })
        for name, probs in found.items()
    ]  # fmt: skip
    return pd.concat(tables, ignore_index=True), missing


def prevalence(manifest: Manifest, split: Split) -> NDArray[np.float64]:
    """[L], share of the known training rows that have each label; 1/2 where none is known."""
    target = manifest.targets[split.rows("train")]
    known = (target >= 0).sum(axis=0)
    shares = (target == 1).sum(axis=0) / np.maximum(known, 1)
    return np.asarray(np.where(known > 0, shares, 0.5), dtype=np.float64)


def _probe(texts: Sequence[str], manifest: Manifest, split: Split) -> NDArray[np.float64]:
    """[n, L], probability of each label by TF-IDF and logistic regression on its known rows.

    A label of one kind only in training keeps its prevalence.

    Source: scikit-learn, TfidfVectorizer and LogisticRegression.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer  # a second of import
    from sklearn.linear_model import LogisticRegression  # a second of import

    train, test = split.rows("train"), split.rows("test")
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")  # noqa: S106 - words
    seen = words.fit_transform([texts[row] for row in train])
    asked = words.transform([texts[row] for row in test])
    found = np.tile(prevalence(manifest, split), (len(test), 1))
    for label, column in enumerate(manifest.targets[train].T):
        known = column >= 0
        if len(set(column[known].tolist())) == 2:
            model = LogisticRegression(C=10.0, max_iter=2000).fit(seen[known], column[known])
            found[:, label] = model.predict_proba(asked)[:, 1]
    return found
