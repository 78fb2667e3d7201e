"""Laws of tasks: scores with intervals, and what a report shows of them."""

import json
from collections.abc import Iterable
from itertools import chain
from math import isfinite, isnan

import torch
from torch import Tensor

from mmx.interfaces import (
    Content,
    Grid,
    Matrix,
    Plot,
    Scores,
    ScoreSection,
    ScoreTable,
    Summary,
    TaskParams,
)
from mmx.testing.law import Laws, demand
from mmx.testing.task_rows import plain, rows_of_task
from mmx.training import blocks_of, exchanged_gains

NEAR = 1e-9
MOST_COMPARED = 6


def headline(params: TaskParams) -> str:
    """The headline is one of the metrics, has an interval, and is the first of ``selects``."""
    asked = rows_of_task(params)
    found = asked.evaluated(asked.random)
    demand(isinstance(found, Scores), f"evaluate must give Scores, got {type(found)}")
    told = found.summary("patient")
    demand(told.metric in found.metrics, f"{told.metric!r} is none of {', '.join(found.metrics)}")
    demand(told.headline == found.metrics[told.metric], f"the headline is not {told.metric}")
    low = told.headline.low
    value = told.headline.value
    high = told.headline.high
    ends = f"{told.metric} {value:.3g} has the interval {low:.3g} to {high:.3g}"
    demand(low <= value <= high and low < high, f"{ends} on {found.samples} rows")
    first = next(iter(params.selects))
    words = f"the report speaks of {told.metric}, and epochs are chosen by {first}"
    demand(told.metric == first, words)
    demand(found.samples == len(asked.known), f"samples says {found.samples}")
    groups = len(set(asked.groups))
    demand(found.groups == groups, f"groups says {found.groups}, and there are {groups}")
    _shown(told, found)
    return f"{told.title} {told.headline.value:{told.form}}, {told.headline.ends()}"


def _shown(told: Summary, found: Scores) -> None:
    """How the headline is written and drawn."""
    strange = [name for name in told.compared if name not in found.metrics]
    demand(not strange, f"compared names {', '.join(strange)}, which is no metric")
    demand(len(told.compared) <= MOST_COMPARED, f"compared names more than {MOST_COMPARED} metrics")
    low, high = told.scale
    demand(low < high, f"its scale runs from {low} to {high}")
    if told.guess is not None:
        demand(low <= told.guess <= high, f"guessing gives {told.guess}, off its scale")
    for name in ("title", "ends", "meaning", "measured", "intervals"):
        demand(bool(getattr(told, name).strip()), f"its summary has no {name}")


def written(params: TaskParams) -> None:
    """Scores are plain data for metrics.json, under the names of the metrics."""
    asked = rows_of_task(params)
    found = asked.evaluated(asked.random)
    plain = json.loads(json.dumps(found.to_json()))
    demand("metrics" in plain, "to_json gives no metrics")
    for name, one in found.metrics.items():
        kept = plain["metrics"].get(name, {}).get("value")
        same = kept == one.value if isfinite(one.value) else kept is None or isnan(kept)
        demand(same, f"metrics.json has {name} {kept}, not {one.value}")


def row_permutation(params: TaskParams) -> None:
    """The order of the rows changes no score."""
    asked = rows_of_task(params)
    order = torch.randperm(len(asked.known), generator=torch.Generator().manual_seed(4))
    first, second = (asked.evaluated(asked.random, rows) for rows in (None, order))
    for name, one in first.metrics.items():
        gap = abs(one.value - second.metrics[name].value)
        demand(not gap > NEAR, f"{name} is {one.value:.4g}, reordered {gap:.3g} off")
    quick = asked.task.quick_scores(
        asked.random[order].double().numpy(), asked.scored[order].numpy()
    )
    for name, value in asked.quick(asked.random).items():
        demand(not abs(value - quick[name]) > NEAR, f"{name} of quick_scores depends on the order")


def selects(params: TaskParams) -> str:
    """Scores that may choose an epoch are there, and better for answers that fit the truth."""
    asked = rows_of_task(params)
    poor, good = asked.quick(asked.random), asked.quick(asked.fitting)
    for name, higher in params.selects.items():
        demand(name in poor, f"quick_scores gives no {name}")
        better = good[name] > poor[name] if higher else good[name] < poor[name]
        words = f"{name} is {good[name]:.3g} for answers that fit and {poor[name]:.3g} by chance"
        demand(
            better, f"{words}, and selects says that {'higher' if higher else 'lower'} is better"
        )
    first = next(iter(params.selects))
    whole = asked.evaluated(asked.random).metrics[first].value
    words = f"{first} is {poor[first]:.6g} after an epoch and {whole:.6g} in the report"
    demand(abs(poor[first] - whole) < 1e-6, words)
    return f"{first} {poor[first]:.3g} by chance, {good[first]:.3g} for answers that fit"


def gains(params: TaskParams) -> str:
    """What blocks of rows add to the difference of two epochs is what exchanging them adds."""
    asked = rows_of_task(params)
    kept, new = plain(asked.random), plain(asked.fitting)
    target = asked.scored.numpy()
    block = blocks_of(asked.groups)
    closed = []
    for name, higher in params.selects.items():
        found = asked.task.gains(name, kept, new, target, block.numpy())
        if found is None:
            continue

        def score(given: Tensor, name: str = name, sign: int = 1 if higher else -1) -> float:
            return sign * asked.task.quick_scores(given.numpy(), target)[name]

        answers = torch.from_numpy(kept), torch.from_numpy(new)
        wanted = exchanged_gains(score, *answers, block).numpy()
        demand(found.shape == wanted.shape, f"gains of {name} are {found.shape} for {len(wanted)}")
        gap = float(abs(found - wanted).max())
        demand(gap < NEAR, f"gains of {name} are {gap:.3g} off what exchanged answers gain")
        closed.append(name)
    return f"in closed form: {', '.join(closed)}" if closed else "by exchanged answers"


def sections(params: TaskParams) -> str:
    """Sections of its report have rows as long as their heads, and anchors of their own."""
    asked = rows_of_task(params)
    found = asked.evaluated(asked.random).sections("patient")
    anchors = [one.anchor for one in found]
    demand(len(set(anchors)) == len(anchors), f"two sections have one anchor: {anchors}")
    for one in found:
        demand(isinstance(one, ScoreSection), f"a section is a {type(one).__name__}")
        for content in one.content:
            words = _uneven(content)
            demand(not words, f"section {one.title!r}: {words}")
    return f"{len(found)} sections"


def _uneven(content: Content) -> str:
    """What is wrong with a table or a figure; empty where nothing is."""
    if isinstance(content, ScoreTable):
        facts = all(len(row.facts) == len(content.facts) for row in content.rows)
        scores = all(len(row.scores) in (0, len(content.scores)) for row in content.rows)
        return "" if facts and scores else "a row of scores is not as long as its head"
    if isinstance(content, Matrix):
        return _not_as_long(content.counts, len(content.names))
    if isinstance(content, Grid):
        return _not_as_long(content.rows, len(content.head))
    if isinstance(content, Plot):
        even = all(len(line.x) == len(line.y) > 0 for line in content.lines)
        return "" if content.lines and even else "a line has no points, or more along than up"
    return f"{type(content).__name__} is none of ScoreTable, Matrix, Plot and Grid"


def _not_as_long(rows: Iterable[tuple[object, ...]], wide: int) -> str:
    lengths = {len(row) for row in rows}
    return "" if lengths <= {wide} else f"rows of {sorted(lengths)} cells under {wide} heads"


def described_metrics(params: TaskParams) -> None:
    """Words on metrics are of metrics that are there."""
    asked = rows_of_task(params)
    found = asked.evaluated(asked.random)
    known = {*found.metrics, *params.selects, *chain(*[asked.quick(asked.random)])}
    strange = [name for name in found.described if name not in known]
    demand(not strange, f"described speaks of {', '.join(strange)}, which is no metric")


def answer_unit(params: TaskParams) -> str:
    """The unit of explanations is that of scores; none where answers are probabilities."""
    asked = rows_of_task(params)
    own, told = asked.task.answer_unit, asked.evaluated(asked.random).answer_unit
    words = "Task.answer_unit, of explanations, and Scores.answer_unit, of the report"
    demand(own == told, f"{words}, are {own!r} and {told!r}")
    return "probabilities" if own is None else f"numbers in {own!r}"


SCORES: Laws = {
    law.__name__: law
    for law in (
        headline, written, row_permutation, selects, gains, sections, described_metrics,
        answer_unit,
    )
}  # fmt: skip
