"""Laws of fusions and heads on what they compute: C1 to C5 of the contract for methods."""

import torch
from torch import Tensor, nn

from mmx.interfaces import DecisionFusion, Fusion, Head
from mmx.testing.law import demand, finite, same, shape
from mmx.testing.samples import ROWS, leaves, masked_noise, padded, rows_of, scrambled, with_gaps
from mmx.testing.subjects import CLASSES, FusionSubject, HeadSubject, Inputs, Subject


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
        alone = subject.outputs(module, tuple(rows_of(features, one) for features in inputs))
        wanted = {name: value[one] for name, value in whole.items()}
        same(alone, wanted, f"sample {row} alone and in a batch")


def batch_permutation(subject: Subject) -> None:
    """C2: in eval, another order of the samples gives the same results in that order."""
    module, inputs = subject.awake(), subject.inputs()
    order = torch.tensor([3, 0, 4, 1, 2])
    moved = subject.outputs(module, tuple(rows_of(features, order) for features in inputs))
    whole = subject.outputs(module, inputs)
    same(moved, {name: value[order] for name, value in whole.items()}, "another order of samples")


def padding(subject: Subject) -> None:
    """C3: masked tokens of any modality, in any place, change neither results nor gradients."""
    module = subject.awake()
    gaps = tuple(with_gaps(features) for features in subject.inputs())
    wanted = subject.outputs(module, gaps)
    for chosen, name in _sides(subject):
        other = tuple(masked_noise(x) if n in chosen else x for n, x in enumerate(gaps))
        same(subject.outputs(module, other), wanted, f"other content of masked tokens of {name}")
    for chosen, name in _sides(subject):
        for extra in (3, 60):
            _appended(subject, module, chosen, f"{extra} masked tokens behind {name}", extra)


def _appended(
    subject: Subject, module: nn.Module, chosen: tuple[int, ...], words: str, extra: int
) -> None:
    """Results and gradients are the same with masked tokens of random content behind."""
    plain, longer = subject.inputs(grad=True), subject.inputs(grad=True)
    more = tuple(padded(x, extra) if n in chosen else x for n, x in enumerate(longer))
    first, second = subject.outputs(module, plain), subject.outputs(module, more)
    same(second, first, words)
    grads = [_gradients(module, out, given) for out, given in ((first, plain), (second, longer))]
    same(grads[1], grads[0], f"gradients with {words}")


def _sides(subject: Subject) -> list[tuple[tuple[int, ...], str]]:
    """Each input alone, then all of them; as places and in words."""
    indices = range(len(subject.modalities))
    alone: list[tuple[tuple[int, ...], str]] = [
        ((index,), f"the {subject.modalities[index]}") for index in indices
    ]
    return alone if len(alone) == 1 else [*alone, (tuple(indices), "all of them")]


def gradient(subject: Subject) -> None:
    """C4: the result depends on the content of each input."""
    module, inputs = subject.awake(), subject.inputs(grad=True)
    result = subject.outputs(module, inputs)["result"]
    loss = (result * torch.linspace(-1, 2, result.numel()).view_as(result)).sum()
    for name, features in zip(subject.modalities, inputs, strict=True):
        if name in subject.names:
            grads = torch.autograd.grad(
                loss, leaves(features), retain_graph=True, allow_unused=True
            )
            reached = any(grad is not None and bool(grad.any()) for grad in grads)
            demand(reached, f"no gradient reaches the {name}")


def missing(subject: Subject) -> None:
    """C5: whichever modalities are missing, exactly nothing of them passes, forwards or back."""
    assert isinstance(subject, FusionSubject)
    module, given = subject.awake(), subject.patterns(grad=True)
    other = tuple(scrambled(features, ~features.present) for features in given)
    wanted = subject.outputs(module, given)
    finite(wanted, "with a modality missing")
    words = "other content of a missing modality"
    same(subject.outputs(module, other), wanted, words, exact=True)
    found = _gradients(module, wanted, given)
    for k, (name, features) in enumerate(zip(subject.modalities, given, strict=True)):
        of_modality = [grad for where, grad in found.items() if where.startswith(f"input {k}.")]
        reached = any(bool(grad[~features.present].any()) for grad in of_modality)
        demand(not reached, f"a gradient reaches the {name} in rows that lack it")


def _gradients(module: nn.Module, outputs: dict[str, Tensor], given: Inputs) -> dict[str, Tensor]:
    """Gradients of all inputs and parameters, zero where there is none."""
    loss = sum(
        (out * torch.linspace(-1, 2, out.numel()).view_as(out)).sum() for out in outputs.values()
    )
    modalities = {
        f"input {n}.{k}": x
        for n, features in enumerate(given)
        for k, x in enumerate(leaves(features))
    }
    wanted = {**modalities, **dict(module.named_parameters())}
    grads = torch.autograd.grad(loss, list(wanted.values()), allow_unused=True)  # type: ignore[arg-type]
    pairs = zip(wanted.items(), grads, strict=True)
    return {name: torch.zeros_like(x) if grad is None else grad for (name, x), grad in pairs}


VALUES = (
    builds, shapes, bfloat16, batch_independence, batch_permutation, padding, gradient,
)  # fmt: skip
