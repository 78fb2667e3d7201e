"""Run a study: plan, do what is not done, compare, report."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from mmx.evaluation import shuffled_name
from mmx.experiment import Run
from mmx.pipeline import core_digest, sources_used
from mmx.report import gap, gap_range, scored, size, unit
from mmx.runs import Observer, RunFolder, SilentObserver, locked, read_sealed, write_text
from mmx.spec import Spec, load_spec
from mmx.study.arms import Arm, Arms, resolve_arms
from mmx.study.board import Board
from mmx.study.executor import Executor, JobProgress
from mmx.study.executors import Name, make_executor
from mmx.study.folder import COPY, Entry, StudyFolder, control_file, count_file
from mmx.study.job import Job, JobResult
from mmx.study.plan import digest_of, settle
from mmx.study.screening import SCREENED, need_optuna
from mmx.study.spec import StudySpec, load_study


@dataclass(frozen=True, slots=True)
class Study:
    """A study on disk.

    Attributes:
        path: its folder.
        failed: arms that have no result, and why.
        stopped: those of them that screening stopped, as it was asked to.
        seconds: the call that ran it took.
    """

    path: Path
    failed: dict[str, str] = field(default_factory=dict)
    stopped: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / "report.html"

    @property
    def results(self) -> dict[str, Any]:
        """What results.json holds."""
        return read_sealed(self.path / "results.json")

    def summary(self) -> str:
        """The verdicts in words, one sentence for each arm."""
        found = self.results
        metric, lines = found["metric"], []
        for arm in found["arms"]:
            name = f"LEAKY: {arm['name']}" if arm["leaky"] else arm["name"]
            name += f" against {arm['against']}" if arm["against"] else ""
            if arm["role"] == "base" and not arm["error"]:
                value = scored(arm["scores"][metric]["value"], metric)
                lines.append(f"{name}: {value} {metric.replace('_', ' ')}, the base")
            elif metric in arm["contrasts"]:
                one = arm["contrasts"][metric]
                apart = one["difference"]
                ends = gap_range(apart["low"], apart["high"], metric)
                points = f"{gap(apart['value'], metric)}{unit(metric)} ({ends})"
                told = one["verdict"] or "no verdict"
                if one["silent"]:
                    most = size(max(-apart["low"], apart["high"]), metric)
                    told = f"no row differs; up to ±{most}{unit(metric)} cannot be excluded"
                if one["conditional"]:
                    told += ", conditional on this training run"
                lines.append(f"{name}: {points}, {told}")
        return "\n".join([*lines, *found["headline"]])


def run_study(
    path: str | Path,
    *,
    plugins: Sequence[str | Path] = (),
    workers: int | None = None,
    replan: bool = False,
    observer: Observer | None = None,
    executor: Executor | Name | None = None,
    early_stop: Literal["asha"] | None = None,
) -> Study:
    """Run every arm of a study that is not finished, then write its report.

    Finished runs are never repeated, whichever study they were made for. An arm that cannot run
    fails alone.

    Args:
        path: the study, a YAML file.
        plugins: local files with methods.
        workers: processes; None: as many as the processor has cores for ``threads`` each.
        replan: accept that base, data, metric or seeds are not what was planned.
        observer: is told how far each arm has come; one stage is one arm.
        executor: does the work; ``local``, ``ray``, ``slurm``, or an object; None: local.
        early_stop: ``asha`` stops arms that fall behind on validation at the first seed, for large
            grids; they get no further seeds and no verdict, and the report says so.

    Raises:
        MmxError: faults of the study file, of the base or of the plan.
        KeyboardInterrupt: stopped by hand; the same call goes on.
    """
    from mmx.study.reporting import report_study  # it reads studies, and imports this module

    start, observer = time.monotonic(), observer or SilentObserver()
    if early_stop is not None:
        need_optuna()
    study = load_study(path)
    arms = resolve_arms(study, plugins)
    folder = StudyFolder.of(study.study)
    with locked(folder.path, observer, wait=False):
        settle(folder, study, arms, replan)
        write_text(folder.path / COPY, study.text)
        cores = max((os.cpu_count() or 1) // study.threads, 1)
        if executor is None or isinstance(executor, str):
            log = folder.path / "workers.log"
            executor = make_executor(
                executor or "local", workers=workers or cores, threads=study.threads, log=log
            )
        _Work(study, arms, folder, executor, observer, early_stop is not None).do()
        done = report_study(path, plugins=plugins)
    return replace(done, seconds=round(time.monotonic() - start, 1))


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run that the study needs.

    Attributes:
        arm: whose.
        seed: of the training.
        fold: from 0.
        spec: resolved.
        overrides: that make it from the arm's file.
    """

    arm: Arm
    seed: int
    fold: int
    spec: Spec
    overrides: tuple[str, ...]

    @property
    def key(self) -> str:
        """Unique in the study."""
        return f"{self.arm.name}, seed {self.seed}, fold {self.fold}"

    @property
    def identity(self) -> str:
        """Digest of all that the spec says."""
        return digest_of(self.spec.digest_fields())


def wanted_runs(study: StudySpec, arms: Arms) -> list[PlannedRun]:
    """Every run of the study, seed by seed, so that all arms have a first result early."""
    found = []
    for seed in study.seeds:
        for fold in range(study.folds):
            for arm in arms.arms:
                if not arm.fault:
                    found.append(_wanted(study, arms, arm, seed, fold))
    return found


def _wanted(study: StudySpec, arms: Arms, arm: Arm, seed: int, fold: int) -> PlannedRun:
    more = [f"seed={seed}", f"train.threads={study.threads}"]
    if study.folds > 1:
        more += [f"data.split.folds={study.folds}", f"data.split.fold={fold}"]
    overrides = (*arm.overrides, *more)
    spec = load_spec(arm.file, overrides=overrides, plugins=arms.plugins)
    return PlannedRun(arm, seed, fold, spec, overrides)


def latest(folder: StudyFolder, study: StudySpec, arms: Arms) -> list[Entry]:
    """The last entry of each run that the study wants."""
    noted = {(one.arm, one.seed, one.fold, one.identity): one for one in folder.entries()}
    keys = [(w.arm.name, w.seed, w.fold, w.identity) for w in wanted_runs(study, arms)]
    return [noted[key] for key in keys if key in noted]


def finished(entry: Entry, spec: Spec) -> bool:
    """Whether the run is there, whole, and made by the code that is installed now."""
    if not entry.run or entry.error:
        return False
    run = RunFolder(Path(entry.run))
    if not run.finished:
        return False
    made: dict[str, Any] = run.read_json("environment.json")
    methods = sources_used(spec, spec.plugins)
    return made.get("core") == core_digest() and made.get("methods") == methods


class _Work:
    """What a study has to do."""

    def __init__(
        self, study: StudySpec, arms: Arms, folder: StudyFolder, executor: Executor,
        observer: Observer, screening: bool,
    ) -> None:  # fmt: skip
        self.study, self.arms, self.folder = study, arms, folder
        self.executor, self.observer, self.screening = executor, observer, screening

    def do(self) -> None:
        """Train what is not trained, then the controls that need no training."""
        wanted = wanted_runs(self.study, self.arms)
        noted = {(one.arm, one.seed, one.fold, one.identity): one for one in self.folder.entries()}
        todo = []
        for one in wanted:
            entry = noted.get((one.arm.name, one.seed, one.fold, one.identity))
            kept = entry is not None and (finished(entry, one.spec) or self._out(entry))
            if not kept:
                todo.append(one)
        arm_of = {one.key: one.arm.name for one in wanted}
        board = Board(self.observer, arm_of, {one.key for one in todo})
        by_key = {one.key: one for one in todo}

        def heard(event: JobProgress | JobResult) -> None:
            if isinstance(event, JobResult):
                self._note(by_key[event.key], event)
            board.heard(event)

        if self.screening:
            first = [one for one in todo if self._first(one)]
            self._run([self._job(one, screened=True) for one in first], heard)
            found = latest(self.folder, self.study, self.arms)
            out = {one.arm for one in found if self._out(one)}
            board.leave({one.key for one in todo if not self._first(one) and one.arm.name in out})
            todo = [one for one in todo if not self._first(one) and one.arm.name not in out]
        self._run([self._job(one) for one in todo], heard)
        self._run([*self._counts(), *self._controls()], board.control)

    def _run(self, jobs: list[Job], heard: Callable[[JobProgress | JobResult], None]) -> None:
        if jobs:
            self.executor.run(jobs, heard)

    def _first(self, one: PlannedRun) -> bool:
        """Whether this is the run by which its arm is screened."""
        return one.seed == self.study.seeds[0] and one.fold == 0

    def _out(self, entry: Entry) -> bool:
        """Whether an arm was screened out before and is to stay so."""
        return self.screening and entry.error.startswith(SCREENED)

    def _job(self, one: PlannedRun, *, screened: bool = False) -> Job:
        files = tuple(map(str, self.arms.plugins))
        values: dict[str, Any] = {}
        if screened:
            base = one.arm is self.arms.arms[0] or one.arm.role == "control"
            folder = str(self.folder.path.absolute())
            plan = (self.folder.plan or {}).get("digest", "")
            values["screen"] = {
                "folder": folder, "arm": one.arm.name, "keep": base, "plan": plan,
            }  # fmt: skip
        name, file = one.arm.name, str(one.arm.file)
        return Job(one.key, name, "run", file, one.overrides, files, values)

    def _note(self, one: PlannedRun, done: JobResult) -> None:
        entry = Entry(
            one.arm.name, one.seed, one.fold, one.identity, done.result, done.seconds, done.error
        )
        self.folder.note(entry)
        if done.error:
            self.observer.message(f"{one.key} failed: {done.error}")

    def _counts(self) -> list[Job]:
        """One count of operations for each arm that has a run and no count."""
        done = [one for one in latest(self.folder, self.study, self.arms) if one.run]
        first = {one.arm: Run(Path(one.run)) for one in reversed(done)}
        files = tuple(map(str, self.arms.plugins))
        jobs = [
            Job(f"operations of {name}", name, "count", "", (), files,
                {"run": str(run.path), "out": str(count_file(self.folder, run))})
            for name, run in first.items()
        ]  # fmt: skip
        return [job for job in jobs if not Path(job.values["out"]).is_file()]

    def _controls(self) -> list[Job]:
        """Jobs for baselines and shuffled inputs whose results are not there yet."""
        base, jobs = self.arms.arms[0], list[Job]()
        if not self.study.controls:
            return jobs
        for entry in latest(self.folder, self.study, self.arms):
            if entry.arm != base.name or entry.error:
                continue
            if entry.seed == self.study.seeds[0]:
                jobs.append(self._baselines(base, entry))
            jobs += [self._shuffle(name, entry) for name in self.arms.base.model.used]
        return [job for job in jobs if not Path(job.values["out"]).is_file()]

    def _baselines(self, base: Arm, entry: Entry) -> Job:
        one = _wanted(self.study, self.arms, base, entry.seed, entry.fold)
        job = self._job(one)
        out = control_file(self.folder, "baselines", Run(Path(entry.run)))
        return Job(f"baselines, fold {entry.fold}", "controls", "baselines", job.spec,
                   job.overrides, job.plugins, {"out": str(out)})  # fmt: skip

    def _shuffle(self, name: str, entry: Entry) -> Job:
        run = Run(Path(entry.run))
        out = control_file(self.folder, f"{name}-shuffled", run)
        values = {"run": str(run.path), "modality": name, "seed": entry.seed, "out": str(out)}
        return Job(f"{shuffled_name(name)}, {run.path.name}", "controls", "shuffle", "", (),
                   tuple(map(str, self.arms.plugins)), values)  # fmt: skip
