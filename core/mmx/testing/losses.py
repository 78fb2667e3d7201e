"""Laws of losses, C10 among them."""

from dataclasses import replace

import torch
from safetensors.torch import load, save
from torch import Tensor

from mmx.interfaces import Loss, LossParams, LossValue, Outputs
from mmx.testing.device import runs_elsewhere
from mmx.testing.law import Laws, demand, finite, same, shape
from mmx.testing.real_run import trains
from mmx.testing.state import untouched
from mmx.testing.subjects import CLASSES, outputs_of

COUNTS = torch.tensor([90, 9, 1])
TARGET = torch.tensor([0, 1, 2, 0, 1])
SOME = torch.tensor([[True, False], [False, True], [True, True], [True, False], [True, True]])


def built(params: LossParams) -> Loss:
    """The loss for imbalanced counts, in eval mode."""
    return params.build(COUNTS).eval()


def builds(params: LossParams) -> str:
    """``build`` gives a loss, also where a class has no row."""
    demand(isinstance(params.build(torch.tensor([5, 0, 1])), Loss), "build must give a Loss")
    return type(built(params)).__name__


def scalar(params: LossParams) -> None:
    """A finite scalar for 1, 2 and 5 samples, and named terms that are detached scalars."""
    for rows in (1, 2, 5):
        value = built(params)(outputs_of(rows), TARGET[:rows], 0.5)
        demand(value.total.ndim == 0, f"the total must be a scalar, got {shape(value.total)}")
        finite({"total": value.total, **value.terms}, f"with {rows} samples")
        demand(bool(value.terms), "it names no terms")
        for name, term in value.terms.items():
            good = term.ndim == 0 and not term.requires_grad
            demand(good, f"terms[{name!r}] must be a detached scalar")


def extremes(params: LossParams) -> None:
    """C10: value and gradient finite for logits of +-1e4 and batches of one class."""
    for rows in (1, 5):
        for label in range(CLASSES):
            outputs = outputs_of(rows)
            far = replace(
                outputs,
                logits=_far(outputs.logits),
                part_logits={name: _far(z).flip(1) for name, z in outputs.part_logits.items()},
            )
            target = torch.full((rows,), label)
            for progress in (0.0, 1.0):
                value = built(params)(far, target, progress)
                words = f"for logits of +-1e4 and {rows} samples of class {label}"
                finite({"total": value.total, **_gradients(value, outputs)}, words)


def gradient(params: LossParams) -> None:
    """A gradient reaches the logits, and those of all parts that it reads."""
    loss, outputs = built(params), outputs_of(5)
    grads = _gradients(loss(outputs, TARGET, 0.5), outputs)
    for name in ("logits", *loss.parts):
        demand(bool(grads[name].any()), f"no gradient reaches {name}")


def reads_its_parts(params: LossParams) -> None:
    """It runs with the parts that it declares, and no others."""
    loss, outputs = built(params), outputs_of(5)
    own = {name: outputs.part_logits[name] for name in loss.parts if name in outputs.part_logits}
    loss(replace(outputs, part_logits=own), TARGET, 0.5)


def missing(params: LossParams) -> None:
    """Part logits of a missing modality never matter, exactly."""
    outputs = replace(outputs_of(5), present=SOME)
    part_logits = {
        name: torch.where(SOME[:, [side]], outputs.part_logits[name], 40.0 * torch.arange(3))
        for side, name in enumerate(("image", "text"))
    }
    wanted = built(params)(outputs, TARGET, 0.5).total
    got = built(params)(replace(outputs, part_logits=part_logits), TARGET, 0.5).total
    same({"total": got}, {"total": wanted}, "other logits of a missing side", exact=True)


def batch_permutation(params: LossParams) -> None:
    """The order of the samples does not matter."""
    outputs, order = outputs_of(5), torch.tensor([3, 0, 4, 1, 2])
    moved = Outputs(outputs.logits[order], {k: z[order] for k, z in outputs.part_logits.items()})
    wanted = built(params)(outputs, TARGET, 0.5).total
    same({"total": built(params)(moved, TARGET[order], 0.5).total}, {"total": wanted}, "reordered")


def adjusts(params: LossParams) -> None:
    """``adjust`` gives finite logits of the same shape."""
    logits = outputs_of(5).logits.detach()
    adjust = built(params).adjust
    adjusted = adjust(logits)
    demand(adjusted.shape == logits.shape, f"adjust gives {shape(adjusted)}, not {shape(logits)}")
    finite({"adjusted logits": adjusted}, "after adjust")


def random_state(params: LossParams) -> None:
    """Nothing of the whole process changes, but that training draws random numbers of torch."""
    with untouched("build", draws=True):
        loss = params.build(COUNTS)
    loss.eval()
    with untouched("forward in eval mode"):
        loss(outputs_of(5), TARGET, 0.5)
    loss.train()
    with untouched("forward in training mode", draws=True):
        loss(outputs_of(5), TARGET, 0.5)


def inputs_kept(params: LossParams) -> None:
    """No input is changed in place, also where a side is missing and in training."""
    for mode in (False, True):
        outputs, fresh = (replace(outputs_of(5), present=SOME.clone()) for _ in range(2))
        target = TARGET.clone()
        with torch.no_grad():
            built(params).train(mode)(outputs, target, 0.5)
        words = "it changes its inputs in place"
        demand(torch.equal(target, TARGET) and torch.equal(outputs.logits, fresh.logits), words)
        demand(torch.equal(outputs.present, fresh.present), words)
        for name, logits in outputs.part_logits.items():
            demand(torch.equal(logits, fresh.part_logits[name]), words)


def state(params: LossParams) -> None:
    """What is saved after some steps and loaded into a new one scores alike."""
    loss, other = built(params).train(), built(params)
    for step in range(3):
        loss(outputs_of(5, step), TARGET, 0.5)
    stored = {name: value.contiguous() for name, value in loss.state_dict().items()}
    other.load_state_dict(load(save(stored)))
    got, wanted = (one.eval()(outputs_of(5), TARGET, 0.5).total for one in (other, loss))
    same({"total": got}, {"total": wanted}, "after some steps, saving and loading")


def device(params: LossParams) -> str | None:
    """All that it computes with moves to the device of its inputs."""
    given = (replace(outputs_of(5), present=SOME), TARGET)
    return runs_elsewhere(built(params), given, lambda loss, pair: loss(*pair, 0.5))


def _far(logits: Tensor) -> Tensor:
    """Logits of +-1e4 or 0 with the gradient of these."""
    return logits + (1e4 * logits.detach().sign() - logits.detach())


def _gradients(value: LossValue, outputs: Outputs) -> dict[str, Tensor]:
    """Gradients of all logits, zero where there is none."""
    wanted = {"logits": outputs.logits, **outputs.part_logits}
    grads = torch.autograd.grad(value.total, list(wanted.values()), allow_unused=True)
    pairs = zip(wanted.items(), grads, strict=True)
    return {name: torch.zeros_like(x) if grad is None else grad for (name, x), grad in pairs}


LOSS: Laws = {
    law.__name__: law
    for law in (
        builds, scalar, extremes, gradient, reads_its_parts, missing, batch_permutation, adjusts,
        random_state, inputs_kept, state, device, trains,
    )
}  # fmt: skip
