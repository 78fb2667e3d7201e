"""Run a study: plan, do what is not done, compare, report."""

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from mmx.runs import Observer, SilentObserver, locked, write_text
from mmx.spec import check_trainable
from mmx.study.arms import resolve_arms
from mmx.study.executor import Executor
from mmx.study.executors import Name, make_executor
from mmx.study.plan import settle
from mmx.study.reporting import report_study
from mmx.study.result import Study
from mmx.study.screening import need_optuna
from mmx.study.spec import load_study
from mmx.study.study_folder import COPY, StudyFolder
from mmx.study.work import Work


# parameters: keywords of a call that users of the library make, each what they may want to say
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
    """Run each unfinished arm of a study and write its report; one that cannot run fails alone.

    Finished runs are never repeated, whichever study they were made for.

    Args:
        path: the study, a YAML file.
        plugins: local files with methods.
        workers: processes; None: as many as the processor has cores for ``threads`` each.
        replan: accept that base, data, metric or seeds are not what was planned.
        observer: is told how far each arm has come; one stage is one arm.
        executor: does the work; ``local``, ``ray``, ``slurm``, or an object; None: local.
        early_stop: ``asha`` stops arms that fall behind on validation; they get no verdict.

    Raises:
        MmxError: faults of the study file, of the base or of the plan.
        KeyboardInterrupt: stopped by hand; the same call goes on.
    """
    start, observer = time.monotonic(), observer or SilentObserver()
    if early_stop is not None:
        need_optuna()
    arms = resolve_arms(study := load_study(path), plugins)
    check_trainable(arms.base)
    folder = StudyFolder.of(study.study)
    with locked(folder.path, observer, wait=False):
        settle(folder, study, arms, replan, observer)
        write_text(folder.path / COPY, study.text)
        does = _executor(executor or "local", folder, study.threads, workers)
        Work(study, arms, folder, does, observer, early_stop is not None).do()
        done = report_study(path, plugins=plugins)
    return replace(done, seconds=round(time.monotonic() - start, 1))


def _executor(
    named: Executor | Name, folder: StudyFolder, threads: int, workers: int | None
) -> Executor:
    if not isinstance(named, str):
        return named
    cores = max((os.cpu_count() or 1) // threads, 1)
    log = folder.path / "workers.log"
    return make_executor(named, workers=workers or cores, threads=threads, log=log)
