"""A trained run on test rows whose inputs of one modality were dealt out anew."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmx.data import Part, Source
from mmx.experiment import parquet, prediction_table
from mmx.inference import load_trained
from mmx.interfaces import Inputs
from mmx.pipeline import open_sources, prepare
from mmx.runs import Observer, write_beside


class ShuffledSource:
    """A source that gives for each row what belongs to another one."""

    def __init__(self, source: Source, instead: dict[int, int]) -> None:
        self._source, self._instead = source, instead

    def collate(self, rows: Sequence[int]) -> Inputs:
        """The inputs of the other rows."""
        return self._source.collate([self._instead[row] for row in rows])


def write_shuffled(
    path: Path,
    modality: str,
    seed: int,
    file: Path,
    observer: Observer,
    plugins: Sequence[str | Path] = (),
) -> None:
    """Predict the test part of a run with one modality shuffled among its rows.

    Args:
        path: a finished run.
        modality: whose inputs change places.
        seed: of the shuffling.
        file: the Parquet file to write, with the columns of predictions.parquet.
        observer: is told how far it has come.
        plugins: local plugin files that the run was made with.
    """
    trained = load_trained(path, plugins)
    prepared = prepare(trained.spec, observer)
    rows = prepared.split.rows("test")
    stores = trained.inputs.stores(prepared.rows)
    sources = open_sources(
        trained.spec, trained.model, stores, observer,
        rows=rows.tolist(), statistics=trained.inputs.statistics,
    )  # fmt: skip
    if any(one.reads_pixels for one in trained.spec.inference):
        sources = sources.pixels()
    part = sources.parts(prepared)["test"]
    instead = dict(zip(rows.tolist(), shuffled(rows.tolist(), seed), strict=True))
    sources_moved = {**part.sources, modality: ShuffledSource(part.sources[modality], instead)}
    moved = Part(part.rows.tolist(), sources_moved, part.labels, part.groups)
    size = trained.spec.evaluation.batch_size
    found = trained.chain.over(moved, size, lambda done: None)[-1]
    table = prediction_table(prepared, trained.task, {"test": part}, {"test": found})
    file.parent.mkdir(parents=True, exist_ok=True)
    write_beside(file, parquet(table))


def shuffled(rows: Sequence[int], seed: int) -> list[int]:
    """The rows in random order; none stays in its place when there are two or more.

    Source: Sattolo 1986, An algorithm to generate a random cyclic permutation.
    """
    order, generator = list(rows), np.random.default_rng(seed)
    for index in range(len(order) - 1, 0, -1):
        other = int(generator.integers(index))
        order[index], order[other] = order[other], order[index]
    return order
