"""Which files the training rows lie in, and how the processes of a launch read them."""

import hashlib
from collections.abc import Mapping, Sequence

from mmx.data import ImageStore
from mmx.errors import SpecError
from mmx.interfaces import Sampler
from mmx.pipeline.prepare import PreparedData
from mmx.pipeline.processes import process_count
from mmx.pipeline.sources import Sources
from mmx.spec import Spec

FEWEST = 8  # files; of fewer nothing is told


def tell_files(spec: Spec, sampler: Sampler, prepared: PreparedData) -> dict[str, str]:
    """Tell a sampler with lanes which file each training row lies in.

    Returns:
        The digest of which rows lie together, which then decides their order; empty without lanes.

    Raises:
        SpecError: the launch has more processes than can have rows of each batch.
    """
    if not sampler.lanes:
        check_processes(spec, sampler)
        return {}
    files = row_files(prepared.pictures, prepared.split.rows("train").tolist())
    sampler.set_files(files)
    check_processes(spec, sampler)
    number = {name: index for index, name in enumerate(dict.fromkeys(files))}
    together = repr([number[name] for name in files])
    return {"files": hashlib.sha256(together.encode()).hexdigest()}


def row_files(pictures: Mapping[str, ImageStore], rows: Sequence[int]) -> list[str]:
    """The shard or table that the first image of each row lies in; empty for a file of its own."""
    found = [""] * len(rows)
    for store in pictures.values():
        found = [file or store.file_of(row) for file, row in zip(found, rows, strict=True)]
    return found


def check_processes(spec: Spec, sampler: Sampler) -> None:
    """Refuse a launch of more processes than can have rows of each batch.

    Raises:
        SpecError: at ``train.batch_size`` or ``train.sampler``.
    """
    processes, lanes = process_count(), sampler.lanes
    size = min(spec.train.batch_size, len(sampler))
    if size < processes:
        words = (
            f"a batch of {size} rows cannot be shared by {processes} processes, each of which "
            f"needs a row; launch at most {size}, or raise the batch size"
        )
        raise SpecError([spec.fault("train.batch_size", words)])
    if lanes and lanes < processes:
        words = (
            f"{processes} processes cannot share the {lanes} lanes of this sampler, each of which "
            f"one process reads; launch at most {lanes}, or raise the number of lanes, of which "
            "there are never more than files"
        )
        raise SpecError([spec.fault("train.sampler", words)])


def reading_notes(spec: Spec, sampler: Sampler, sources: Sources, rows: Sequence[int]) -> list[str]:
    """What whoever launches several processes should know of the files that they read.

    Args:
        spec: of the run.
        sampler: of the training part.
        sources: of its batches.
        rows: of the training part.
    """
    read = {
        name: source
        for name, source in sources.by_name.items()
        if isinstance(source, ImageStore) and not source.decoded
    }
    if not read:
        name = spec.train.sampler.entry_point
        saves = f"{name} orders the rows by their files, of which training reads none here"
        return [f"{saves}: train.sampler: shuffle mixes them better"] if sampler.lanes else []
    if sampler.lanes or process_count() == 1:
        return []
    files = {*row_files(read, rows)}
    if len(files) < FEWEST or "" in files:
        return []
    return [
        f"the pixels do not fit into data.memory_gb, so that each of {process_count()} processes "
        f"reads rows of all {len(files)} files in each epoch; with train.sampler: shards each "
        "reads files of its own, whose rows then come nearer to each other (docs/data.md)"
    ]
