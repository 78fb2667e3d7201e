"""One piece of work of a study, as plain data that any machine can do."""

import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from mmx.errors import MmxError
from mmx.experiment import run
from mmx.runs import Observer, SilentObserver
from mmx.spec import load_spec
from mmx.study.baseline_methods import baseline_params
from mmx.study.baselines import write_baselines
from mmx.study.count import write_operations
from mmx.study.record_baseline import write_record_baseline
from mmx.study.screening import screen
from mmx.study.shuffle import write_shuffled

Kind = Literal["run", "baselines", "baseline", "shuffle", "count"]


@dataclass(frozen=True, slots=True)
class Job:
    """What to do, without any object that a pipe or a cluster could not carry.

    Attributes:
        key: unique in the study.
        arm: whose work it is, for the reader.
        kind: a run; the majority class and the metadata probe; one baseline on the record alone; a
            run with one modality shuffled; or a count of a run's operations.
        spec: file of the spec.
        overrides: of the spec.
        plugins: local files with methods.
        values: what else the kind needs; ``screen`` lets a run be stopped when it falls behind.
    """

    key: str
    arm: str
    kind: Kind
    spec: str
    overrides: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Plain data."""
        return asdict(self)

    @staticmethod
    def from_json(plain: Mapping[str, Any]) -> "Job":
        """Rebuild what ``to_json`` wrote."""
        given = {
            **plain,
            "overrides": tuple(plain["overrides"]),
            "plugins": tuple(plain["plugins"]),
        }
        return Job(**given)


@dataclass(frozen=True, slots=True)
class JobResult:
    """What came of a job.

    Attributes:
        key: of the job.
        result: the run's folder, or the file that was written; empty when it failed.
        error: why it failed, in words; empty when it did not.
        trace: of a fault that mmx did not foresee.
        seconds: it took.
    """

    key: str
    result: str = ""
    error: str = ""
    trace: str = ""
    seconds: float = 0.0


def perform(job: Job, observer: Observer | None = None) -> JobResult:
    """Do a job here and now; what goes wrong is told, not raised, so that it fails alone."""
    start = time.monotonic()
    try:
        result = _work(job, observer or SilentObserver())
    except MmxError as error:
        return JobResult(job.key, error=str(error))
    except Exception as error:  # noqa: BLE001 - a bug of a method must not end the other arms
        words = f"{type(error).__name__}: {error}"
        return JobResult(job.key, error=words, trace=traceback.format_exc())
    return JobResult(job.key, result, seconds=round(time.monotonic() - start, 3))


def _work(job: Job, observer: Observer) -> str:
    if job.kind == "shuffle":
        given = job.values
        file = Path(given["out"])
        write_shuffled(
            Path(given["run"]), given["modality"], given["seed"], file, observer, job.plugins
        )
        return str(file)
    if job.kind == "count":
        file = Path(job.values["out"])
        write_operations(Path(job.values["run"]), file, observer, job.plugins)
        return str(file)
    spec = load_spec(job.spec, overrides=job.overrides, plugins=job.plugins)
    if job.kind == "baselines":
        write_baselines(spec, Path(job.values["out"]))
        return str(job.values["out"])
    if job.kind == "baseline":
        given = job.values
        params = baseline_params(given["baseline"], spec.plugins)
        write_record_baseline(spec, params, given["name"], given["forms"], Path(given["out"]))
        return str(given["out"])
    if job.values.get("screen"):
        return screen(spec, job.values["screen"], observer)
    return str(run(spec, observer=observer).path)
