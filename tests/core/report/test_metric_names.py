"""A report knows no metric by name: what it calls one, the task of the run said."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import mmx.report
from mmx import Plugins
from mmx.evaluation import CLASS_WORDS
from mmx.interfaces import MetricWords, TaskParams
from mmx.report import RunReport, render_run
from mmx_plugins.tasks.single_label import SingleLabelScores

ROOM = Path(mmx.report.__file__).parent
OWN = {name: f"Seal {name.encode().hex()}" for name in CLASS_WORDS}


class Renamed(SingleLabelScores):
    """The same scores under names that nobody else gives them."""

    @property
    def described(self) -> Mapping[str, MetricWords]:
        words = super().described
        return {name: dataclasses.replace(words[name], title=own) for name, own in OWN.items()}


def test_no_file_of_the_reports_names_a_metric_of_an_installed_task() -> None:
    tasks = [Plugins().find("task", one.type) for one in Plugins().installed("task")]
    names = {name for task in tasks if issubclass(task, TaskParams) for name in task.selects}
    names |= CLASS_WORDS.keys()
    assert len(names) > 10
    files = [file for file in ROOM.rglob("*") if file.suffix in (".py", ".j2")]
    quoted = re.compile("[\"'](" + "|".join(names) + ")[\"']")
    assert {file.name: found for file in files if (found := quoted.findall(file.read_text()))} == {}


def test_a_page_calls_every_metric_as_its_task_does(
    scored: Callable[..., SingleLabelScores], full_report: Callable[..., RunReport]
) -> None:
    page = render_run(full_report(evaluation=Renamed(scored().found)))
    for name, words in CLASS_WORDS.items():
        assert OWN[name] in page
        assert f">{words.title}<" not in page
    assert f"chosen by validation {named(OWN['balanced_accuracy'])}." in page
    assert f"validation {OWN['nll']}" in page


def named(title: str) -> str:
    """Within a sentence."""
    return title[:1].lower() + title[1:]
