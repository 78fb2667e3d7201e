"""Ask a finished run about new cases, read as its own data settings read its training rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from mmx.data import TableRows, texts_of
from mmx.errors import DataError
from mmx.experiment.answers import REASON, Answers
from mmx.inference import (
    Asked,
    CaseTable,
    EncodedSamples,
    Explainer,
    Needs,
    PartPrediction,
    TrainedRun,
    by_role,
    case_table,
    filled,
    grouped,
    load_trained,
    named,
    needs_of,
    prediction_columns,
    renamed,
    require,
    see,
    with_joined,
)
from mmx.pipeline import heard, read_facts, stage
from mmx.report import Explanation
from mmx.runs import Observer

SHOWN = 5  # rows named in an error
_TOLD = "the texts of this run were written knowing the label, and those of new cases are not"


# parameters: keywords of a call that users of the library make, each what they may want to say
def predict(
    run: str | Path,
    cases: Asked,
    *,
    join: Sequence[str | Path] = (),
    columns: Mapping[str, str] | None = None,
    root: str | Path | None = None,
    without: Collection[str] = (),
    plugins: Sequence[str | Path] = (),
    observer: Observer | None = None,
) -> pd.DataFrame:
    """What a finished run says to cases, as a table.

    Args:
        run: its directory.
        cases: as for ``ask``.
        join: further tables of the same cases, as for ``ask``.
        columns: name in the given table -> name in the run.
        root: folder of the images; else that of the run's spec, or of the table.
        without: what the cases lack, as for ``ask``.
        plugins: local plugin files; all that the run was made with, for no file is imported
            because a run names it.
        observer: is told how far it has come.

    Returns:
        One row per case with the index of a given DataFrame: id, predicted, p_CLASS, columns of
        inference hooks, and ``reason``, which is empty where the case was answered.

    Raises:
        MmxError: as for ``ask``.
    """
    answers = ask(
        run, cases, join=join, columns=columns, root=root, without=without, plugins=plugins,
        observer=observer,
    )  # fmt: skip
    return answers.table


# parameters: keywords of a call that users of the library make, each what they may want to say
# length: most of it says what each of them means
def ask(
    run: str | Path,
    cases: Asked,
    *,
    join: Sequence[str | Path] = (),
    columns: Mapping[str, str] | None = None,
    image_columns: Sequence[str] = (),
    text_column: str | None = None,
    root: str | Path | None = None,
    without: Collection[str] = (),
    explain: bool = False,
    plugins: Sequence[str | Path] = (),
    observer: Observer | None = None,
) -> Answers:
    """Ask a finished run about cases; a row that cannot be read is listed with its reason.

    Args:
        run: its directory.
        cases: a table with the columns that the run reads, by its path or as a DataFrame; rows as
            mappings from column to value; or one ``Case`` or several. Strings name images below
            ``root``, that of the run or the folder of the table; a ``Path`` is taken as it is.
        join: further tables of the same cases, joined by the columns of the same name.
        columns: name in the given table -> name in the run.
        image_columns: columns of images in their places, instead of ``columns``.
        text_column: column of the text, instead of ``columns``.
        root: folder of the images; else that of the run's spec, or of the table.
        without: what the cases lack: ``image``, ``text``, ``boxes`` or a column by its name.
        explain: also say why: heat on images, words, shares of the modalities, gates.
        plugins: local plugin files that the run was made with, all of them; no other is imported.
        observer: is told how far it has come.

    Raises:
        RunError: it is not a finished run, or a plugin file of it is not given.
        DataError: a column that the run reads is not there, or no row can be answered.
    """
    trained = load_trained(Path(run), plugins)
    needs = needs_of(trained, without)
    observer = heard(observer)
    with stage(observer, "reading", "cases"):
        table = with_joined(case_table(cases, needs), join)
    mapping = {**by_role(table, image_columns, text_column, needs), **(columns or {})}
    return _asked(trained, needs, renamed(table, mapping, needs), root, explain, observer)


def _asked(
    trained: TrainedRun,
    needs: Needs,
    table: CaseTable,
    root: str | Path | None,
    explain: bool,
    observer: Observer,
) -> Answers:
    """Answers to the rows of a table whose columns have the names that the run knows."""
    table = filled(table, needs)
    require(table, table.columns_of(needs).required, needs.layout)
    if not len(table.cells):
        raise DataError(f"{table.name} has no rows")
    table = table.by_case(needs.told(table.cells))
    layout = needs.named(table.cells, root)
    table = named(table, [needs.names(table.cells)], layout.missing)
    table, layout = grouped(table, layout)
    answers = _answers(trained, needs, table.rows(needs, layout), table, explain, observer)
    if table.index is not None:
        answers.table.index = table.index
    return answers


def _answers(
    trained: TrainedRun,
    needs: Needs,
    rows: TableRows,
    table: CaseTable,
    explain: bool,
    observer: Observer,
) -> Answers:
    count, data = len(table.cells), trained.spec.data
    hidden = read_facts(trained.folder).leak_columns
    seen = see(trained, needs, rows, data.narratives, hidden, observer)
    faults = rows.faults | {int(rows.rows[place]): why for place, why in seen.faults.items()}
    column = needs.names(table.cells)
    names = [f"row {table.numbers.of(row)}" for row in range(count)]
    if column is not None:
        names = texts_of(table.cells[column]).tolist()
    if not seen.indices:
        told = "".join(f"\n  {names[row]}: {faults[row]}" for row in sorted(faults)[:SHOWN])
        raise DataError(f"none of {count} cases can be answered:{told}")
    found = seen.predicted(trained, observer)
    indices = rows.rows[seen.indices].tolist()
    answered = _table(trained, indices, found).reindex(range(count))
    ids = names if column is not None else [rows.name(row) for row in range(count)]
    answered.insert(0, "id", np.array(ids, dtype=object))
    reasons = [faults.get(row, "") for row in range(count)]
    why = _reasons(trained, seen, found) if explain else []
    leaky = (_TOLD,) if trained.spec.leaky and needs.text else ()
    return Answers(
        answered.assign(**{REASON: np.array(reasons, dtype=object)}),
        trained.task.names,
        {row: seen.told(place) for row, place in zip(indices, seen.indices, strict=True)},
        dict(zip(indices, why, strict=False)),
        tuple(name for name in trained.model.modalities if name in needs.layout.images),
        {
            row: trained.inputs.records_of(seen.samples[place])
            for row, place in zip(indices, seen.indices, strict=True)
        },
        (*table.notes, *rows.notes, *seen.notes, *leaky),
        trained.task.answer_unit,
    )


def _table(trained: TrainedRun, indices: Sequence[int], found: PartPrediction) -> pd.DataFrame:
    return pd.DataFrame(prediction_columns(trained.task, found), index=list(indices))


def _reasons(trained: TrainedRun, seen: EncodedSamples, found: PartPrediction) -> list[Explanation]:
    explainer = Explainer(trained.chain, seen.stores, trained.placeholders)
    predicted = trained.task.predicted(found.log_probs)
    reasons = [
        explainer.explain(
            place,
            seen.told(place),
            int(predicted[row]),
            {name: values[row] for name, values in found.explain.items()},
        )
        for row, place in enumerate(seen.indices)
    ]
    words = trained.placeholders.words
    return [replace(one, notes=(*one.notes, *words)) if one.shares else one for one in reasons]
