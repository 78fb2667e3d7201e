"""Laws of losses, C10 among them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from safetensors.torch import load, save
from torch import Tensor

from mmx.interfaces import Loss, LossParams, LossValue, Outputs
from mmx.testing.global_state import untouched
from mmx.testing.law import Laws, demand, finite, same, shape
from mmx.testing.pretended_device import runs_elsewhere
from mmx.testing.real_run import trains
from mmx.testing.targets import (
    KNOWN,
    LEVELS,
    ROWS,
    SEVERAL,
    SINGLE,
    Question,
    outside,
    questions_of,
    refusal,
)

LossLaw = Callable[[LossParams, Question], str | None]


def each_question(law: LossLaw, params: LossParams) -> str | None:
    """The law for each task that the loss declares, in models of one, two and three modalities."""
    told: dict[str, list[str]] = {}
    for asked in questions_of(params):
        try:
            words = law(params, asked) or ""
        except Exception as error:
            error.add_note(f"(task {asked.task}; modalities {', '.join(asked.modalities)})")
            raise
        told.setdefault(words, []).append(asked.task)
    if len(told) == 1:
        return next(iter(told))
    named = {words: ", ".join(dict.fromkeys(tasks)) for words, tasks in told.items() if words}
    return "; ".join(f"{tasks}: {words}" for words, tasks in named.items())


def built(params: LossParams, asked: Question, names: Sequence[str] = ()) -> Loss:
    """The loss for imbalanced counts in a model of these modalities, in eval mode.

    Args:
        params: of the loss.
        asked: the counts, and the modalities unless others are given.
        names: other modalities.
    """
    loss = params.build(asked.counts).eval()
    loss.set_modalities(tuple(names) or asked.modalities)
    return loss


def builds(params: LossParams, asked: Question) -> str:
    """``build`` gives a loss, also where a class has no row."""
    loss = params.build(asked.bare)
    demand(isinstance(loss, Loss), "build must give a Loss")
    untried = "".join(f"; not tried: {one}" for one in outside(params)[1])
    return f"{type(built(params, asked)).__name__}{untried}"


def scalar(params: LossParams, asked: Question) -> None:
    """A finite scalar for 1, 2 and 5 samples, and named terms that are detached scalars."""
    for rows in (1, 2, 5):
        value = built(params, asked)(asked.outputs(rows), asked.target[:rows], 0.5)
        demand(value.total.ndim == 0, f"the total must be a scalar, got {shape(value.total)}")
        finite({"total": value.total, **value.terms}, f"with {rows} samples")
        demand(bool(value.terms), "it names no terms")
        for name, term in value.terms.items():
            good = term.ndim == 0 and not term.requires_grad
            demand(good, f"terms[{name!r}] must be a detached scalar")


def extremes(params: LossParams, asked: Question) -> None:
    """C10: value and gradient finite for outputs of +-1e4 and batches of one class."""
    for rows in (1, 5):
        for value_of_all in asked.values:
            target = value_of_all.expand_as(asked.target[:rows])
            for progress in (0.0, 1.0):
                outputs = asked.outputs(rows, far=True)
                value = built(params, asked)(outputs, target, progress)
                words = f"for logits of +-1e4 and {rows} samples of class {value_of_all.tolist()}"
                finite({"total": value.total, **_gradients(value, outputs)}, words)


def gradient(params: LossParams, asked: Question) -> None:
    """A gradient reaches the logits, and those of all parts that it reads."""
    loss, outputs = built(params, asked), asked.outputs(ROWS)
    grads = _gradients(loss(outputs, asked.target, 0.5), outputs)
    for name in ("logits", *loss.parts):
        demand(bool(grads[name].any()), f"no gradient reaches {name}")


def reads_its_parts(params: LossParams, asked: Question) -> None:
    """It runs with the parts that it declares, and no others."""
    loss, outputs = built(params, asked), asked.outputs(ROWS)
    own = {name: outputs.part_logits[name] for name in loss.parts if name in outputs.part_logits}
    loss(replace(outputs, part_logits=own), asked.target, 0.5)


def missing(params: LossParams, asked: Question) -> None:
    """Part logits of a missing modality never matter, exactly."""
    outputs = replace(asked.outputs(ROWS), present=asked.some)
    other = 40.0 * torch.arange(outputs.logits.shape[1])
    absent = {
        name: torch.where(there[:, None], outputs.part_logits[name], other)
        for name, there in zip(asked.modalities, asked.some.T, strict=True)
    }
    part_logits = {**outputs.part_logits, **absent}
    wanted = built(params, asked)(outputs, asked.target, 0.5).total
    got = built(params, asked)(replace(outputs, part_logits=part_logits), asked.target, 0.5).total
    same({"total": got}, {"total": wanted}, "other logits of a missing modality", exact=True)


def named(params: LossParams, asked: Question) -> str:
    """Told the names of its modalities, in any order, it reads their parts by these names."""
    outputs, there = asked.outputs(ROWS), asked.modalities
    wanted = built(params, asked)(outputs, asked.target, 0.5).total
    turned = built(params, asked, there[::-1])(outputs, asked.target, 0.5).total
    same({"total": turned}, {"total": wanted}, "told of its modalities in another order")
    parts, new = built(params, asked).parts, {name: f"{name}_2" for name in there}
    if not {*parts} & {*there}:
        return f"it reads the parts {', '.join(parts) or 'none'}, whatever modalities there are"
    if refused := refusal(params, tuple(new.values())):
        return f"told of others, it asks for more: {refused}"
    loss = built(params, asked, tuple(new.values()))
    kept = [name for name in loss.parts if name in there]
    words = f"told of {', '.join(new.values())}, which it does not refuse, it reads"
    demand(not kept, f"{words} {', '.join(kept)}; write set_modalities or check_modalities")
    given = {new.get(name, name): part for name, part in outputs.part_logits.items()}
    renamed = replace(outputs, part_logits=given, modalities=tuple(new.values()))
    got = loss(renamed, asked.target, 0.5).total
    same({"total": got}, {"total": wanted}, "of modalities with other names", exact=True)
    return "by their names"


def batch_permutation(params: LossParams, asked: Question) -> None:
    """The order of the samples does not matter."""
    order = torch.tensor([3, 0, 4, 1, 2])
    outputs = asked.outputs(ROWS)
    wanted = built(params, asked)(outputs, asked.target, 0.5).total
    got = built(params, asked)(_rows(outputs, order), asked.target[order], 0.5).total
    same({"total": got}, {"total": wanted}, "reordered")


def batches_add_up(params: LossParams, asked: Question) -> str | None:
    """Of several labels or levels: small batches, weighed by their rows, are the whole batch."""
    if asked.task != SEVERAL and params.fits(SINGLE):
        return "not asked of a loss for one label"
    if asked.task not in KNOWN:
        return "not asked of a task that these laws do not know: its loss may compare rows"
    loss, outputs = built(params, asked), asked.outputs(ROWS)
    total = outputs.logits.new_zeros(())
    for rows in ([0, 1], [2], [3, 4]):
        part = loss(_rows(outputs, torch.tensor(rows)), asked.target[rows], 0.5).total
        total = total + part * len(rows) / 5
    wanted = loss(outputs, asked.target, 0.5).total
    same({"total": total}, {"total": wanted}, "in batches of 2, 1 and 2 samples")
    return None


def unknown_labels(params: LossParams, asked: Question) -> str | None:
    """Outputs of unknown labels have a gradient of exactly 0 and never matter."""
    if asked.task != SEVERAL:
        return "its target has no unknown labels"
    loss = built(params, asked)
    outputs = asked.outputs(ROWS)
    unknown = asked.target < 0
    value = loss(outputs, asked.target, 0.5)
    for name, slope in _gradients(value, outputs).items():
        demand(not slope[unknown].any(), f"a gradient reaches {name} of an unknown label")
    moved = replace(
        outputs,
        logits=torch.where(unknown, 40.0, outputs.logits),
        part_logits={k: torch.where(unknown, -40.0, z) for k, z in outputs.part_logits.items()},
    )
    got = loss(moved, asked.target, 0.5).total
    same({"total": got}, {"total": value.total}, "other outputs of unknown labels", exact=True)
    return None


def label_permutation(params: LossParams, asked: Question) -> str | None:
    """The order of the labels does not matter."""
    order = torch.tensor([2, 0, 1])
    if asked.task != SEVERAL:
        return "its target has no labels side by side"
    outputs = asked.outputs(ROWS)
    moved = replace(
        outputs,
        logits=outputs.logits[:, order],
        part_logits={name: z[:, order] for name, z in outputs.part_logits.items()},
    )
    wanted = built(params, asked)(outputs, asked.target, 0.5).total
    turned = replace(asked, counts=asked.counts[order])
    got = built(params, turned)(moved, asked.target[:, order], 0.5).total
    same({"total": got}, {"total": wanted}, "labels reordered")
    return None


def probabilities(params: LossParams, asked: Question) -> str | None:
    """Its link gives probabilities: finite, >= 0, of sum 1, also for outputs of +-30."""
    if asked.no_probabilities:
        return f"not asked, says the task: {asked.no_probabilities}"
    for size in (1.0, 30.0):
        raw = size * torch.randn(9, asked.link.inputs)
        adjust = built(params, asked).adjust
        found = asked.link.log_probs(adjust(asked.link(raw)))
        finite({"log-probabilities": found}, f"for outputs of about +-{size:.0f}")
        total = found.exp().sum(dim=-1)
        same({"sum": total}, {"sum": torch.ones_like(total)}, "the sum of probabilities")
    if asked.task == LEVELS:
        return f"{asked.link.inputs} outputs for {len(asked.counts)} levels"
    return None


def adjusts(params: LossParams, asked: Question) -> None:
    """``adjust`` gives finite logits of the same shape."""
    logits = asked.outputs(ROWS).logits.detach()
    adjust = built(params, asked).adjust
    adjusted = adjust(logits)
    demand(adjusted.shape == logits.shape, f"adjust gives {shape(adjusted)}, not {shape(logits)}")
    finite({"adjusted logits": adjusted}, "after adjust")


def random_state(params: LossParams, asked: Question) -> None:
    """Nothing of the whole process changes, but that training draws random numbers of torch."""
    with untouched("build", draws=True):
        loss = built(params, asked)
    with untouched("forward in eval mode"):
        loss(asked.outputs(ROWS), asked.target, 0.5)
    loss.train()
    with untouched("forward in training mode", draws=True):
        loss(asked.outputs(ROWS), asked.target, 0.5)


def inputs_kept(params: LossParams, asked: Question) -> None:
    """No input is changed in place, also where a modality is missing and in training."""
    for mode in (False, True):
        outputs, fresh = (replace(asked.outputs(ROWS), present=asked.some) for _ in range(2))
        target = asked.target.clone()
        with torch.no_grad():
            built(params, asked).train(mode)(outputs, target, 0.5)
        words = "it changes its inputs in place"
        demand(
            torch.equal(target, asked.target) and torch.equal(outputs.logits, fresh.logits), words
        )
        demand(torch.equal(outputs.present, fresh.present), words)
        for name, logits in outputs.part_logits.items():
            demand(torch.equal(logits, fresh.part_logits[name]), words)


def state(params: LossParams, asked: Question) -> None:
    """What is saved after some steps and loaded into a new one scores alike."""
    loss, other = built(params, asked).train(), built(params, asked)
    for step in range(3):
        loss(asked.outputs(ROWS, step), asked.target, 0.5)
    stored = {name: value.contiguous() for name, value in loss.state_dict().items()}
    other.load_state_dict(load(save(stored)))
    got, wanted = (
        one.eval()(asked.outputs(ROWS), asked.target, 0.5).total for one in (other, loss)
    )
    same({"total": got}, {"total": wanted}, "after some steps, saving and loading")


def device(params: LossParams, asked: Question) -> str | None:
    """All that it computes with moves to the device of its inputs."""
    given = (replace(asked.outputs(ROWS), present=asked.some), asked.target)
    return runs_elsewhere(built(params, asked), given, lambda loss, pair: loss(*pair, 0.5))


def _rows(outputs: Outputs, rows: Tensor) -> Outputs:
    """Some rows of the outputs, in this order."""
    parts = {name: logits[rows] for name, logits in outputs.part_logits.items()}
    present = outputs.present[rows]
    return replace(outputs, logits=outputs.logits[rows], part_logits=parts, present=present)


def _gradients(value: LossValue, outputs: Outputs) -> dict[str, Tensor]:
    """Gradients of all logits, zero where there is none."""
    wanted = {"logits": outputs.logits, **outputs.part_logits}
    grads = torch.autograd.grad(value.total, list(wanted.values()), allow_unused=True)
    pairs = zip(wanted.items(), grads, strict=True)
    return {name: torch.zeros_like(x) if grad is None else grad for (name, x), grad in pairs}


ASKED: tuple[LossLaw, ...] = (
    builds, scalar, extremes, gradient, reads_its_parts, missing, named, batch_permutation,
    batches_add_up, unknown_labels, label_permutation, probabilities, adjusts, random_state,
    inputs_kept, state, device,
)  # fmt: skip
LOSS: Laws = {law.__name__: partial(each_question, law) for law in ASKED} | {"trains": trains}
