"""Laws of fusions and heads: C1 to C9 of the contract for methods."""

import random
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mmx.interfaces import DecisionFusion, Fusion, FusionParams, Head, HeadOutput, HeadParams
from mmx.testing.law import Laws, demand, finite, same, shape
from mmx.testing.samples import ROWS, copied, leaves, padded, rows_of, scrambled
from mmx.testing.spread import spread
from mmx.testing.subjects import CLASSES, FusionSubject, HeadSubject, Inputs, Subject

if TYPE_CHECKING:
    from mmx.interfaces import Features


def builds(subject: Subject) -> str:
    """``build`` gives a module of its kind."""
    module = subject.build()
    kinds = (Head,) if isinstance(subject, HeadSubject) else (Fusion, DecisionFusion)
    demand(isinstance(module, kinds), f"build must give a {kinds[0].__name__}, got {type(module)}")
    return type(module).__name__


def shapes(subject: Subject) -> None:
    """C1: right widths and finite numbers for 1, 2 and 5 samples, 1 and 7 text tokens."""
    module = subject.build()
    width = CLASSES if isinstance(subject, HeadSubject) else getattr(module, "dim", None)
    for rows in (1, 2, 5):
        for length in (1, 7):
            outputs = subject.outputs(module, subject.inputs(rows, length))
            words = f"with {rows} samples and {length} tokens"
            finite(outputs, words)
            got, want = outputs["result"], [rows, width if width is not None else CLASSES]
            if not isinstance(module, DecisionFusion):
                demand(list(got.shape) == want, f"{words} the result is {shape(got)}, not {want}")
            demand(got.dtype == torch.float32, f"{words} the result is {got.dtype}, not float32")


def bfloat16(subject: Subject) -> None:
    """C1: finite under bfloat16 autocast."""
    module = subject.build()
    with torch.autocast("cpu", torch.bfloat16):
        finite(subject.outputs(module, subject.inputs()), "under bfloat16 autocast")


def batch_independence(subject: Subject) -> None:
    """C2: in eval, a sample's result is the same alone as in a batch."""
    module, inputs = subject.awake(), subject.inputs()
    whole = subject.outputs(module, inputs)
    for row in range(ROWS):
        one = torch.tensor([row])
        alone = subject.outputs(module, tuple(rows_of(side, one) for side in inputs))
        wanted = {name: value[one] for name, value in whole.items()}
        same(alone, wanted, f"sample {row} alone and in a batch")


def batch_permutation(subject: Subject) -> None:
    """C2: in eval, another order of the samples gives the same results in that order."""
    module, inputs = subject.awake(), subject.inputs()
    order = torch.tensor([3, 0, 4, 1, 2])
    moved = subject.outputs(module, tuple(rows_of(side, order) for side in inputs))
    whole = subject.outputs(module, inputs)
    same(moved, {name: value[order] for name, value in whole.items()}, "another order of samples")


def padding(subject: Subject) -> None:
    """C3: masked tokens with random content change neither results nor gradients."""
    module, place = subject.awake(), subject.padded
    plain, longer = subject.inputs(grad=True), subject.inputs(grad=True)
    more = tuple(padded(x) if side == place else x for side, x in enumerate(longer))
    first, second = subject.outputs(module, plain), subject.outputs(module, more)
    same(second, first, "after appending masked tokens")
    grads = [_gradients(module, out, given) for out, given in ((first, plain), (second, longer))]
    same(grads[1], grads[0], "gradients after appending masked tokens")


def gradient(subject: Subject) -> None:
    """C4: the result depends on the content of each input."""
    module, inputs = subject.awake(), subject.inputs(grad=True)
    result = subject.outputs(module, inputs)["result"]
    loss = (result * torch.linspace(-1, 2, result.numel()).view_as(result)).sum()
    sides = ("image", "text") if len(inputs) == 2 else ("features",)
    for name, side in zip(sides, inputs, strict=True):
        if name in subject.names:
            grads = torch.autograd.grad(loss, leaves(side), retain_graph=True, allow_unused=True)
            reached = any(grad is not None and bool(grad.any()) for grad in grads)
            demand(reached, f"no gradient reaches the {name}")


def missing(subject: Subject) -> None:
    """C5: what stands in the place of a missing modality never matters, exactly."""
    module, (image, text) = subject.awake(), subject.inputs()
    no_image = torch.tensor([True, False, False, True, False])
    no_text = torch.tensor([False, True, False, False, True])
    given = image.with_present(~no_image), text.with_present(~no_text)
    other = scrambled(given[0], no_image), scrambled(given[1], no_text)
    wanted = subject.outputs(module, given)
    finite(wanted, "with a modality missing")
    same(subject.outputs(module, other), wanted, "other content of a missing side", exact=True)


def state(subject: Subject) -> None:
    """C6: saved with safetensors and loaded into another start, it gives the same results."""
    module, other = subject.awake(), subject.build(seed=1)
    stored = {name: value.contiguous() for name, value in module.state_dict().items()}
    other.load_state_dict(load(save(stored)))
    inputs = subject.inputs()
    same(
        subject.outputs(other, inputs), subject.outputs(module, inputs), "after saving and loading"
    )


def seed(subject: Subject) -> None:
    """C6: two builds from one seed of torch are equal."""
    same(
        dict(subject.build().named_parameters()), dict(subject.build().named_parameters()), "builds"
    )


def random_state(subject: Subject) -> None:
    """C7: eval leaves the global random states of torch, numpy and Python alone."""
    module, inputs = subject.build(), subject.inputs()
    before = _random_states()
    subject.outputs(module, inputs)
    demand(_random_states() == before, "eval draws from the global random numbers")


def inputs_kept(subject: Subject) -> None:
    """No input is changed in place."""
    module, inputs = subject.build(), subject.inputs()
    before = [copied(side) for side in inputs]
    subject.outputs(module, inputs)
    equal = all(
        torch.equal(a, b)
        for side, old in zip(inputs, before, strict=True)
        for a, b in zip(copied(side), old, strict=True)
    )
    demand(equal, "forward changes its inputs in place")


def size(subject: Subject) -> str:
    """C8: parameters and FLOPs of one sample; every tensor that learns is registered."""
    module = subject.build()
    for name, part in module.named_modules():
        for attribute, value in vars(part).items():
            if attribute not in ("_parameters", "_buffers", "_modules"):
                hidden = any(tensor.requires_grad for tensor in _tensors(value))
                where = f"{name}.{attribute}".lstrip(".")
                demand(not hidden, f"{where} would learn, but is no registered parameter")
    with FlopCounterMode(display=False) as counter:
        subject.outputs(module, subject.inputs(1))
    count = sum(parameter.numel() for parameter in module.parameters())
    return f"{count:,} parameters, {counter.get_total_flops():,} FLOPs per sample"


def explain(subject: Subject) -> None:
    """What is explained is detached, with the samples first; penalties are scalars."""
    module, inputs = subject.build(), subject.inputs(grad=True)
    if isinstance(module, DecisionFusion):
        return
    result: Features | HeadOutput = module(*inputs)
    for name, value in result.explain.items():
        demand(not value.requires_grad, f"explain[{name!r}] must be detached")
        demand(len(value) == ROWS, f"explain[{name!r}] is {shape(value)}; samples come first")
    for name, value in result.penalties.items():
        demand(value.ndim == 0, f"penalties[{name!r}] must be a scalar, got {shape(value)}")


def parts(subject: Subject) -> None:
    """The streams ``image`` and ``text`` are there, for the losses that read them."""
    module, inputs = subject.build(), subject.inputs()
    if isinstance(module, DecisionFusion):
        return
    given: Features = module(*inputs)
    lacking = [name for name in ("image", "text") if name not in given.parts]
    demand(not lacking, f"parts lack {', '.join(lacking)}")


def _gradients(module: nn.Module, outputs: dict[str, Tensor], given: Inputs) -> dict[str, Tensor]:
    """Gradients of all inputs and parameters, zero where there is none."""
    loss = sum(
        (out * torch.linspace(-1, 2, out.numel()).view_as(out)).sum() for out in outputs.values()
    )
    sides = {
        f"input {n}.{k}": x for n, side in enumerate(given) for k, x in enumerate(leaves(side))
    }
    wanted = {**sides, **dict(module.named_parameters())}
    grads = torch.autograd.grad(loss, list(wanted.values()), allow_unused=True)  # type: ignore[arg-type]
    pairs = zip(wanted.items(), grads, strict=True)
    return {name: torch.zeros_like(x) if grad is None else grad for (name, x), grad in pairs}


def _random_states() -> tuple[bytes, bytes, object]:
    """Global random states."""
    numpy_state = np.random.get_state(legacy=False)
    return torch.get_rng_state().numpy().tobytes(), repr(numpy_state).encode(), random.getstate()


def _tensors(value: object) -> Iterable[Tensor]:
    """Tensors in an attribute, also inside lists and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


SHARED = (
    builds, shapes, bfloat16, batch_independence, batch_permutation, padding, gradient, state, seed,
    random_state, inputs_kept, size, explain,
)  # fmt: skip


def _on_fusion(law: Callable[[Subject], str | None], params: FusionParams) -> str | None:
    subject = FusionSubject(params)
    subject.build()  # tells a fusion of decisions
    return law(subject)


def _on_head(law: Callable[[Subject], str | None], params: HeadParams) -> str | None:
    return law(HeadSubject(params))


FUSION: Laws = {
    **{law.__name__: partial(_on_fusion, law) for law in (*SHARED, missing, parts)},
    "spread": spread,
}
HEAD: Laws = {law.__name__: partial(_on_head, law) for law in SHARED}
