"""What a study has to do: runs that are not finished, controls and counts of operations."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmx.evaluation import shuffled_name
from mmx.experiment import Run
from mmx.runs import Observer
from mmx.study.arms import Arm, Arms
from mmx.study.board import Board
from mmx.study.executor import Executor, JobProgress
from mmx.study.forms import forms_of
from mmx.study.job import Job, JobResult
from mmx.study.screening import SCREENED
from mmx.study.spec import StudySpec
from mmx.study.study_folder import Entry, StudyFolder, baseline_file, control_file, count_file
from mmx.study.wanted import PlannedRun, finished, latest, wanted_run, wanted_runs


@dataclass(frozen=True, slots=True)
class Work:
    """Does what a study needs, in its folder, whose lock the caller holds.

    Attributes:
        study: as its file says.
        arms: of the study.
        folder: where it is noted.
        executor: does the work.
        observer: is told how far each arm has come.
        screening: whether arms that fall behind are stopped.
    """

    study: StudySpec
    arms: Arms
    folder: StudyFolder
    executor: Executor
    observer: Observer
    screening: bool

    def do(self) -> None:
        """Train what is not trained, then the controls that need no training."""
        wanted = wanted_runs(self.study, self.arms)
        todo = self._not_done(wanted)
        arm_of = {one.key: one.arm.name for one in wanted}
        board = Board(self.observer, arm_of, {one.key for one in todo})
        by_key = {one.key: one for one in todo}

        def heard(event: JobProgress | JobResult) -> None:
            if isinstance(event, JobResult):
                self._note(by_key[event.key], event)
            board.heard(event)

        if self.screening:
            todo = self._screened(todo, board, heard)
        self._run([self._job(one) for one in todo], heard)
        self._run([*self._counts(), *self._controls()], board.control)

    def _not_done(self, wanted: list[PlannedRun]) -> list[PlannedRun]:
        """The runs that are not there, or whose arm is not screened out."""
        noted = {(one.arm, one.seed, one.fold, one.identity): one for one in self.folder.entries()}
        todo = []
        for one in wanted:
            entry = noted.get((one.arm.name, one.seed, one.fold, one.identity))
            kept = entry is not None and (finished(entry, one.spec) or self._out(entry))
            if not kept:
                todo.append(one)
        return todo

    def _screened(
        self, todo: list[PlannedRun], board: Board, heard: Callable[[JobProgress | JobResult], None]
    ) -> list[PlannedRun]:
        """Run the first seed of each arm; gives what is left to do of those that stay."""
        first = [one for one in todo if self._first(one)]
        self._run([self._job(one, screened=True) for one in first], heard)
        later = [one for one in todo if not self._first(one)]
        found = latest(self.folder, self.study, self.arms)
        out = {one.arm for one in found if self._out(one)}
        board.leave({one.key for one in later if one.arm.name in out})
        return [one for one in later if one.arm.name not in out]

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
                jobs += [self._baselines(base, entry), *self._of_records(base, entry)]
            jobs += [self._shuffle(name, entry) for name in self.arms.base.model.used]
        return [job for job in jobs if not Path(job.values["out"]).is_file()]

    def _baselines(self, base: Arm, entry: Entry) -> Job:
        one = wanted_run(self.study, self.arms, base, entry.seed, entry.fold)
        job = self._job(one)
        out = control_file(self.folder, "baselines", Run(Path(entry.run)))
        return Job(f"baselines, fold {entry.fold}", "controls", "baselines", job.spec,
                   job.overrides, job.plugins, {"out": str(out)})  # fmt: skip

    def _of_records(self, base: Arm, entry: Entry) -> list[Job]:
        """One job for each baseline that can be had."""
        one = wanted_run(self.study, self.arms, base, entry.seed, entry.fold)
        job, forms = self._job(one), forms_of(self.arms)
        jobs = []
        for method in self.arms.baselines:
            if method.missing:
                continue
            out = baseline_file(self.folder, method, forms, Run(Path(entry.run)))
            values = {
                "out": str(out), "name": method.name, "forms": forms,
                "baseline": {"type": method.type, **method.params.model_dump(mode="json")},
            }  # fmt: skip
            key = f"{method.name}, fold {entry.fold}"
            jobs.append(replace(job, key=key, arm="controls", kind="baseline", values=values))
        return jobs

    def _shuffle(self, name: str, entry: Entry) -> Job:
        run = Run(Path(entry.run))
        out = control_file(self.folder, f"{name}-shuffled", run)
        values = {"run": str(run.path), "modality": name, "seed": entry.seed, "out": str(out)}
        return Job(f"{shuffled_name(name)}, {run.path.name}", "controls", "shuffle", "", (),
                   tuple(map(str, self.arms.plugins)), values)  # fmt: skip
