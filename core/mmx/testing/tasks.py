"""Laws of tasks: targets, link, counts and what stands for a row of which nothing is seen."""

import numpy as np
import torch
from torch import Tensor

from mmx.interfaces import Sample, Target, Task, TaskParams
from mmx.testing.global_state import untouched
from mmx.testing.law import Laws, demand, finite, same, shape
from mmx.testing.real_run import trains
from mmx.testing.task_answers import ANSWERS
from mmx.testing.task_comparing import COMPARING
from mmx.testing.task_rows import TaskRows, default_loss, rows_of_task, without
from mmx.testing.task_scores import SCORES
from mmx.testing.task_specs import fits

STRANGE = "?!"  # a label that nobody has


def builds(params: TaskParams) -> str:
    """``build`` gives a task of the type that losses and hooks name, and a score for epochs."""
    task = rows_of_task(params).task
    demand(isinstance(task, Task), f"build must give a Task, got {type(task)}")
    named = params.entry_point.partition(".")[2]
    demand(task.type == named, f"its type is {task.type!r}, and its settings say {named!r}")
    unique = len(set(task.names)) == len(task.names) > 0
    demand(unique, f"names must be one or more, each once: {task.names}")
    demand(bool(params.selects), "selects names no score, so no epoch can be chosen")
    return f"{len(task.names)} names"


def targets(params: TaskParams) -> str:
    """Each row gets a target of one kind; what is blank or cannot be read is told and unknown."""
    asked = rows_of_task(params)
    found = [asked.task.target(one) for one in asked.samples]
    demand(all(isinstance(one, Target) for one in found), "target must give a Target")
    demand(len({np.shape(one.value) for one in found}) == 1, "targets have several lengths")
    known = asked.task.known(asked.target)
    demand(shape(known) == f"[{len(found)}]", f"known gives {shape(known)}, not [{len(found)}]")
    for one, row, sure in zip(found, asked.samples, known.tolist(), strict=True):
        words = f"{row.id}: the fault is {one.fault!r}, and known says {sure}"
        demand(bool(one.fault) != sure, words)
    demand(bool(known.any()), "no row of its example has a known label")
    for odd in (without(asked.samples[0]), _strange(asked)):
        told = asked.task.target(odd)
        shown = odd.label or next(iter(odd.labels.values()), None)
        demand(bool(told.fault), f"a row with the label {shown!r} has no fault")
    return f"{len(found)} rows, {int(known.sum())} known"


def _strange(asked: TaskRows) -> Sample:
    """A row whose labels are no labels."""
    return Sample("row", "group", label=STRANGE, labels=dict.fromkeys(asked.task.names, STRANGE))


def shapes(params: TaskParams) -> str:
    """Link, answers and losses have a row for each sample, for 1, 2 and 5 of them."""
    asked = rows_of_task(params)
    task, inputs = asked.task, asked.task.link().inputs
    demand(isinstance(inputs, int) and inputs > 0, f"the link reads {inputs!r} outputs of a head")
    for rows in (1, 2, 5):
        logits = task.link()(asked.raw(rows))
        found = task.link().log_probs(logits)
        first = logits.ndim == 2 and len(logits) == len(found) == rows
        words = f"logits {shape(logits)} and log_probs {shape(found)} of {rows} rows"
        demand(first, f"{words}; samples come first, and logits have two axes")
        values, given = task.values(found), task.predicted(found)
        wanted = f"[{rows}, {len(task.names)}]"
        demand(shape(values) == wanted, f"values are {shape(values)}, not {wanted}")
        inside = shape(given) == f"[{rows}]" and bool(
            ((given >= 0) & (given < len(task.names))).all()
        )
        demand(inside, f"predicted must be [{rows}] places among names, got {given.tolist()}")
        part = task.part_loss(found, task.for_training(asked.scored[:rows]))
        demand(shape(part) == f"[{rows}]", f"part_loss is {shape(part)}, not [{rows}]")
        finite({"log_probs": found, "values": values, "part_loss": part}, f"with {rows} samples")
    return f"{inputs} outputs for {len(task.names)} names"


def probabilities(params: TaskParams) -> None:
    """Its link gives probabilities: finite, >= 0, of sum 1, also for outputs of +-30."""
    asked = rows_of_task(params)
    for size in (1.0, 30.0):
        found = asked.log_probs(asked.raw(9, size=size))
        finite({"log-probabilities": found}, f"for outputs of about +-{size:.0f}")
        total = found.exp().sum(dim=-1)
        same({"sum": total}, {"sum": torch.ones_like(total)}, "the sum of probabilities")
        values = asked.task.values(found)
        inside = bool(((values >= 0) & (values <= 1 + 1e-5)).all())
        demand(inside, "the columns p_NAME hold values outside of 0 to 1")


def batch_independence(params: TaskParams) -> None:
    """A row is answered the same alone as among others."""
    asked = rows_of_task(params)
    raw = asked.raw(5)
    whole = asked.log_probs(raw)
    for row in range(5):
        alone = asked.log_probs(raw[[row]])
        words = f"row {row} alone and among others"
        same({"log_probs": alone}, {"log_probs": whole[[row]]}, words)
        given = asked.task.predicted(alone).item()
        demand(given == asked.task.predicted(whole)[row].item(), f"{words}: another answer")


def unknown_labels(params: TaskParams) -> str | None:
    """Of several labels: unknown ones get a gradient of exactly 0, and are in no score."""
    asked = rows_of_task(params)
    unknown = _unknown(asked)
    if unknown is None:
        return "its target has no labels side by side"
    task, raw = asked.task, asked.raw(len(asked.known)).requires_grad_()
    loss = task.part_loss(asked.log_probs(raw), task.for_training(asked.scored)).sum()
    (slope,) = torch.autograd.grad(loss, [raw])
    demand(bool(slope[~unknown].any()), "no gradient reaches a known label")
    trained = task.for_training(asked.scored) == asked.scored  # others count by a stated policy
    reached = slope[unknown & trained]
    demand(not reached.any(), "a gradient reaches the outputs of an unknown label")
    moved = asked.log_probs(torch.where(unknown, 9.0, raw.detach()))
    before = asked.log_probs(raw.detach())
    demand(
        asked.told(moved) == asked.told(before),
        "evaluate gives other scores when answers to unknown labels change",
    )
    demand(asked.quick(moved) == asked.quick(before), "quick_scores look at unknown labels")
    return f"{int(unknown.sum())} unknown labels"


def _unknown(asked: TaskRows) -> Tensor | None:
    """[m, L], labels that are blank in known rows; None where a row has one target."""
    names, wide = asked.task.names, asked.target.ndim == 2
    if not wide or asked.target.shape[1] != len(names) or asked.task.link().inputs != len(names):
        return None
    rows = [asked.samples[row].labels for row in asked.known.tolist()]
    return torch.tensor([[one.get(name) is None for name in names] for one in rows])


def strata(params: TaskParams) -> str:
    """Rows are sorted for the split by known classes, of which each has a name; unknown is -1."""
    asked = rows_of_task(params)
    found = asked.task.strata(asked.target.numpy())
    blank = ~asked.task.known(asked.target).numpy()
    demand(len(found) > 0, "it gives no strata, so parts could have any labels")
    for one in found:
        told = f"the strata {one.name or 'of the task'!r}"
        demand(one.labels.shape == blank.shape, f"{told} have {one.labels.shape} places")
        demand(one.labels.dtype.kind == "i", f"{told} are {one.labels.dtype}, not whole numbers")
        inside = ((one.labels >= -1) & (one.labels < len(one.classes))).all()
        demand(bool(inside), f"{told} name a place outside of {len(one.classes)} classes")
        demand(bool((one.labels[blank] == -1).all()), f"{told} sort a row that is unknown")
    several = any(len(np.unique(one.labels[one.labels >= 0])) > 1 for one in found)
    demand(several, "all rows of its example are of one class")
    return f"{len(found)} ways to sort"


def counts(params: TaskParams) -> str:
    """Class counts are finite and do not depend on the order of the rows."""
    asked = rows_of_task(params)
    found = asked.task.counts(asked.scored)
    finite({"counts": found}, "of the example")
    turned = asked.task.counts(asked.scored.flip(0))
    same({"counts": turned}, {"counts": found}, "of the rows in reverse")
    if params.exclusive:
        wanted = torch.bincount(asked.scored, minlength=len(asked.task.names))
        words = "exclusive promises the rows of each class"
        same({"counts": found}, {"counts": wanted}, words, exact=True)
    return f"counts {shape(found)}"


def baseline(params: TaskParams) -> str:
    """What is guessed of a row of which nothing is seen is no worse than a head that is silent."""
    asked = rows_of_task(params)
    task, found = asked.task, asked.task.counts(asked.scored)
    guess = task.guess(default_loss(params).build(found).prior(found)).float()
    silent = asked.log_probs(torch.zeros(len(asked.known), task.link().inputs))
    words = f"guess gives {shape(guess)}, and an answer is {shape(silent[0])}"
    demand(guess.shape == silent[0].shape, words)
    finite({"guess": guess}, "of the prior of its default loss")
    target = task.for_training(asked.scored)
    own, other = (
        float(task.part_loss(one, target).mean())
        for one in (guess.expand_as(silent), silent.detach())
    )
    demand(own <= other + 1e-6, f"its mean part_loss is {own:.3g}, that of zeros is {other:.3g}")
    asked.evaluated(guess.expand_as(silent))
    return f"part_loss {own:.3g}, of zeros {other:.3g}"


def random_state(params: TaskParams) -> None:
    """Nothing of the whole process changes, whatever is asked."""
    with untouched("build or target"):
        asked = rows_of_task(params)
        target = asked.target
    random = asked.random
    with untouched("evaluate"):
        asked.evaluated(random)
    with untouched("fitted"):
        asked.task.fitted(random, asked.scored, asked.groups)
    with untouched("strata or counts"):
        asked.task.strata(target.numpy())
        asked.task.counts(asked.scored)


OWN: Laws = {
    law.__name__: law
    for law in (
        builds,
        targets,
        shapes,
        probabilities,
        batch_independence,
        unknown_labels,
        strata,
        counts,
        baseline,
        random_state,
    )
}
TASK: Laws = {**OWN, **SCORES, **ANSWERS, **COMPARING, "fits": fits, "trains": trains}
