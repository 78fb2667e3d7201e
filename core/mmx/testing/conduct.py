"""Laws of fusions and heads on how they behave: C6 to C9, and what a run asks of them."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mmx.interfaces import DecisionFusion, Features, FusionParams, HeadParams, masked_mean
from mmx.testing.fitted_head import fitted
from mmx.testing.global_state import untouched
from mmx.testing.joined import absent_joined, order_of_joined
from mmx.testing.law import LawError, Laws, demand, same, shape
from mmx.testing.modules import VALUES, missing
from mmx.testing.pretended_device import runs_elsewhere, unregistered
from mmx.testing.real_run import trains
from mmx.testing.samples import ROWS, copied, scrambled
from mmx.testing.spread import spread
from mmx.testing.subjects import (
    FusionSubject,
    HeadSubject,
    Inputs,
    Subject,
    modalities_of,
    of_modalities,
)

if TYPE_CHECKING:
    from mmx.interfaces import HeadOutput


def state(subject: Subject) -> None:
    """C6: what is saved after some steps of training and loaded elsewhere goes on alike."""
    module, other = subject.awake(), subject.build(seed=1)
    for _ in range(3):
        _trained(subject, module, subject.inputs())
    module.eval()
    stored = {name: value.contiguous() for name, value in module.state_dict().items()}
    other.load_state_dict(load(save(stored)))
    inputs = subject.inputs()
    words = "after training, saving and loading"
    same(subject.outputs(other, inputs), subject.outputs(module, inputs), words)
    again = [_trained(subject, one, subject.inputs()) for one in (other, module)]
    same(again[0], again[1], f"{words}, in training mode")


def seed(subject: Subject) -> None:
    """C6: two builds from one seed of torch are equal."""
    first, second = (dict(subject.build().state_dict()) for _ in range(2))
    same(second, first, "two builds from one seed")


def random_state(subject: Subject) -> None:
    """C7: nothing of the whole process changes, but that training draws random numbers."""
    with untouched("build", draws=True):
        module = subject.make()
    inputs = subject.inputs()
    module.eval()
    with untouched("forward in eval mode"):
        subject.outputs(module, inputs)
    module.train()
    with untouched("forward in training mode", draws=True):
        subject.outputs(module, inputs)


def inputs_kept(subject: Subject) -> None:
    """No input is changed in place, also where some are missing and in training."""
    module = subject.build()
    for inputs in (subject.inputs(), subject.lacking(subject.inputs())):
        for training in (False, True):
            module.train(training)
            before = [copied(features) for features in inputs]
            with torch.no_grad():
                subject.outputs(module, inputs)
            for name, features, old in zip(subject.modalities, inputs, before, strict=True):
                kept = all(torch.equal(a, b) for a, b in zip(copied(features), old, strict=True))
                demand(kept, f"forward changes the {name} that it was given in place")


def size(subject: Subject) -> str:
    """C8: parameters and FLOPs of one sample; every tensor that learns is registered."""
    module = subject.build()
    for where, tensor in unregistered(module):
        demand(not tensor.requires_grad, f"{where} would learn, but is no registered parameter")
    with FlopCounterMode(display=False) as counter:
        subject.outputs(module, subject.inputs(1))
    count = sum(parameter.numel() for parameter in module.parameters())
    return f"{count:,} parameters, {counter.get_total_flops():,} FLOPs per sample"


def explain(subject: Subject) -> None:
    """What is explained is detached, with the samples first; penalties are scalars."""
    module, inputs = subject.build(), subject.inputs(grad=True)
    if isinstance(module, DecisionFusion):
        return
    result: Features | HeadOutput = subject.call(module, inputs)
    for name, value in result.explain.items():
        demand(not value.requires_grad, f"explain[{name!r}] must be detached")
        good = value.ndim > 0 and len(value) == ROWS
        demand(good, f"explain[{name!r}] is {shape(value)}; samples come first")
    for name, value in result.penalties.items():
        demand(value.ndim == 0, f"penalties[{name!r}] must be a scalar, got {shape(value)}")


def learns(subject: Subject) -> None:
    """Every parameter takes part: a step reaches it with or without missing modalities."""
    module = subject.awake().train()
    waiting = {name for name, value in module.named_parameters() if value.requires_grad}
    wanted = dict(module.named_parameters())
    for inputs in (subject.inputs(grad=True), subject.lacking(subject.inputs(grad=True))):
        names = sorted(waiting)
        total = _everything(subject, module, inputs)
        if total is None or not names:
            break
        grads = torch.autograd.grad(total, [wanted[name] for name in names], allow_unused=True)
        waiting -= {name for name, grad in zip(names, grads, strict=True) if grad is not None}
    shown = ", ".join(sorted(waiting)[:3])
    demand(not waiting, f"{len(waiting)} parameters are never used, such as {shown}")


def batch_statistics(subject: Subject) -> None:
    """In training too, a sample's result does not depend on what the others of its batch are."""
    module = subject.awake().train()
    for layer in module.modules():
        if isinstance(layer, nn.modules.dropout._DropoutNd):
            layer.p = 0.0  # which numbers are drawn for a row may depend on the others
    inputs = subject.inputs()
    others = torch.tensor([False, *[True] * (ROWS - 1)])
    changed = tuple(scrambled(features, others) for features in inputs)
    results = []
    for given in (inputs, changed):
        torch.manual_seed(17)  # one dropout for both; the law has a random state of its own
        results.append({n: x[:1] for n, x in subject.outputs(deepcopy(module), given).items()})
    same(results[1], results[0], "in training mode, beside other samples (batch statistics)")


def device(subject: Subject) -> str | None:
    """All that it computes with moves to the device of its inputs."""
    return runs_elsewhere(subject.build(), subject.lacking(subject.inputs()), subject.outputs)


def parts(subject: Subject) -> None:
    """The stream of each modality that it reads is there by its name, for losses that read it."""
    module, inputs = subject.build(), subject.inputs()
    if isinstance(module, DecisionFusion):
        return
    given: Features = subject.call(module, inputs)
    lacking = [name for name in subject.names if name not in given.parts]
    demand(not lacking, f"parts lack {', '.join(lacking)}")


def present(subject: Subject) -> None:
    """A sample of which no modality is there is not present in the result."""
    module, inputs = subject.build(), subject.lacking(subject.inputs())
    if isinstance(module, DecisionFusion):
        return
    got = subject.call(module, inputs).present
    there = torch.stack([features.present for features in inputs]).any(dim=0)
    demand(not bool((got & ~there).any()), "a sample without any modality is called present")


def declared(subject: Subject) -> None:
    """It reads no more than ``reads`` declares: nothing else is cached, or there in a run."""
    assert isinstance(subject, FusionSubject)
    reads, module = subject.params.reads, subject.awake()
    if isinstance(module, DecisionFusion):
        return
    whole = subject.whole()
    given = tuple(_only(features, reads) for features in whole)
    named = ", ".join(sorted(reads))
    try:
        wanted = subject.outputs(module, given)
    except Exception as error:
        if not _runs(subject, module, whole):
            return  # what fails on anything is for other laws to say
        raise LawError(
            f"it fails when it is given no more than reads declares ({named}): "
            f"{type(error).__name__}: {error}"
        ) from error
    for kind in ("levels", "tokens", "pooled"):
        if kind not in reads:
            pairs = zip(given, whole, strict=True)
            other = tuple(_with(kind, some, features) for some, features in pairs)
            words = f"reads declares {named}, but other {kind} change what it gives"
            same(subject.outputs(module, other), wanted, words)


def _runs(subject: Subject, module: nn.Module, inputs: Inputs) -> bool:
    try:
        subject.outputs(module, inputs)
    except Exception:  # noqa: BLE001 - a broken plugin may raise anything
        return False
    return True


def _only(features: Features, reads: frozenset[str]) -> Features:
    """Features as the cache gives them where only this is read."""
    levels = features.levels if "levels" in reads else ()
    if "tokens" in reads:
        tokens, mask = features.tokens, features.mask
    elif "pooled" in reads or not levels:
        tokens, mask = (
            features.pooled[:, None],
            torch.ones(len(features.pooled), 1, dtype=torch.bool),
        )
    else:
        tokens, mask = levels[-1].tokens, levels[-1].mask
    pooled = features.pooled if "pooled" in reads else masked_mean(tokens, mask)
    return Features(tokens, mask, pooled, levels, features.present)


def _with(kind: str, some: Features, features: Features) -> Features:
    """The same features with one kind from elsewhere."""
    if kind == "levels":
        return replace(some, levels=features.levels)
    if kind == "tokens":
        return replace(some, tokens=features.tokens, mask=features.mask)
    return replace(some, pooled=some.pooled.flip(0) + 1)


def _trained(subject: Subject, module: nn.Module, inputs: Inputs) -> dict[str, Tensor]:
    """What it gives in training mode, with the same draws each time."""
    module.train()
    torch.manual_seed(5)  # the law has a random state of its own
    return {name: value.detach() for name, value in subject.outputs(module, inputs).items()}


def _everything(subject: Subject, module: nn.Module, inputs: Inputs) -> Tensor | None:
    """The sum of all that a loss may stand on; None where nothing of it learns."""
    found = list(subject.outputs(module, inputs).values())
    if not isinstance(module, DecisionFusion):
        result = subject.call(module, inputs)
        found += result.penalties.values()
        found += [result.tokens] if isinstance(result, Features) else []
    total = sum(value.float().sum() for value in found)
    return total if isinstance(total, Tensor) and total.requires_grad else None


CONDUCT = (
    state, seed, random_state, inputs_kept, size, explain, learns, batch_statistics, device,
)  # fmt: skip


def _on_fusion(law: Callable[[Subject], str | None], params: FusionParams) -> str | None:
    """Try it with two modalities, one and three, as far as the fusion takes so many."""
    told = []
    for names in modalities_of(params):
        subject = FusionSubject(params, names)
        with of_modalities(names):
            subject.build()  # tells a fusion of decisions
            told.append(law(subject))
    return told[0]


def _on_head(law: Callable[[HeadSubject], str | None], params: HeadParams) -> str | None:
    return law(HeadSubject(params))


_OF_FUSION = (VALUES[0], declared, *VALUES[1:], missing, *CONDUCT, parts, present)
FUSION: Laws = {
    **{law.__name__: partial(_on_fusion, law) for law in _OF_FUSION},
    "absent_joined": absent_joined,
    "order_of_joined": order_of_joined,
    "spread": spread,
    "trains": trains,
}  # fmt: skip
HEAD: Laws = {
    **{law.__name__: partial(_on_head, law) for law in (*VALUES, *CONDUCT, fitted)},
    "trains": trains,
}
