"""Every fusion, head and loss on the card beside the CPU: results, gradients, bf16 and fp16.

Products in fp32 are made in fp32 (no TF32), so that what is left is the order of sums.
"""

from collections.abc import Iterator
from typing import Any

import torch
from check import Given, Row, held
from torch import Tensor, nn

import mmx
from mmx.interfaces import map_tensors
from mmx.testing.subjects import FusionSubject, HeadSubject, Subject
from mmx.testing.targets import question_of

CLOSE = 2e-4  # of the largest value of a tensor
PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}
SETTINGS: dict[str, dict[str, Any]] = {"fusion.only": {"modality": "image"}}
TINY = 3  # methods of each kind


def methods(kind: str, given: Given) -> Iterator[tuple[str, mmx.Params]]:
    """Each method of a kind that the box has, with its smallest settings."""
    found = [one for one in mmx.Plugins().installed(kind) if one.package == "mmx"]
    for one in found[: TINY if given.tiny else None]:
        settings = SETTINGS.get(one.key, {})
        yield one.key, mmx.Plugins().find(kind, one.type).model_validate(settings)


def values(module: nn.Module, subject: Subject, inputs: Any) -> dict[str, Tensor]:
    """Results, and gradients of all parameters and tokens, on the CPU."""
    outputs = subject.outputs(module, inputs)
    loss = sum(out.float().square().sum() for out in outputs.values())
    named = {f"input {place}": one for place, one in enumerate(leaves(inputs))}
    named |= dict(module.named_parameters())
    grads = torch.autograd.grad(loss, list(named.values()), allow_unused=True)  # type: ignore[arg-type]
    got = {f"gradient of {n}": g for n, g in zip(named, grads, strict=True) if g is not None}
    return {name: value.detach().float().cpu() for name, value in {**outputs, **got}.items()}


def apart(here: dict[str, Tensor], there: dict[str, Tensor]) -> float:
    """The largest difference of two sets of tensors, as a share of each tensor's largest value."""
    assert here.keys() == there.keys(), here.keys() ^ there.keys()
    shares = [
        float((here[name] - there[name]).abs().max() / here[name].abs().max().clamp(min=1e-3))
        for name in here
        if here[name].numel()
    ]
    return max(shares)


def compared(key: str, subject: Subject, given: Given) -> Row:
    """One fusion or head."""
    module = subject.awake()
    here = values(module, subject, fed(subject, "cpu"))
    moved = fed(subject, given.device)
    on = module.to(given.device)
    share = apart(here, values(on, subject, moved))
    broken = [
        name
        for name, kind in PRECISIONS.items()
        if (given.on_card or name == "bf16") and not _finite(on, subject, moved, given, kind)
    ]
    words = f"apart by {share:.1e}" + (f", not finite in {', '.join(broken)}" if broken else "")
    return held(key, words, share < CLOSE and not broken)


def fed(subject: Subject, device: str) -> Any:
    """Inputs on a device; each tensor of numbers is asked for its gradient by itself."""

    def leaf(tensor: Tensor) -> Tensor:
        moved = tensor.detach().to(device)
        return moved.requires_grad_() if tensor.is_floating_point() else moved

    return map_tensors(subject.inputs(), leaf)


def leaves(inputs: Any) -> list[Tensor]:
    """The tensors of inputs that are asked for a gradient."""
    found = []

    def look(tensor: Tensor) -> Tensor:
        if tensor.requires_grad:
            found.append(tensor)
        return tensor

    map_tensors(inputs, look)
    return found


def _finite(
    module: nn.Module, subject: Subject, inputs: Any, given: Given, kind: torch.dtype
) -> bool:
    with torch.autocast(given.device, kind):
        found = values(module, subject, inputs)
    return all(bool(value.isfinite().all()) for value in found.values())


def compared_loss(key: str, params: mmx.LossParams, given: Given) -> Row:
    """One loss: value and gradient for the logits."""
    asked = question_of(params)
    found = []
    for device in ("cpu", given.device):
        outputs = map_tensors(asked.outputs(5), lambda x, at=device: x.detach().to(at))
        outputs.logits.requires_grad_()
        loss = params.build(asked.counts).to(device)
        total = loss(outputs, asked.target.to(device), 0.5).total
        (grad,) = torch.autograd.grad(total, [outputs.logits])
        found.append({"total": total.detach().cpu(), "gradient": grad.cpu()})
    share = apart(*found)
    return held(key, f"apart by {share:.1e}", share < CLOSE)


def main(given: Given) -> list[Row]:
    """One line for each method; one that raises is a line too, so that the others are seen."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    rows = []
    for kind in ("fusion", "head", "loss"):
        for key, params in methods(kind, given):
            try:
                if isinstance(params, mmx.LossParams):
                    rows.append(compared_loss(key, params, given))
                elif isinstance(params, mmx.FusionParams):
                    rows.append(compared(key, FusionSubject(params), given))
                else:
                    assert isinstance(params, mmx.HeadParams)
                    rows.append(compared(key, HeadSubject(params), given))
            except Exception as error:
                rows.append(held(key, f"{type(error).__name__}: {error}", good=False))
    return rows
