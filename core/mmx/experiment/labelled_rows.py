"""Labelled rows to score a finished run on: of a table, or of the data of a spec."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mmx.data import Manifest, TableRows, read_manifest
from mmx.errors import DataError
from mmx.inference import (
    CaseTable,
    Needs,
    TrainedRun,
    case_table,
    filled,
    named,
    renamed,
    require,
    with_joined,
)
from mmx.interfaces import (
    Dataset,
    Facts,
    Layout,
    Link,
    NarrativeParams,
    OneClassTask,
    RejectedRow,
    Sample,
    Scores,
    Task,
    TaskParams,
)
from mmx.pipeline import open_dataset, read_facts, read_scored
from mmx.spec import load_spec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALL = 1.0  # share of rows that may be unusable: they are counted and told, not a reason to stop
SHOWN = 5  # rows named in an error


@dataclass(frozen=True, slots=True)
class TableToScore:
    """A table to score a run on, as the user names it.

    Attributes:
        path: of the table.
        columns: name in the table -> name in the run.
        root: folder of the images; None: that of the run, or of the table.
        join: further tables of the same cases.
    """

    path: Path
    columns: Mapping[str, str]
    root: str | Path | None = None
    join: Sequence[str | Path] = ()


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Rows to score a run on.

    Attributes:
        name: of the data, for messages.
        manifest: the rows that can be used, labelled or not.
        narratives: write their texts, by modality.
        unusable: the rows that cannot be used, with the reason.
        split: what is said where they are dealt to parts, which an evaluation does not ask.
    """

    name: str
    manifest: Manifest
    narratives: Mapping[str, NarrativeParams]
    unusable: tuple[RejectedRow, ...]
    split: tuple[str, ...] = ()

    def own(self, trained: TrainedRun) -> bool:
        """Whether these are the rows that the run was made with."""
        return self.manifest.digest == read_scored(trained.folder).data.rows


class _Rows(Dataset):
    """Rows of a table as a data set."""

    def __init__(self, rows: TableRows, classes: tuple[str, ...], facts: Facts) -> None:
        labels = rows.classes()
        self.classes = classes if set(labels) <= set(classes) else labels
        self.facts = facts
        self._rows = rows

    def samples(self) -> Sequence[Sample]:
        return self._rows

    def rejected(self) -> Sequence[RejectedRow]:
        return self._rows.rejected


class _NamedClasses(OneClassTask):
    """Classes as the rows name them, whether the run knows them or not; for reading alone."""

    type = "as named"

    def link(self) -> Link:
        raise NotImplementedError

    def quick_scores(
        self, log_probs: "NDArray[np.float64]", target: "NDArray[np.generic]"
    ) -> dict[str, float]:
        raise NotImplementedError

    def evaluate(
        self, log_probs: "NDArray[np.float64]", target: "NDArray[np.generic]", groups: Sequence[str]
    ) -> Scores:
        raise NotImplementedError


class _AsNamedParams(TaskParams):
    type: Literal["as named"] = "as named"

    def build(self, names: Sequence[str], state: Mapping[str, object] | None = None) -> Task:
        return _NamedClasses(names)


def _reading(trained: TrainedRun) -> TaskParams:
    """How rows to score are read: of one class a row, other classes than the run's are told."""
    return _AsNamedParams() if trained.spec.task.exclusive else trained.spec.task


def from_spec(trained: TrainedRun, path: Path, plugins: Sequence[str | Path]) -> LabelledRows:
    """The rows of a spec's data set, with its own narrative."""
    spec = load_spec(path, plugins=plugins)
    data, dataset = spec.data, open_dataset(spec)
    manifest = read_manifest(dataset, ALL, _reading(trained))
    parts = data.split
    published = parts.file is not None or parts.files.named() or parts.column is not None
    split = (f"data.split of {path} is not asked: rows of all its parts are scored",)
    told = split if published else ()
    return LabelledRows(str(path), manifest, data.narratives, tuple(dataset.rejected()), told)


def from_table(trained: TrainedRun, needs: Needs, given: TableToScore) -> LabelledRows:
    """The rows of a table, read by the data settings of the run.

    Raises:
        DataError: no such table, or a column that is needed is not there.
    """
    table = with_joined(case_table(given.path, needs), given.join)
    table = filled(renamed(table, given.columns, needs), needs)
    own = needs.layout
    if own.labels.several == "each":  # a label that no row of this table has is absent in all
        own = replace(own, classes=tuple(trained.task.names))
    labels = _label_columns(own)
    group = [name for name in (own.by_row.group,) if name and name not in needs.absent]
    require(table, [*table.columns_of(needs).required, *group, *labels], own)
    table = table.by_case(own)
    reads = needs.named(table.cells, given.root)
    if all(name in table.cells for name in (*own.columns, *labels)):
        own_rows = replace(own, root=reads.root)
        rows = TableRows(
            own_rows, table.cells, table.folder, faults=table.faults, numbers=table.numbers
        )
        found = _labelled(trained, table, rows) if len(rows) else None
        if found is not None and found.own(trained):
            return found
    rows = named(table, [reads.id], reads.missing).rows(
        needs, replace(reads, label=own.label, labels=own.labels, classes=own.classes)
    )
    if not len(rows):
        told = "".join(f"\n  {one.row}: {one.reason}" for one in rows.rejected[:SHOWN])
        raise DataError(f"{table.name} has no row that can be used{told}")
    return _labelled(trained, table, rows)


def _label_columns(layout: Layout) -> tuple[str, ...]:
    """The columns that labels are read from; DataError where there is none."""
    single = () if layout.label is None else (layout.label,)
    found = single or layout.labels.each or layout.labels.columns
    if not found:
        raise DataError("the data settings of this run name no column of labels")
    return found


def _labelled(trained: TrainedRun, table: CaseTable, rows: TableRows) -> LabelledRows:
    facts = Facts(
        leak_columns=read_facts(trained.folder).leak_columns, notes=(*table.notes, *rows.notes)
    )
    manifest = read_manifest(_Rows(rows, trained.task.names, facts), ALL, _reading(trained))
    narratives = trained.spec.data.narratives
    return LabelledRows(table.name, manifest, narratives, tuple(rows.rejected))
