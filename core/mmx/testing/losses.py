"""Laws of losses, C10 among them."""

from dataclasses import replace

import torch
from safetensors.torch import load, save
from torch import Tensor

from mmx.errors import ShapeError
from mmx.interfaces import Loss, LossParams, LossValue, Outputs
from mmx.testing.global_state import untouched
from mmx.testing.law import Laws, demand, finite, same, shape
from mmx.testing.pretended_device import runs_elsewhere
from mmx.testing.real_run import trains
from mmx.testing.targets import LEVELS, SEVERAL, SINGLE, question_of

SOME = torch.tensor([[True, False], [False, True], [True, True], [True, False], [True, True]])


def built(params: LossParams) -> Loss:
    """The loss for imbalanced counts, in eval mode."""
    return params.build(question_of(params).counts).eval()


def builds(params: LossParams) -> str:
    """``build`` gives a loss, also where a class has no row."""
    loss = params.build(question_of(params).bare)
    demand(isinstance(loss, Loss), "build must give a Loss")
    return type(built(params)).__name__


def scalar(params: LossParams) -> None:
    """A finite scalar for 1, 2 and 5 samples, and named terms that are detached scalars."""
    asked = question_of(params)
    for rows in (1, 2, 5):
        value = built(params)(asked.outputs(rows), asked.target[:rows], 0.5)
        demand(value.total.ndim == 0, f"the total must be a scalar, got {shape(value.total)}")
        finite({"total": value.total, **value.terms}, f"with {rows} samples")
        demand(bool(value.terms), "it names no terms")
        for name, term in value.terms.items():
            good = term.ndim == 0 and not term.requires_grad
            demand(good, f"terms[{name!r}] must be a detached scalar")


def extremes(params: LossParams) -> None:
    """C10: value and gradient finite for outputs of +-1e4 and batches of one class."""
    asked = question_of(params)
    for rows in (1, 5):
        for value_of_all in asked.values:
            target = torch.full_like(asked.target[:rows], value_of_all)
            for progress in (0.0, 1.0):
                outputs = asked.outputs(rows, far=True)
                value = built(params)(outputs, target, progress)
                words = f"for logits of +-1e4 and {rows} samples of class {value_of_all}"
                finite({"total": value.total, **_gradients(value, outputs)}, words)


def gradient(params: LossParams) -> None:
    """A gradient reaches the logits, and those of all parts that it reads."""
    asked = question_of(params)
    loss, outputs = built(params), asked.outputs(5)
    grads = _gradients(loss(outputs, asked.target, 0.5), outputs)
    for name in ("logits", *loss.parts):
        demand(bool(grads[name].any()), f"no gradient reaches {name}")


def reads_its_parts(params: LossParams) -> None:
    """It runs with the parts that it declares, and no others."""
    asked = question_of(params)
    loss, outputs = built(params), asked.outputs(5)
    own = {name: outputs.part_logits[name] for name in loss.parts if name in outputs.part_logits}
    loss(replace(outputs, part_logits=own), asked.target, 0.5)


def missing(params: LossParams) -> None:
    """Part logits of a missing modality never matter, exactly."""
    asked = question_of(params)
    outputs = replace(asked.outputs(5), present=SOME)
    other = 40.0 * torch.arange(outputs.logits.shape[1])
    part_logits = {
        name: torch.where(SOME[:, [column]], outputs.part_logits[name], other)
        for column, name in enumerate(("image", "text"))
    }
    wanted = built(params)(outputs, asked.target, 0.5).total
    got = built(params)(replace(outputs, part_logits=part_logits), asked.target, 0.5).total
    same({"total": got}, {"total": wanted}, "other logits of a missing modality", exact=True)


def named(params: LossParams) -> str:
    """Told the names of its modalities, in any order, it reads their parts by these names."""
    asked = question_of(params)
    outputs, there = asked.outputs(5), ("image", "text")
    wanted = built(params)(outputs, asked.target, 0.5).total
    turned = _told(params, there[::-1])(outputs, asked.target, 0.5).total
    same({"total": turned}, {"total": wanted}, "told of its modalities in another order")
    names = ("scan", "words")
    try:
        params.check_modalities(names)
    except ShapeError as error:
        return f"told of others, it asks for more: {error}"
    loss = _told(params, names)
    if not {*loss.parts} & {*names}:
        return (
            f"it reads the parts {', '.join(loss.parts) or 'none'}, whatever modalities there are"
        )
    parts = {new: outputs.part_logits[old] for new, old in zip(names, there, strict=True)}
    renamed = replace(outputs, part_logits=parts, modalities=names)
    got = loss(renamed, asked.target, 0.5).total
    same({"total": got}, {"total": wanted}, "of modalities with other names", exact=True)
    return f"by name: {', '.join(loss.parts)}"


def _told(params: LossParams, names: tuple[str, ...]) -> Loss:
    """The loss in a model of these modalities."""
    loss = built(params)
    loss.set_modalities(names)
    return loss


def batch_permutation(params: LossParams) -> None:
    """The order of the samples does not matter."""
    asked, order = question_of(params), torch.tensor([3, 0, 4, 1, 2])
    outputs = asked.outputs(5)
    wanted = built(params)(outputs, asked.target, 0.5).total
    got = built(params)(_rows(outputs, order), asked.target[order], 0.5).total
    same({"total": got}, {"total": wanted}, "reordered")


def batches_add_up(params: LossParams) -> str | None:
    """Of several labels or levels: small batches, weighed by their rows, are the whole batch."""
    asked = question_of(params)
    if asked.task == SINGLE:
        return "not asked of a loss for one label"
    loss, outputs = built(params), asked.outputs(5)
    total = outputs.logits.new_zeros(())
    for rows in ([0, 1], [2], [3, 4]):
        part = loss(_rows(outputs, torch.tensor(rows)), asked.target[rows], 0.5).total
        total = total + part * len(rows) / 5
    wanted = loss(outputs, asked.target, 0.5).total
    same({"total": total}, {"total": wanted}, "in batches of 2, 1 and 2 samples")
    return None


def unknown_labels(params: LossParams) -> str | None:
    """Outputs of unknown labels have a gradient of exactly 0 and never matter."""
    asked = question_of(params)
    if asked.task != SEVERAL:
        return "its target has no unknown labels"
    loss = built(params)
    outputs = asked.outputs(5)
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


def label_permutation(params: LossParams) -> str | None:
    """The order of the labels does not matter."""
    asked, order = question_of(params), torch.tensor([2, 0, 1])
    if asked.task != SEVERAL:
        return "its target has no labels side by side"
    outputs = asked.outputs(5)
    moved = replace(
        outputs,
        logits=outputs.logits[:, order],
        part_logits={name: z[:, order] for name, z in outputs.part_logits.items()},
    )
    wanted = built(params)(outputs, asked.target, 0.5).total
    got = params.build(asked.counts[order]).eval()(moved, asked.target[:, order], 0.5).total
    same({"total": got}, {"total": wanted}, "labels reordered")
    return None


def probabilities(params: LossParams) -> str | None:
    """Its link gives probabilities: finite, >= 0, of sum 1, also for outputs of +-30."""
    asked = question_of(params)
    for size in (1.0, 30.0):
        raw = size * torch.randn(9, asked.link.inputs)
        adjust = built(params).adjust
        found = asked.link.log_probs(adjust(asked.link(raw)))
        finite({"log-probabilities": found}, f"for outputs of about +-{size:.0f}")
        total = found.exp().sum(dim=-1)
        same({"sum": total}, {"sum": torch.ones_like(total)}, "the sum of probabilities")
    if asked.task == LEVELS:
        return f"{asked.link.inputs} outputs for {len(asked.counts)} levels"
    return None


def adjusts(params: LossParams) -> None:
    """``adjust`` gives finite logits of the same shape."""
    logits = question_of(params).outputs(5).logits.detach()
    adjust = built(params).adjust
    adjusted = adjust(logits)
    demand(adjusted.shape == logits.shape, f"adjust gives {shape(adjusted)}, not {shape(logits)}")
    finite({"adjusted logits": adjusted}, "after adjust")


def random_state(params: LossParams) -> None:
    """Nothing of the whole process changes, but that training draws random numbers of torch."""
    asked = question_of(params)
    with untouched("build", draws=True):
        loss = params.build(asked.counts)
    loss.eval()
    with untouched("forward in eval mode"):
        loss(asked.outputs(5), asked.target, 0.5)
    loss.train()
    with untouched("forward in training mode", draws=True):
        loss(asked.outputs(5), asked.target, 0.5)


def inputs_kept(params: LossParams) -> None:
    """No input is changed in place, also where a modality is missing and in training."""
    asked = question_of(params)
    for mode in (False, True):
        outputs, fresh = (replace(asked.outputs(5), present=SOME.clone()) for _ in range(2))
        target = asked.target.clone()
        with torch.no_grad():
            built(params).train(mode)(outputs, target, 0.5)
        words = "it changes its inputs in place"
        demand(
            torch.equal(target, asked.target) and torch.equal(outputs.logits, fresh.logits), words
        )
        demand(torch.equal(outputs.present, fresh.present), words)
        for name, logits in outputs.part_logits.items():
            demand(torch.equal(logits, fresh.part_logits[name]), words)


def state(params: LossParams) -> None:
    """What is saved after some steps and loaded into a new one scores alike."""
    asked = question_of(params)
    loss, other = built(params).train(), built(params)
    for step in range(3):
        loss(asked.outputs(5, step), asked.target, 0.5)
    stored = {name: value.contiguous() for name, value in loss.state_dict().items()}
    other.load_state_dict(load(save(stored)))
    got, wanted = (one.eval()(asked.outputs(5), asked.target, 0.5).total for one in (other, loss))
    same({"total": got}, {"total": wanted}, "after some steps, saving and loading")


def device(params: LossParams) -> str | None:
    """All that it computes with moves to the device of its inputs."""
    asked = question_of(params)
    given = (replace(asked.outputs(5), present=SOME), asked.target)
    return runs_elsewhere(built(params), given, lambda loss, pair: loss(*pair, 0.5))


def _rows(outputs: Outputs, rows: Tensor) -> Outputs:
    """Some rows of the outputs, in this order."""
    return Outputs(outputs.logits[rows], {k: z[rows] for k, z in outputs.part_logits.items()})


def _gradients(value: LossValue, outputs: Outputs) -> dict[str, Tensor]:
    """Gradients of all logits, zero where there is none."""
    wanted = {"logits": outputs.logits, **outputs.part_logits}
    grads = torch.autograd.grad(value.total, list(wanted.values()), allow_unused=True)
    pairs = zip(wanted.items(), grads, strict=True)
    return {name: torch.zeros_like(x) if grad is None else grad for (name, x), grad in pairs}


LOSS: Laws = {
    law.__name__: law
    for law in (
        builds, scalar, extremes, gradient, reads_its_parts, missing, named, batch_permutation,
        batches_add_up, unknown_labels, label_permutation, probabilities, adjusts, random_state,
        inputs_kept, state, device, trains,
    )
}  # fmt: skip
