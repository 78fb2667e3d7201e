"""Evaluate a finished run on other data."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmx.data import Manifest, check_bad, is_table, read_split, read_table
from mmx.errors import DataError, RunError
from mmx.experiment.access_log import log_access
from mmx.experiment.class_mapping import ClassMapping
from mmx.experiment.labelled_rows import LabelledRows, TableToScore, from_spec, from_table
from mmx.experiment.outcome import score
from mmx.experiment.prediction_rows import parquet
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
from mmx.interfaces import RejectedRow, Scores
from mmx.pipeline import LEAKY, cache_folder, heard, read_facts, stage
from mmx.runs import Observer, Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOWN = 5  # rows named in an error
UNNAMED = (
    "these rows have no ids, and those of the run had: nobody can tell whether it learned from "
    "some of them, and then these figures are too good"
)


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


# parameters: keywords of a call that users of the library make, each what they may want to say
# length: most of it says what each of them means
def evaluate_run(
    path: str | Path,
    data: str | Path,
    *,
    join: Sequence[str | Path] = (),
    columns: Mapping[str, str] | None = None,
    classes: Mapping[str, str] | None = None,
    drop_unknown: bool = False,
    root: str | Path | None = None,
    without: Collection[str] = (),
    plugins: Sequence[str | Path] = (),
    observer: Observer | None = None,
) -> EvaluationResult:
    """Score a finished run on a table, read as the run reads its own rows, or on data of a spec.

    Rows that have no label or cannot be read are left out of the scores and counted. On the run's
    own rows only its test part is scored, and the look is counted.

    Args:
        path: the run's directory.
        data: a table; or a spec, whose ``data.dataset`` and ``data.narratives`` are used.
        join: further tables of the same cases as a table, joined by the columns of the same name.
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
    trained = load_trained(Path(path), plugins)
    needs = needs_of(trained, without)
    observer, given = heard(observer), TableToScore(Path(data), columns or {}, root, join)
    with stage(observer, "reading", given.path.name):
        found = _found(trained, needs, given, plugins)
    mapping = ClassMapping(classes or {}, drop_unknown)
    return _scored(trained, needs, found, mapping, observer)


def _found(
    trained: TrainedRun, needs: Needs, data: TableToScore, plugins: Sequence[str | Path]
) -> LabelledRows:
    """The rows of a table or of a spec."""
    if is_table(data.path):
        return from_table(trained, needs, data)
    if data.columns or data.join or data.root is not None:
        raise DataError(f"{data.path} is a spec, which says how to read its rows; change it there")
    return from_spec(trained, data.path, plugins)


def _scored(
    trained: TrainedRun,
    needs: Needs,
    found: LabelledRows,
    mapping: ClassMapping,
    observer: Observer,
) -> EvaluationResult:
    manifest = found.manifest
    targets, notes = mapping.targets(trained, manifest)
    rows, warnings = _rows(trained, found, trained.task.known(targets).numpy())
    seen = _seen(trained, needs, found, rows, observer)
    kept = [rows[index] for index in seen.indices]
    left_out = (*(() if found.own(trained) else found.unusable), *_faults(manifest, rows, seen))
    if not kept:
        why = _told(left_out) or ": none has a label"
        raise DataError(f"no row of {found.name} can be scored{why}")
    predicted = seen.predicted(trained, observer, targets[kept])
    groups = manifest.groups[kept].tolist()
    evaluation = score(trained.task, predicted.log_probs, predicted.target, groups)
    table = _table(trained, manifest, kept, predicted)
    folder = _keep(trained, manifest, evaluation, table)
    leaky = (LEAKY,) if any(one.needs_label for one in found.narratives.values()) else ()
    told = (*warnings, *notes, *manifest.notes, *seen.notes, *leaky)
    return EvaluationResult(evaluation, table, folder, told, left_out)


def _keep(trained: TrainedRun, manifest: Manifest, evaluation: Scores, table: pd.DataFrame) -> Path:
    """Write scores and predictions beside those of the run; gives their folder."""
    folder = trained.folder.path / "evaluations" / manifest.digest[:12]
    inside = folder.relative_to(trained.folder.path).as_posix()
    trained.folder.write_json(f"{inside}/metrics.json", evaluation.to_json())
    trained.folder.write_bytes(f"{inside}/predictions.parquet", parquet(table))
    Record.made(folder, "finished.json", {"run": trained.folder.path.name}).write()
    return folder


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
    if samples is not None and samples.numbered:
        return rows, found.split  # numbers of rows say nothing about who is the same case
    if manifest.contents.numbered:
        return rows, (*found.split, UNNAMED)
    table = read_table(file)
    if not {"sample_id", "part"} <= set(table.columns):
        raise RunError(f"{file} has no columns sample_id and part; run the spec with --fresh")
    trained_on = set(map(own_words, table["sample_id"][table["part"] != "test"]))
    shared = int(np.isin(manifest.ids[labelled].astype(str), list(trained_on)).sum())
    warnings = (
        *found.split,
        f"{shared} of {int(labelled.sum())} samples have the id of a sample that the run learned "
        "from; if they are the same cases, these figures are too good",
    )
    return rows, warnings if shared else found.split


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
    words = f"{len(lost)} inputs of these rows cannot be read and count as missing, as in the run"
    notes = (*seen.notes, words) if lost else seen.notes
    return replace(seen, indices=list(range(len(rows))), faults={}, notes=notes)


def _faults(manifest: Manifest, rows: list[int], seen: EncodedSamples) -> list[RejectedRow]:
    return [
        RejectedRow(str(manifest.ids[rows[index]]), why)
        for index, why in sorted(seen.faults.items())
    ]


def _told(left_out: tuple[RejectedRow, ...]) -> str:
    return "".join(f"\n  {one.row}: {one.reason}" for one in left_out[:SHOWN])


def _table(
    trained: TrainedRun, manifest: Manifest, rows: list[int], found: PartPrediction
) -> pd.DataFrame:
    columns = {"sample": manifest.ids[rows], "group": manifest.groups[rows]}
    return pd.DataFrame(columns | prediction_columns(trained.task, found, found.target))
