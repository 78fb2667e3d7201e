"""Evaluate a finished run on other data."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from mmx.data import (
    ImageStore,
    Manifest,
    Split,
    TextStore,
    read_manifest,
    read_split,
    read_table,
    write_texts,
)
from mmx.errors import DataError, RunError
from mmx.evaluation import Evaluation
from mmx.experiment.facts import read_scored
from mmx.experiment.looks import note_look
from mmx.experiment.outcome import parquet, score
from mmx.experiment.prediction import PartPrediction
from mmx.experiment.prepare import cache_folder, open_images
from mmx.experiment.processes import heard
from mmx.experiment.progress import stage
from mmx.experiment.texts import LEAKY, FrozenFeatures
from mmx.experiment.trained import Trained, load_trained
from mmx.interfaces import DatasetParams, NarrativeParams
from mmx.runs import Observer
from mmx.spec import Spec, load_spec

TABLES = (".csv", ".tsv", ".parquet")


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Scores of a run on some data.

    Attributes:
        evaluation: the same metrics as in a run.
        predictions: one row per sample.
        folder: where both were written.
        warnings: what a reader must know.
    """

    evaluation: Evaluation
    predictions: pd.DataFrame
    folder: Path
    warnings: tuple[str, ...]


def evaluate_run(
    path: str | Path, data: str | Path, *, observer: Observer | None = None
) -> Evaluated:
    """Score a finished run on the data of a spec, or on a table like the one it was trained on.

    On the run's own rows only its test part is scored, and the look is counted.

    Args:
        path: the run's directory.
        data: a spec, whose ``data.dataset`` and ``data.narrative`` are used; or a table, for a run
            on ``dataset.table``.
        observer: is told how far it has come.

    Raises:
        RunError: it is not a finished run.
        DataError: data that cannot be used, or classes that the run does not know.
    """
    observer, trained = heard(observer), load_trained(Path(path))
    dataset, narrative, max_bad = _data(trained.spec, Path(data))
    manifest = read_manifest(dataset.build(), max_bad)
    labels = _labels(manifest, trained.classes)
    rows, warnings = _rows(trained, manifest, labels)
    texts = _texts(trained, manifest, narrative, observer)
    warnings += (LEAKY,) if narrative.needs_label else ()
    found = _predict(trained, manifest, texts, labels, rows, observer)
    groups = manifest.groups[rows].tolist()
    evaluation = score(found.log_probs, found.target, groups, trained.classes)
    table = _table(trained, manifest, rows, found)
    folder = trained.folder.path / "evaluations" / manifest.digest[:12]
    inside = folder.relative_to(trained.folder.path).as_posix()
    trained.folder.write_json(f"{inside}/metrics.json", evaluation.to_json())
    trained.folder.write_bytes(f"{inside}/predictions.parquet", parquet(table))
    return Evaluated(evaluation, table, folder, warnings)


def _data(spec: Spec, data: Path) -> tuple[DatasetParams, NarrativeParams, float]:
    """Data set and narrative to score on."""
    if data.suffix.lower() not in TABLES:
        other = load_spec(data).data
        return other.dataset, other.narrative, other.max_bad
    own = spec.data.dataset
    if own.entry_point != "dataset.table":
        raise DataError(
            f"{data.name} is a table, and this run reads {own.entry_point}; give "
            "a spec whose data.dataset says how to read the table"
        )
    if not data.is_file():
        raise DataError(f"there is no table {data}")
    moved = own.model_copy(update={"path": data.absolute()})
    return moved, spec.data.narrative, spec.data.max_bad


def _labels(manifest: Manifest, classes: tuple[str, ...]) -> torch.Tensor:
    """[n], labels in the order of the run's classes; -1 where unknown."""
    unknown = sorted(
        {manifest.classes[label] for label in np.unique(manifest.labels) if label >= 0}
        - set(classes)
    )
    if unknown:
        raise DataError(
            f"the run knows the classes {', '.join(classes)}; the data has {', '.join(unknown)} too"
        )
    places = [classes.index(name) if name in classes else -1 for name in manifest.classes]
    return torch.tensor([*places, -1])[torch.from_numpy(manifest.labels)]


def _rows(
    trained: Trained, manifest: Manifest, labels: torch.Tensor
) -> tuple[list[int], tuple[str, ...]]:
    """The labelled rows to score; of the run's own rows only the test part."""
    labelled = (labels >= 0).numpy()
    own = read_scored(trained.folder).data.rows
    file = trained.folder.path / "split.csv"
    if manifest.digest == own:
        split = read_split(file, manifest)
        note_look(cache_folder(trained.spec.data), manifest, split, trained.folder.path.name)
        chosen = np.flatnonzero(labelled & (split.parts == "test"))
        return chosen.tolist(), ("these are the rows of the run: its test part is scored",)
    table = read_table(file)
    if not {"sample_id", "part"} <= set(table.columns):
        raise RunError(f"{file} has no columns sample_id and part; run the spec with --fresh")
    trained_on = set(table["sample_id"][table["part"] != "test"])
    shared = int(np.isin(manifest.ids[labelled].astype(str), list(trained_on)).sum())
    warnings = (
        f"{shared} of {int(labelled.sum())} samples have the id of a sample that the run learned "
        "from; if they are the same cases, these figures are too good",
    )
    return np.flatnonzero(labelled).tolist(), warnings if shared else ()


def _texts(
    trained: Trained, manifest: Manifest, narrative: NarrativeParams, observer: Observer
) -> list[str]:
    """The text of each row; what a narrative learns, it learns from the run's own training rows."""
    split = _nothing_learned(manifest, trained)
    if manifest.digest == read_scored(trained.folder).data.rows:
        split = read_split(trained.folder.path / "split.csv", manifest)
    elif narrative.needs_features:
        raise DataError(
            f"{narrative.entry_point} writes from similar training images, which other data does "
            "not have; give a spec whose data.narrative needs none"
        )
    if not narrative.needs_features:
        return write_texts(manifest, narrative, split)
    images = open_images(manifest, trained.spec.data, observer)
    folder = cache_folder(trained.spec.data) / "features"
    return write_texts(
        manifest, narrative, split, FrozenFeatures(trained.spec, folder, manifest, images)
    )


def _nothing_learned(manifest: Manifest, trained: Trained) -> Split:
    """A split without training rows: narratives learn nothing from data to be scored."""
    parts = np.full(len(manifest), "test")
    return Split(parts, 0, trained.folder.path.name)


def _predict(
    trained: Trained,
    manifest: Manifest,
    texts: list[str],
    labels: torch.Tensor,
    rows: list[int],
    observer: Observer,
) -> PartPrediction:
    spec = trained.spec.data
    samples = [manifest.samples[row] for row in rows]
    with stage(observer, "reading", "images") as told:
        images = ImageStore(
            samples,
            spec.image,
            folder=cache_folder(spec) / "images",
            memory_gb=spec.memory_gb,
            progress=told,
        )
    store = TextStore([texts[row] for row in rows], trained.text_encoder)
    with stage(observer, "predicting", "samples") as told:
        groups = manifest.groups[rows].tolist()
        return trained.over(images, store, labels[rows], groups, told)


def _table(
    trained: Trained, manifest: Manifest, rows: list[int], found: PartPrediction
) -> pd.DataFrame:
    classes = np.array(trained.classes, dtype=object)
    probabilities = found.log_probs.double().exp().numpy()
    columns = {
        "sample": manifest.ids[rows],
        "group": manifest.groups[rows],
        "label": classes[found.target.numpy()],
        "predicted": classes[found.log_probs.argmax(dim=1).numpy()],
    }
    columns |= {f"p_{name}": probabilities[:, place] for place, name in enumerate(classes)}
    return pd.DataFrame(columns | found.columns(trained.classes))
