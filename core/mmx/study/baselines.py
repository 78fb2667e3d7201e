"""Controls that need no network: constant answers, and a linear probe on the record's fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from mmx.data import Manifest, Split
from mmx.errors import MmxError
from mmx.experiment import ControlAnswers, control_rows, joined_rows
from mmx.pipeline import open_split, read_rows, trained_prior
from mmx.runs import write_beside, write_sealed
from mmx.spec import Spec
from mmx.study.record_texts import record_texts

METADATA = "metadata only"
# behind the name of a control: for arms that are trained for other class shares than the base, by
# whether they are balanced
FORMS = {False: ", classes as they are", True: ", classes balanced"}
STRENGTH = 10.0  # of probes on words


@dataclass(frozen=True, slots=True)
class Baselines:
    """Answers of what needs no network to the test part.

    Attributes:
        answers: by control, [n, ...] as ``Link.log_probs`` gives them.
        meanings: of constant answers, for sentences.
        missing: controls that cannot be had, and why.
    """

    answers: dict[str, Tensor]
    meanings: dict[str, str]
    missing: dict[str, str]


def write_baselines(spec: Spec, file: Path) -> None:
    """Predict the test part by what needs no network.

    A baseline that cannot be had is left out, and the reason stands in a file beside it.
    """
    manifest = read_rows(spec)
    split = open_split(spec, manifest)
    found = baselines(spec, manifest, split)
    buffer = BytesIO()
    answer_table(found.answers, manifest, split).to_parquet(buffer, index=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_beside(file, buffer.getvalue())
    beside = {"missing": found.missing, "meanings": found.meanings}
    write_sealed(file.with_suffix(".json"), beside)


def baselines(spec: Spec, manifest: Manifest, split: Split) -> Baselines:
    """The constant answers of the task, and its probes on what the record's fields say.

    Where rows have one class each, the probe is trained for the class shares that the answers of
    the spec are for, as sampler, weights, loss and inference make them, and besides for the classes
    as they are and for balanced ones.
    """
    task, rows = manifest.task, len(split.rows("test"))
    found = Baselines({}, {}, {})
    for one in task.constants(training_target(manifest, split)):
        found.answers[one.name] = one.log_probs.expand(rows, *one.log_probs.shape)
        found.meanings[one.name] = one.meaning
    try:
        probed = record_probes(manifest, split, priors(spec, manifest, split), spec)
    except MmxError as error:
        found.missing[METADATA] = str(error)
        return found
    if not probed:
        found.missing[METADATA] = f"task {task.type} has no linear probe"
    found.answers.update(probed)
    return found


def record_probes(
    manifest: Manifest, split: Split, priors: Mapping[str, Tensor | None], spec: Spec
) -> dict[str, Tensor]:
    """Answers of the task's probe for each prior; empty where it has none.

    The fields are written out by the default narrative, whatever the study's own narrative is.

    Raises:
        DataError: no row has such a field.
    """
    texts = record_texts(spec.data, manifest, split)
    train = split.rows("train")
    train = train[manifest.known[train]]
    seen, asked = word_features(
        [texts[int(row)] for row in train], [texts[int(row)] for row in split.rows("test")]
    )
    target, found = torch.from_numpy(manifest.targets[train]), dict[str, Tensor]()
    for form, prior in priors.items():
        answered = manifest.task.probe(seen, target, asked, prior, STRENGTH)
        if answered is not None:
            found[f"{METADATA}{form}"] = answered
    return found


def word_features(train: Sequence[str], test: Sequence[str]) -> tuple[Any, Any]:
    """[n, F] and [m, F], TF-IDF of words and word pairs as the training texts weigh them.

    Source: scikit-learn, TfidfVectorizer.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer  # a second of import

    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")  # noqa: S106 - words
    return words.fit_transform(train), words.transform(test)


def priors(spec: Spec, manifest: Manifest, split: Split) -> dict[str, Tensor | None]:
    """Form of a control -> class shares [C] that it is trained for; empty: those of the base."""
    if not spec.task.exclusive:
        return {"": None}
    counts = manifest.task.counts(training_target(manifest, split)).double()
    return {
        "": trained_prior(spec, manifest, split),
        FORMS[False]: counts / counts.sum(),
        FORMS[True]: torch.full_like(counts, 1 / len(counts)),
    }


def training_target(manifest: Manifest, split: Split) -> Tensor:
    """Of the training part."""
    return torch.from_numpy(manifest.targets[split.rows("train")])


def answer_table(answers: Mapping[str, Tensor], manifest: Manifest, split: Split) -> pd.DataFrame:
    """One row for each control and test row, with the columns of predictions."""
    rows = split.rows("test")
    return joined_rows([
        control_rows(name, ControlAnswers(manifest.task, log_probs), manifest, rows)
        for name, log_probs in answers.items()
    ])  # fmt: skip
