"""Writes what a run leaves in its folder."""

import pandas as pd

from mmx.experiment.controls_table import CONTROLS, control_rows, joined_rows
from mmx.experiment.frozen_probe import PROBE
from mmx.experiment.metrics import metrics
from mmx.experiment.pages import run_page
from mmx.experiment.prediction_rows import parquet, prediction_table
from mmx.experiment.run_result import RunResult
from mmx.experiment.run_setup import RunSetup
from mmx.inference import Decisions, keep_hooks, keep_model
from mmx.runs import RunFolder


def keep_run(setup: RunSetup, folder: RunFolder, result: RunResult) -> dict[str, object]:
    """Write weights, predictions, metrics and report, and mark the run as finished.

    Returns:
        The metrics, as metrics.json holds them.
    """
    prepared, outcome = setup.prepared, result.outcome
    keep_model(folder, setup.learner, prepared, setup.initial, _decisions(result))
    keep_hooks(folder, outcome.fitted)
    table = prediction_table(prepared, outcome.task, result.parts, outcome.predictions)
    folder.write_bytes("predictions.parquet", parquet(table))
    controls = _controls(setup, result)
    if controls:
        folder.write_bytes(CONTROLS, parquet(joined_rows(controls)))
    found = metrics(outcome, setup.learner, _facts(setup, result))
    folder.write_json("metrics.json", found)
    sections = setup.hooks.report_sections(folder.path, found)
    folder.write_text("report.html", run_page(setup, result, sections))
    folder.event("finished", seconds=result.seconds)
    folder.finish(digest=setup.digest)
    return found


def _controls(setup: RunSetup, result: RunResult) -> list[pd.DataFrame]:
    """Answers of the simpler models on frozen features, for studies."""
    answers = {PROBE: result.probe.answers}
    answers |= {one.title: one.answers for one in result.zero_shot.values()}
    manifest, rows = setup.prepared.manifest, result.parts["test"].rows
    return [
        control_rows(name, found, manifest, rows)
        for name, found in answers.items()
        if found is not None
    ]


def _decisions(result: RunResult) -> Decisions:
    outcome = result.outcome
    return Decisions(result.history.precision, outcome.placeholders.untrained, outcome.task.state())


def _facts(setup: RunSetup, result: RunResult) -> dict[str, object]:
    """What metrics.json holds of the run besides its figures."""
    history, compared = result.history, result.zero_shot
    shown = {name: one.to_json() for name, one in compared.items()}
    return {
        "digest": setup.digest,
        "data": setup.digests,
        "seconds": result.seconds,
        "best_epoch": history.best_epoch,
        "precision": history.precision,
        "stopped_early": history.stopped_early,
        "test_set_accesses": result.accesses,
        "leaky": setup.spec.leaky,
        "data_report": result.data_report.to_json(),
        "probe": result.probe.to_json(),
        **({"zero_shot": shown} if shown else {}),
        "encoded": dict(result.sources.encoded),
    }
