"""One cheap try of a new loss, so that a wrong shape is told before training."""

import inspect
from collections.abc import Sequence

import torch
from torch import Tensor

from mmx.errors import PluginError, ShapeError
from mmx.interfaces import IMAGE, TEXT, Loss, LossParams, LossValue, Outputs
from mmx.plugins import location_of


def try_loss(
    params: LossParams,
    loss: object,
    logits: Tensor,
    target: Tensor,
    modalities: Sequence[str] = (IMAGE, TEXT),
) -> None:
    """Score some samples, without gradient and in eval mode.

    Args:
        params: settings of the loss.
        loss: what their ``build`` gave.
        logits: [B, K], as a new model gives them.
        target: [B, ...], as the loss is to see it.
        modalities: names of those that the fusion reads.

    Raises:
        PluginError: it is no loss, or gives no LossValue.
        ShapeError: the total is no scalar, or forward fails.
    """
    name = params.entry_point
    if not isinstance(loss, Loss):
        raise PluginError(
            f"{name}: build() gave a {type(loss).__name__}; return an instance of a class that "
            "derives from mmx.Loss"
        )
    outputs = Outputs(logits, dict.fromkeys(loss.parts, logits), modalities=tuple(modalities))
    value: object = _scored(params, loss, outputs, target)
    if not isinstance(value, LossValue):
        raise PluginError(
            f"{name} returned a {type(value).__name__} instead of LossValue; return "
            'LossValue(total, {"name": total.detach()})'
        )
    if not isinstance(value.total, Tensor) or value.total.ndim:
        raise ShapeError(
            f"{name} returned a total of {_told(value.total)} for a batch of {len(logits)}, not a "
            "scalar; take its mean over the batch"
        )


def _scored(params: LossParams, loss: Loss, outputs: Outputs, target: Tensor) -> object:
    """What forward gives; what it raises becomes a ShapeError that names the method and line."""
    logits, mode = outputs.logits, loss.training
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            return loss.eval()(outputs, target, 0.0)
    except Exception as error:
        file = inspect.getsourcefile(type(params)) or ""
        raise ShapeError(
            f"{params.entry_point} fails on a batch of {len(logits)} "
            f"(logits {list(logits.shape)}): "
            f"{location_of(error, file)}: {type(error).__name__}: {error}"
        ) from error
    finally:
        loss.train(mode)


def _told(value: object) -> str:
    """A tensor by its shape, anything else by its type."""
    if isinstance(value, Tensor):
        return f"shape {list(value.shape)}"
    return f"type {type(value).__name__}"
