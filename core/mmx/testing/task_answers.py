"""Laws of tasks: columns of predictions, wrong answers, and what is decided on validation."""

import json
from io import BytesIO
from typing import TYPE_CHECKING

import pandas as pd
import torch

from mmx.interfaces import Task, TaskParams
from mmx.runs import parquet_table
from mmx.testing.law import LawError, Laws, demand, same
from mmx.testing.task_rows import TaskRows, plain, rows_of_task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 5  # wrong answers


def columns(params: TaskParams) -> str:
    """Columns of predictions have names of their own and come back from a Parquet file."""
    asked = rows_of_task(params)
    task, n = asked.task, len(asked.known)
    truths, answers = task.truths(asked.scored), task.answers(asked.random)
    demand("label" in truths, f"truths gives no column label: {', '.join(truths)}")
    demand("predicted" in answers, f"answers gives no column predicted: {', '.join(answers)}")
    values = task.values(asked.random.double()).numpy()
    shown = {f"p_{name}": values[:, at] for at, name in enumerate(task.names)}
    twice = {*truths} & {*answers} | {*shown} & ({*truths} | {*answers})
    demand(not twice, f"two columns are called {', '.join(sorted(twice))}")
    table = {**truths, **answers, **shown}
    for name, column in table.items():
        demand(len(column) == n, f"column {name} has {len(column)} rows of {n}")
    _comes_back(table)
    demand(not pd.isna(truths["label"]).any(), "a known row has no label in the column label")
    words = task.words(asked.target.numpy())
    blank = [not word for word in words]
    unknown = (~task.known(asked.target)).tolist()
    demand(blank == unknown, "words must be empty for unknown rows, and for no others")
    return ", ".join(table)


def _comes_back(table: "dict[str, NDArray[np.generic]]") -> None:
    """Written as predictions.parquet and read again, every cell is as before."""
    frame, file = pd.DataFrame(table), BytesIO()
    try:
        frame.to_parquet(file, index=False)
    except (TypeError, ValueError) as error:
        demand(False, f"the columns cannot be written to a Parquet file: {error}")
    again = parquet_table(file.getvalue())
    for name in frame:
        kept = frame[name].equals(again[name].astype(frame[name].dtype))
        demand(kept, f"column {name} comes back changed from a Parquet file")


def wrong(params: TaskParams) -> str:
    """Wrong answers are wrong, at most as many as asked for, the most confident first."""
    asked = rows_of_task(params)
    found = asked.task.wrong(asked.random, asked.scored, MOST)
    demand(len(found) <= MOST, f"{len(found)} wrong answers, {MOST} were asked for")
    for one in found:
        inside = 0 <= one.row < len(asked.known) and 0 <= one.answer < len(asked.task.names)
        demand(inside, f"row {one.row} or answer {one.answer} does not exist")
        shares = 0 <= one.confidence <= 1 and 0 <= one.of_truth <= 1
        demand(shares, f"confidences are in 0 to 1, got {one.confidence} and {one.of_truth}")
        demand(one.true != one.predicted, f"{one.true!r} is called wrong and is right")
    order = [one.confidence for one in found]
    demand(order == sorted(order, reverse=True), "the most confident come first")
    fewer = asked.task.wrong(asked.fitting, asked.scored, len(asked.known))
    many = asked.task.wrong(asked.random, asked.scored, 10 * len(asked.known))
    words = f"{len(fewer)} wrong answers of a model that fits, {len(many)} by chance"
    demand(not many or len(fewer) < len(many), words)
    return words


def state(params: TaskParams) -> str:
    """What is decided on validation is plain data, and the task comes back from it."""
    asked = rows_of_task(params)
    before = str(asked.task.state())
    decided = asked.task.fitted(asked.random, asked.scored, asked.groups)
    demand(isinstance(decided, Task), f"fitted must give a Task, got {type(decided)}")
    demand(str(asked.task.state()) == before, "fitted changes the task that it was asked of")
    kept = decided.state()
    try:
        text = json.dumps(kept, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise LawError(f"its state cannot be written as JSON: {error}") from error
    again = params.build(asked.task.names, json.loads(text))
    demand(again.state() == kept, "its state written as JSON and read again is another")
    _alike(asked, decided, again)
    return ", ".join(kept) or "it decides nothing"


def _alike(asked: TaskRows, decided: Task, again: Task) -> None:
    """Both answer and score alike."""
    words = "built anew from its state"
    for name, column in decided.answers(asked.random).items():
        kept = pd.Series(column).equals(pd.Series(again.answers(asked.random)[name]))
        demand(kept, f"{words}: another column {name}")
    same({"values": again.values(asked.random)}, {"values": decided.values(asked.random)}, words)
    data = plain(asked.random), asked.scored.numpy(), asked.groups
    first, second = (json.dumps(one.evaluate(*data).to_json()) for one in (decided, again))
    demand(first == second, f"{words}: other scores")


def inputs_kept(params: TaskParams) -> None:
    """Neither targets nor answers are changed in place."""
    asked = rows_of_task(params)
    task = asked.task
    target = asked.scored
    found = asked.random
    given = plain(found)
    kept = target.clone(), found.clone(), given.copy()
    for call in (task.for_training, task.counts, task.known, task.truths):
        call(target)
    for read in (task.strata, task.words, task.check):
        read(target.numpy())
    for answer in (task.answers, task.values, task.predicted):
        answer(found)
    task.wrong(found, target, MOST)
    task.fitted(found, target, asked.groups)
    task.evaluate(given, target.numpy(), asked.groups)
    task.quick_scores(given, target.numpy())
    demand(torch.equal(target, kept[0]), "a target is changed in place")
    unchanged = torch.equal(found, kept[1]) and bool((given == kept[2]).all())
    demand(unchanged, "answers are changed in place")


ANSWERS: Laws = {law.__name__: law for law in (columns, wrong, state, inputs_kept)}
