"""Controls that need no network: the most common class, and a probe on the record's fields."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from mmx.data import Manifest, Split, make_split, read_manifest
from mmx.errors import MmxError
from mmx.pipeline import trained_prior
from mmx.runs import write_beside, write_sealed
from mmx.spec import DataSpec, Spec
from mmx.study.label_baselines import METADATA, label_baselines
from mmx.study.record_texts import record_texts

MAJORITY = "majority class"
# the same probe for arms that are trained for other class shares than the base, if it is balanced
PROBES = {False: "metadata only, classes as they are", True: "metadata only, classes balanced"}


def write_baselines(spec: Spec, file: Path) -> None:
    """Predict the test part by what needs no network.

    A baseline that cannot be had is left out, and the reason stands in a file beside it.
    """
    manifest = read_manifest(spec.data.dataset.build(), spec.data.max_bad, spec.task)
    split = make_split(manifest, spec.data.split)
    if spec.task.exclusive:
        table, missing = class_baselines(spec, manifest, split)
    else:
        table, missing = label_baselines(spec.data, manifest, split)
    buffer = BytesIO()
    table.to_parquet(buffer, index=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_beside(file, buffer.getvalue())
    write_sealed(file.with_suffix(".json"), missing)


def class_baselines(
    spec: Spec, manifest: Manifest, split: Split
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Sample, group, label and one column for each baseline, and what cannot be had.

    The probe on the record is trained for the class shares that the answers of the spec are for, as
    sampler, weights, loss and inference make them, and besides for the classes as they are and for
    balanced ones.
    """
    rows = split.rows("test")
    classes = np.array([*manifest.task.names, None], dtype=object)
    found, missing = {MAJORITY: majority(manifest, split)}, dict[str, str]()
    try:
        counts = _counts(manifest, split)
        priors = {
            METADATA: trained_prior(spec, manifest, split).numpy(),
            PROBES[False]: counts / counts.sum(),
            PROBES[True]: np.full(len(counts), 1 / len(counts)),
        }
        for name, prior in priors.items():
            found[name] = metadata_probe(spec.data, manifest, split, prior)
    except MmxError as error:
        missing[METADATA] = str(error)
    table = pd.DataFrame({
        "sample": manifest.ids[rows].astype(str),
        "group": manifest.groups[rows].astype(str),
        "label": classes[manifest.targets[rows]],
        **{name: classes[predicted] for name, predicted in found.items()},
    })  # fmt: skip
    return table, missing


def majority(manifest: Manifest, split: Split) -> NDArray[np.int64]:
    """[n], the most common class of the training part, for every test row."""
    return np.full(len(split.rows("test")), _counts(manifest, split).argmax(), dtype=np.int64)


def _counts(manifest: Manifest, split: Split) -> NDArray[np.int64]:
    """[C], rows of each class in the training part."""
    targets = torch.from_numpy(manifest.targets[split.rows("train")])
    return np.asarray(manifest.task.counts(targets), dtype=np.int64)


def metadata_probe(
    spec: DataSpec, manifest: Manifest, split: Split, prior: NDArray[np.float64]
) -> NDArray[np.int64]:
    """[n], classes of the test rows by a text probe on what the record's fields say.

    The fields are written out by the default narrative, whatever the study's own narrative is.

    Raises:
        DataError: no row has such a field.
    """
    texts = record_texts(spec, manifest, split)
    train = split.rows("train")
    train = train[manifest.known[train]]
    return text_probe(
        [texts[int(row)] for row in train],
        manifest.targets[train],
        [texts[int(row)] for row in split.rows("test")],
        prior,
    )


def text_probe(
    train: Sequence[str],
    labels: NDArray[np.int64],
    test: Sequence[str],
    prior: NDArray[np.float64],
) -> NDArray[np.int64]:
    """[n], classes of the test texts by TF-IDF of words and word pairs, and logistic regression.

    Args:
        train: texts to learn from.
        labels: their classes.
        test: texts to classify.
        prior: [C], share of each class in the loss.

    Source: scikit-learn, TfidfVectorizer and LogisticRegression.
    """
    # a second of import
    from sklearn.feature_extraction.text import (
        TfidfVectorizer,
    )
    from sklearn.linear_model import LogisticRegression  # a second of import

    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")  # noqa: S106 - words
    shares = np.bincount(labels, minlength=len(prior)) / len(labels)
    weights = prior[labels] / shares[labels]
    model = LogisticRegression(C=10.0, max_iter=2000)
    model.fit(words.fit_transform(train), labels, sample_weight=weights * (1 / weights.mean()))
    return np.asarray(model.predict(words.transform(test)), dtype=np.int64)
