"""The data set of a spec, whose refusals stand at the keys that they are about."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmx.errors import SettingsError, SpecError
from mmx.interfaces import Dataset
from mmx.pipeline.stage_progress import stage
from mmx.runs import Observer, SilentObserver
from mmx.spec import Spec


def open_dataset(spec: Spec, observer: Observer | None = None) -> Dataset:
    """Build the data set.

    Args:
        spec: whose it is.
        observer: is told how many text files are read.

    Raises:
        SpecError: its files contradict its settings, such as a sheet or a column that is not there;
            at the line of each.
        DataError: its files cannot be used.
    """
    heard = SilentObserver() if observer is None else observer
    with located(spec, "data.dataset"), stage(heard, "reading", "text files") as told:
        return spec.data.dataset.open(told)


@contextmanager
def located(spec: Spec, key: str) -> Iterator[None]:
    """Settings that the data contradict become faults of a spec, in the order of its lines.

    Raises:
        SpecError: inside, a SettingsError was raised about the settings at ``key``.
    """
    try:
        yield
    except SettingsError as error:
        told = {".".join([key, *map(str, path)]): words for path, words in error.faults}
        faults = [spec.fault(path, words) for path, words in told.items()]
        raise SpecError(sorted(faults, key=lambda one: (one.line, one.column))) from error
