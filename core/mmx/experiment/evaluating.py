"""Evaluate a finished run on other data."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from mmx.data import Manifest, check_bad, is_table, read_split, read_table
from mmx.errors import DataError, RunError
from mmx.experiment.access_log import log_access
from mmx.experiment.labelled_rows import LabelledRows, from_spec, from_table
from mmx.experiment.outcome import parquet, score
from mmx.files import own_words
from mmx.inference import (
    EncodedSamples,
    Needs,
    PartPrediction,
    TrainedRun,
    load_trained,
    needs_of,
    prediction_columns,
    see,
)
from mmx.interfaces import RejectedRow, Scores, Task
from mmx.pipeline import LEAKY, cache_folder, heard, read_facts
from mmx.runs import Observer, Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOWN = 5  # rows named in an error


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """Scores of a run on some data.

    Attributes:
        evaluation: the same metrics as in a run.
        predictions: one row per sample.
        folder: where both were written.
        warnings: what a reader must know.
        left_out: rows that could not be read, with the reason; they are in no score.
    """

    evaluation: Scores
    predictions: pd.DataFrame
    folder: Path
    warnings: tuple[str, ...]
    left_out: tuple[RejectedRow, ...] = ()


def evaluate_run(
    path: str | Path,
    data: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    classes: Mapping[str, str] | None = None,
    drop_unknown: bool = False,
    root: str | Path | None = None,
    without: Collection[str] = (),
    plugins: Sequence[str | Path] = (),
    observer: Observer | None = None,
) -> EvaluationResult:
    """Score a finished run on a table, read as the run reads its own rows, or on data of a spec.

    Rows without a label are left out of the scores and counted, and so are rows that cannot be
    read. On the run's own rows only its test part is scored, and the look is counted.

    Args:
        path: the run's directory.
        data: a table; or a spec, whose ``data.dataset`` and ``data.narratives`` are used.
        columns: name in the table -> name in the run.
        classes: label in the data -> class of the run; several labels may be one class.
        drop_unknown: leave out rows whose label the run does not know, and count them.
        root: folder of the images of a table; else that of the run's spec, or of the table.
        without: what the rows lack: ``image``, ``text``, ``boxes`` or a column by its name.
        plugins: local plugin files; all that the run was made with, for no file is imported
            because a run names it.
        observer: is told how far it has come.

    Raises:
        RunError: it is not a finished run, or a plugin file of it is not given.
        DataError: data that cannot be used, or classes that the run does not know.
    """
    observer, trained = heard(observer), load_trained(Path(path), plugins)
    needs = needs_of(trained, without)
    if is_table(data):
        found = from_table(trained, needs, Path(data), columns or {}, root)
    elif columns or root is not None:
        raise DataError(
            f"{data} is a spec, which says itself how to read its rows; change it there"
        )
    else:
        found = from_spec(trained, Path(data), plugins)
    manifest = found.manifest
    if trained.spec.task.exclusive:
        names = trained.task.names
        targets, notes = _labels(manifest, names, classes or {}, drop_unknown)
    else:
        targets, notes = _targets(manifest, trained.task, classes or {})
    rows, warnings = _rows(trained, found, trained.task.known(targets).numpy())
    seen = _seen(trained, needs, found, rows, observer)
    kept = [rows[place] for place in seen.indices]
    left_out = (*(() if found.own(trained) else found.unusable), *_faults(manifest, rows, seen))
    if not kept:
        raise DataError(f"no row of {data} can be scored{_told(left_out) or ': none has a label'}")
    predicted = seen.predicted(trained, observer, targets[kept])
    groups = manifest.groups[kept].tolist()
    evaluation = score(trained.task, predicted.log_probs, predicted.target, groups)
    table = _table(trained, manifest, kept, predicted)
    folder = trained.folder.path / "evaluations" / manifest.digest[:12]
    inside = folder.relative_to(trained.folder.path).as_posix()
    trained.folder.write_json(f"{inside}/metrics.json", evaluation.to_json())
    trained.folder.write_bytes(f"{inside}/predictions.parquet", parquet(table))
    Record.made(folder, "finished.json", {"run": trained.folder.path.name}).write()
    leaky = (LEAKY,) if any(one.needs_label for one in found.narratives.values()) else ()
    return EvaluationResult(evaluation, table, folder, (*warnings, *notes, *leaky), left_out)


def _labels(
    manifest: Manifest,
    classes: tuple[str, ...],
    mapping: Mapping[str, str],
    drop_unknown: bool,
) -> tuple[torch.Tensor, list[str]]:
    """[n], labels in the order of the run's classes, -1 where unknown; and what was left out."""
    there = manifest.task.names
    counts = {
        there[label]: int((manifest.targets == label).sum())
        for label in np.unique(manifest.targets).tolist()
        if label >= 0
    }
    _check_mapping(mapping, classes, there)
    names = [mapping.get(name, name) for name in there]
    unknown = [name for name in sorted(counts) if mapping.get(name, name) not in classes]
    told = ", ".join(f"{name} ({counts[name]})" for name in unknown)
    if unknown and not drop_unknown:
        raise DataError(
            f"the run knows the classes {', '.join(classes)}; the data has {told} too. Say which "
            "class such a label means with --class NEW=OLD, or leave these rows out with "
            "--drop-unknown"
        )
    indices = [classes.index(name) if name in classes else -1 for name in names]
    notes = [f"rows of classes that the run does not know are left out: {told}"] if unknown else []
    return torch.tensor([*indices, -1])[torch.from_numpy(manifest.targets)], [
        *notes, *_bare(manifest)
    ]  # fmt: skip


def _targets(
    manifest: Manifest, task: Task, mapping: Mapping[str, str]
) -> tuple[torch.Tensor, list[str]]:
    """[n, ...], targets of a task that has no one class a row; and what was left out."""
    if mapping:
        raise DataError("--class maps classes, and the rows of this run have no one class each")
    if manifest.task.names != task.names:
        raise DataError(
            f"the run knows {', '.join(task.names)}; the data has {', '.join(manifest.task.names)}"
        )
    return torch.from_numpy(manifest.targets), _bare(manifest)


def _bare(manifest: Manifest) -> list[str]:
    bare = int((~manifest.known).sum())
    told = f"{bare} of {len(manifest)} rows have no label and are left out of the scores"
    return [told] if bare else []


def _check_mapping(
    mapping: Mapping[str, str], classes: tuple[str, ...], there: tuple[str, ...]
) -> None:
    words = "NEW=OLD names the label of this data first, and then the class of the run"
    for new, old in mapping.items():
        if new not in there:
            raise DataError(f"no row has the label {new!r}; there are {', '.join(there)}. {words}")
        if old not in classes:
            raise DataError(f"the run has no class {old!r}; it has {', '.join(classes)}. {words}")


def _rows(
    trained: TrainedRun, found: LabelledRows, labelled: "NDArray[np.bool_]"
) -> tuple[list[int], tuple[str, ...]]:
    """The labelled rows to score; of the run's own rows only the test part."""
    manifest = found.manifest
    file = trained.folder.checked("split.csv")
    if found.own(trained):
        split = read_split(file, manifest)
        log_access(cache_folder(trained.spec.data), manifest, split, trained.folder.path.name)
        chosen = np.flatnonzero(labelled & (split.parts == "test"))
        return chosen.tolist(), ("these are the rows of the run: its test part is scored",)
    rows = np.flatnonzero(labelled).tolist()
    samples = read_facts(trained.folder).samples
    if manifest.contents.numbered or (samples is not None and samples.numbered):
        return rows, ()  # numbers of rows say nothing about who is the same case
    table = read_table(file)
    if not {"sample_id", "part"} <= set(table.columns):
        raise RunError(f"{file} has no columns sample_id and part; run the spec with --fresh")
    trained_on = set(map(own_words, table["sample_id"][table["part"] != "test"]))
    shared = int(np.isin(manifest.ids[labelled].astype(str), list(trained_on)).sum())
    warnings = (
        f"{shared} of {int(labelled.sum())} samples have the id of a sample that the run learned "
        "from; if they are the same cases, these figures are too good",
    )
    return rows, warnings if shared else ()


def _seen(
    trained: TrainedRun, needs: Needs, found: LabelledRows, rows: list[int], observer: Observer
) -> EncodedSamples:
    """The rows as the model sees them; of the run's own rows all, as the run saw them."""
    manifest = found.manifest
    samples = [manifest.samples[row] for row in rows]
    if needs.reads.images and samples and not any(any(one.images.values()) for one in samples):
        raise DataError("no row has an image, which this run reads; --without image states that")
    hidden = manifest.facts.leak_columns
    seen = see(trained, needs, samples, found.narratives, hidden, observer)
    if needs.text and samples and not any(text.strip() for text in seen.texts):
        raise DataError("no row has a text, which this run reads; --without text states that")
    if not found.own(trained):
        return seen
    lost = [bad for store in seen.stores.values() for bad in store.unreadable]
    check_bad(lost, len(manifest), trained.spec.data.max_bad)
    return replace(seen, indices=list(range(len(rows))), faults={})


def _faults(manifest: Manifest, rows: list[int], seen: EncodedSamples) -> list[RejectedRow]:
    return [
        RejectedRow(str(manifest.ids[rows[place]]), why)
        for place, why in sorted(seen.faults.items())
    ]


def _told(left_out: tuple[RejectedRow, ...]) -> str:
    return "".join(f"\n  {one.row}: {one.reason}" for one in left_out[:SHOWN])


def _table(
    trained: TrainedRun, manifest: Manifest, rows: list[int], found: PartPrediction
) -> pd.DataFrame:
    columns = {"sample": manifest.ids[rows], "group": manifest.groups[rows]}
    return pd.DataFrame(columns | prediction_columns(trained.task, found, found.target))
