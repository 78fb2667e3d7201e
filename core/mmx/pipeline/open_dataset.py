"""The data set of a spec, whose refusals stand at the keys that they are about."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from mmx.data import Manifest, read_manifest
from mmx.errors import SettingsError, SpecError
from mmx.interfaces import Dataset, FilesRead
from mmx.pipeline.stage_progress import JobProgress, stage
from mmx.runs import Observer, SilentObserver
from mmx.spec import Spec


def open_dataset(spec: Spec, observer: Observer | None = None) -> Dataset:
    """Build the data set.

    Args:
        spec: whose it is.
        observer: is told what is read, and how many text files.

    Raises:
        SpecError: its files contradict its settings, such as a sheet or a column that is not there;
            at the line of each.
        DataError: its files cannot be used.
    """
    heard = SilentObserver() if observer is None else observer
    asked = spec.data.dataset
    with located(spec, "data.dataset"), ExitStack() as stages:
        stages.enter_context(stage(heard, "reading", asked.opened_first))
        return asked.open(_counting(heard, stages))


def _counting(observer: Observer, stages: ExitStack) -> FilesRead:
    """Tells of files as a stage of its own, which begins with the first of them."""
    begun: JobProgress | None = None

    def told(done: int, total: int) -> None:
        nonlocal begun
        begun = begun or stages.enter_context(stage(observer, "reading", "text files"))
        begun(done, total)

    return told


def read_rows(spec: Spec, observer: Observer | None = None) -> Manifest:
    """The rows of the data set, checked.

    Raises:
        MmxError: as for ``open_dataset``, or more unusable rows than ``data.max_bad`` allows.
    """
    dataset = open_dataset(spec, observer)
    with stage(observer or SilentObserver(), "reading", "rows"):
        return read_manifest(dataset, spec.data.max_bad, spec.task)


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
