"""Make a run again from its own files, and say what differs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmx.errors import MmxError, RunError
from mmx.experiment.same import ResultComparison, same_figures, same_rows, same_tensors
from mmx.experiment.saved import Run
from mmx.experiment.whole_run import EarlierRun, run_into
from mmx.inference import tensors_of
from mmx.pipeline import (
    METRICS,
    SETTLED,
    SURROUNDINGS,
    WEIGHTS,
    core_digest,
    libraries,
    permitted,
    read_surroundings,
    sources_used,
)
from mmx.runs import Observer, RunFolder
from mmx.spec import ABSENT, Difference, Spec, differences, load_spec
from mmx.training import threads

FOLDER = "reproduced"
# figures that are of the day and not of the run
_OF_THE_DAY = ("seconds", "test_set_accesses", "encoded", "digest", "data")


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A run that was made again.

    Attributes:
        run: the new one.
        results: digest, weights, predictions and metrics beside those of the old one.
        surroundings: versions, digests of data, weights and methods, and settings that differ.
    """

    run: Run
    results: tuple[ResultComparison, ...]
    surroundings: tuple[Difference, ...]

    @property
    def identical(self) -> bool:
        """Whether every result is the same, bit for bit."""
        return all(one.same for one in self.results)


def reproduce(
    path: str | Path,
    *,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    plugins: Sequence[str | Path] = (),
    observer: Observer | None = None,
) -> Reproduction:
    """Make a finished run again from its own files, in another folder, and compare.

    Spec, split, precision and number of threads are those of the run; data, weights and methods
    are read where the spec says. Nothing in the old run is changed.

    Args:
        path: the run's directory.
        out: folder for the new run; None: ``reproduced`` in the old one.
        overrides: single values of the spec, such as where the data lie now.
        plugins: local plugin files; all that the run was made with, for no file is imported
            because a run names it. One that was edited is used, and told as a difference.
        observer: is told how far it has come.

    Raises:
        RunError: it is not a finished run, or it cannot be made again; names what has changed.
    """
    old = RunFolder(Path(path))
    if not old.finished:
        there = "is not finished" if old.path.is_dir() else "does not exist"
        raise RunError(f"the run {old.path} {there}; only a finished run can be made again")
    recorded = read_surroundings(old)
    try:
        spec = _spec(old, overrides, permitted(old, plugins, edited=True))
        root = old.inside(FOLDER) if out is None else Path(out)
        if (root / old.path.name).resolve() == old.path.resolve():
            raise RunError(f"{root} holds the run itself; give another folder")
        with threads(recorded.threads):
            earlier = EarlierRun(_settled(old), old.checked("split.csv"))
            new = run_into(root, spec, fresh=True, observer=observer, earlier=earlier)
    except MmxError as error:
        raise RunError(f"the run cannot be made again: {error}{_changed(old, plugins)}") from error
    return Reproduction(new, tuple(_results(old, RunFolder(new.path))), _surroundings(old, new))


def _spec(old: RunFolder, overrides: Sequence[str], plugins: Sequence[str | Path]) -> Spec:
    """The spec of a run; its split is the one that the run wrote down."""
    return load_spec(old.checked("resolved.yaml"), overrides=overrides, plugins=plugins)


def _settled(old: RunFolder) -> Mapping[str, object]:
    found = old.read_json(SETTLED)
    if not isinstance(found, dict):
        raise RunError(f"{old.path / SETTLED} is not as a run writes it")
    return found


def _changed(old: RunFolder, plugins: Sequence[str | Path]) -> str:
    """What is known to have changed although the run could not be made, as further lines."""
    now: dict[str, Any] = {"libraries": libraries(), "core": core_digest()}
    try:
        spec = load_spec(old.checked("resolved.yaml"), plugins=plugins)
        now["methods"] = sources_used(spec, spec.plugins)
    except MmxError:  # the methods are what is wrong
        pass
    then = old.read_json(SURROUNDINGS)
    found = differences({key: then.get(key, value) for key, value in now.items()}, now)
    lines = [f"\n  {one.key}: {one.left} -> {one.right}" for one in found]
    return "\nsince the run, these changed:" + "".join(lines) if lines else ""


def _results(old: RunFolder, new: RunFolder) -> Iterator[ResultComparison]:
    names = [folder.end.get("digest") for folder in (old, new)]
    words = "something that decides the numbers has changed"
    yield ResultComparison("digest", names[0] == names[1], "" if names[0] == names[1] else words)
    yield same_tensors(*(tensors_of(folder, WEIGHTS) for folder in (old, new)))
    yield same_rows(*(Run(folder.path).predictions for folder in (old, new)))
    yield same_figures(*(_figures(folder) for folder in (old, new)))


def _figures(folder: RunFolder) -> dict[str, object]:
    metrics = folder.read_json(METRICS)
    if not isinstance(metrics, dict):
        raise RunError(f"{folder.path / METRICS} is not as a run writes it")
    return {key: value for key, value in metrics.items() if key not in _OF_THE_DAY}


def _surroundings(old: RunFolder, new: Run) -> tuple[Difference, ...]:
    """What differs around the two runs; what an older version did not note is left out."""
    found = []
    for name, above in ((SURROUNDINGS, ""), (SETTLED, "training")):
        then, now = (folder.read_json(name) for folder in (old, RunFolder(new.path)))
        found += differences(then, now, above)
    return tuple(
        one for one in found if one.left is not ABSENT and not one.key.startswith("plugins")
    )
