"""One cheap try of a new fusion and its heads, so that a wrong shape is told before training."""

import inspect
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from mmx.errors import PluginError, ShapeError
from mmx.interfaces import (
    DecisionFusion,
    Features,
    FeatureShape,
    Fusion,
    Head,
    HeadOutput,
    Link,
    Params,
)
from mmx.plugins import location_of

ROWS = 2


def check_fusion(params: Params, fusion: object) -> None:
    """Check what ``build`` of a fusion gave.

    Raises:
        PluginError: it is no fusion, or does not tell the width of its result.
    """
    _check_type(
        params, fusion, "mmx.Fusion or mmx.interfaces.DecisionFusion", Fusion, DecisionFusion
    )
    dim = getattr(fusion, "dim", None)
    if isinstance(fusion, Fusion) and not isinstance(dim, int):
        raise PluginError(
            f"{params.entry_point}: dim of its module is {dim!r}; set self.dim in __init__ to the "
            "width of pooled, for which the head is built"
        )


def check_head(params: Params, head: object) -> None:
    """Check what ``build`` of a head gave.

    Raises:
        PluginError: it is no head.
    """
    _check_type(params, head, "mmx.Head", Head)


def _check_type(params: Params, built: object, words: str, *kinds: type) -> None:
    if not isinstance(built, kinds):
        got = type(built).__name__
        raise PluginError(
            f"{params.entry_point}: build() gave a {got}; return an instance of a class that "
            f"derives from {words}"
        )


def try_model(
    fusion: tuple[Params, Fusion | DecisionFusion],
    head: tuple[Params, Mapping[str, nn.Module]],
    shapes: Mapping[str, FeatureShape],
    link: Link,
) -> dict[str, int]:
    """Pass two samples of zeros through a fusion and its heads, without gradient and in eval mode.

    Args:
        fusion: its settings and the module.
        head: its settings, and the heads by name: ``fused``, or one of each modality.
        shapes: what the fusion receives, by modality.
        link: what the outputs of a head mean, and how many it has.

    Returns:
        Width of each part that the fusion gives; empty for a fusion of decisions.

    Raises:
        PluginError: something else than Features or HeadOutput comes back.
        ShapeError: a result has another shape than promised, or forward fails.
    """
    modules = nn.ModuleList([fusion[1], *head[1].values(), link])
    modes = [(module, module.training) for module in modules.modules()]
    modules.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            return _on_some_device(modules, lambda: _tried(fusion, head, shapes, link))
    finally:
        modules.cpu()
        for module, mode in modes:
            module.training = mode


def _on_some_device(modules: nn.Module, work: Callable[[], dict[str, int]]) -> dict[str, int]:
    """Work on the CPU, or on the accelerator where a kernel runs on nothing else."""
    try:
        return work()
    except ShapeError:
        if not torch.accelerator.is_available():
            raise
    modules.to(torch.accelerator.current_accelerator())
    return work()


def _tried(
    fusion: tuple[Params, Fusion | DecisionFusion],
    head: tuple[Params, Mapping[str, nn.Module]],
    shapes: Mapping[str, FeatureShape],
    link: Link,
) -> dict[str, int]:
    device = next(nn.ModuleList(head[1].values()).parameters(), torch.empty(0)).device
    features = {name: _blank(shape, device) for name, shape in shapes.items()}
    if isinstance(fusion[1], Fusion):
        fused = _fused(fusion[0], fusion[1], features)
        _logits(head[0], head[1]["fused"], fused, link.inputs)
        return {name: part.shape[-1] for name, part in fused.parts.items()}
    raw = {n: _logits(head[0], head[1][n], one, link.inputs) for n, one in features.items()}
    decided = {name: link.log_probs(link(one)) for name, one in raw.items()}
    present = torch.stack([one.present for one in features.values()], dim=1)
    mixed: object = _called(fusion[0], fusion[1].combine, (decided, present))
    wanted = next(iter(decided.values())).shape
    if not isinstance(mixed, Tensor) or mixed.shape != wanted:
        raise ShapeError(
            f"{fusion[0].entry_point}: combine() returned {_told(mixed)}, not log-probabilities "
            f"{list(wanted)} as it is given; mix those of each class with those of the same class"
        )
    link.logits(mixed)
    return {}


def _fused(params: Params, fusion: Fusion, features: Mapping[str, Features]) -> Features:
    """The result of a fusion, if it is as its interface asks."""
    name, dim = params.entry_point, fusion.dim
    fused = _called(params, fusion, (features,))
    if not isinstance(fused, Features):
        raise PluginError(
            f"{name} returned {_told(fused)} instead of Features; for a tensor [B, D] return "
            "mmx.blocks.fused_vector(fused, image, text, parts={...})"
        )
    for what, tensor in (("pooled", fused.pooled), ("tokens", fused.tokens)):
        if len(tensor) != ROWS:
            raise ShapeError(
                f"{name} returned {what} {list(tensor.shape)} for a batch of {ROWS}; samples "
                "are the first axis of all that it returns"
            )
    if fused.pooled.shape[-1] != dim:
        width = fused.pooled.shape[-1]
        raise ShapeError(
            f"{name} returned pooled [B, {width}], but its dim is {dim}; let its last layer give "
            f"{dim} channels, or set self.dim = {width} in __init__"
        )
    if fused.tokens.shape[-1] != dim:
        raise ShapeError(
            f"{name} returned tokens [B, N, {fused.tokens.shape[-1]}], but its dim is {dim}; "
            "tokens and pooled are as wide as each other"
        )
    return fused


def _logits(params: Params, head: nn.Module, features: Features, classes: int) -> Tensor:
    """Logits of a head, if they are as its interface asks."""
    name = params.entry_point
    result = _called(params, head, (features,))
    if not isinstance(result, HeadOutput):
        raise PluginError(
            f"{name} returned {_told(result)} instead of HeadOutput; return HeadOutput(logits)"
        )
    if list(result.logits.shape) != [ROWS, classes]:
        raise ShapeError(
            f"{name} returned logits {list(result.logits.shape)} for a batch of {ROWS} and "
            f"{classes} classes, not [{ROWS}, {classes}]; let its last layer give "
            "`classes` channels"
        )
    return result.logits


def _called(params: Params, work: Callable[..., object], inputs: tuple[object, ...]) -> object:
    """The result of a call; what it raises becomes a ShapeError that names the method and line."""
    try:
        return work(*inputs)
    except Exception as error:
        file = inspect.getsourcefile(type(params)) or ""
        given = ", ".join(map(_told, inputs))
        raise ShapeError(
            f"{params.entry_point} fails on a batch of {ROWS} ({given}): "
            f"{location_of(error, file)}: {type(error).__name__}: {error}"
        ) from error


def _told(value: object) -> str:
    """A tensor by its shape, features by their tokens, anything else by its type."""
    if isinstance(value, Tensor):
        return f"a tensor {list(value.shape)}"
    if isinstance(value, Features):
        return f"tokens {list(value.tokens.shape)}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_told(one)}" for name, one in value.items())
    return f"a {type(value).__name__}"


def _blank(shape: FeatureShape, device: torch.device) -> Features:
    """Two samples of one token each, all zeros."""
    levels = tuple(
        Features.of_pooled(torch.zeros(ROWS, width, device=device)) for width in shape.level_dims
    )
    tokens = torch.zeros(ROWS, 1, shape.dim, device=device)
    mask = torch.ones(ROWS, 1, dtype=torch.bool, device=device)
    return Features(tokens, mask, levels=levels)
