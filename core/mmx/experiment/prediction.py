"""From a trained model through the inference hooks to predictions of a part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from mmx.data import Part
from mmx.interfaces import Batch, InferenceHook, Loss, Outputs, Prediction, Validation
from mmx.model import Model
from mmx.training import Precision, autocast
from mmx.training.precision import encodes
from mmx.training.transfer import channels_last, map_tensors, to_device

Predict = Callable[[Batch], Prediction]


@dataclass(frozen=True, slots=True)
class PartPrediction:
    """Predictions of all rows of a part.

    Attributes:
        log_probs: [n, C].
        target: [n], int64; -1 where the label is unknown.
        parts: log-probabilities [n, C] of the named parts that have a head.
        extras: further columns of inference hooks, first axis n.
        explain: gates, attention and the like, first axis n.
    """

    log_probs: Tensor
    target: Tensor
    parts: dict[str, Tensor] = field(default_factory=dict)
    extras: dict[str, Tensor] = field(default_factory=dict)
    explain: dict[str, Tensor] = field(default_factory=dict)

    def columns(self, classes: Sequence[str]) -> dict[str, NDArray[Any]]:
        """The columns of hooks [n] by name; one with a second axis gives one per entry, or class.

        Args:
            classes: C names, which stand for the entries of a second axis of C.
        """
        found: dict[str, NDArray[Any]] = {}
        for name, value in self.extras.items():
            if value.ndim == 1:
                found[name] = value.numpy()
                continue
            flat = value.flatten(start_dim=1).numpy()
            names = classes if flat.shape[1] == len(classes) else range(flat.shape[1])
            found |= {f"{name}_{which}": flat[:, place] for place, which in enumerate(names)}
        return found


def plain(model: Model, loss: Loss, precision: Precision) -> Predict:
    """The prediction that hooks wrap: the model's adjusted log-probabilities, on the CPU."""

    def predict(batch: Batch) -> Prediction:
        outputs = outputs_of(model, batch, precision)
        extras = {f"part {k}": v.log_softmax(dim=1) for k, v in outputs.part_logits.items()}
        extras |= {f"explain {name}": value for name, value in outputs.explain.items()}
        return Prediction(loss.adjust(outputs.logits).log_softmax(dim=1), extras)

    return predict


def outputs_of(model: Model, batch: Batch, precision: Precision) -> Outputs:
    """Run the model in its arithmetic on its device; all results in float32 on the CPU."""
    device = next(model.parameters()).device
    batch = to_device(batch, device)
    if encodes(batch):
        batch = channels_last(batch)
    with autocast(precision, device):
        outputs: Outputs = model(batch)
    return map_tensors(outputs, _plain_numbers)


def _plain_numbers(tensor: Tensor) -> Tensor:
    return tensor.float().cpu() if tensor.is_floating_point() else tensor.cpu()


def wrap(predict: Predict, hooks: Sequence[InferenceHook]) -> Predict:
    """Put hooks around a prediction; the first is innermost."""
    for hook in hooks:
        predict = partial(hook.predict, predict)
    return predict


def predict_part(
    model: Model, predict: Predict, part: Part, batch_size: int, advance: Callable[[int], None]
) -> PartPrediction:
    """Predict every row of a part, in order.

    Args:
        model: put into eval mode.
        predict: the wrapped prediction.
        part: the rows.
        batch_size: rows at a time.
        advance: told how many rows are done after each batch.
    """
    model.eval()
    predictions, targets = [], []
    with torch.inference_mode():
        for start in range(0, len(part), batch_size):
            stop = min(start + batch_size, len(part))
            batch, target = part.batch(range(start, stop))
            predictions.append(predict(batch))
            targets.append(target)
            advance(stop)
    extras = _joined([dict(prediction.extras) for prediction in predictions])
    return PartPrediction(
        log_probs=torch.cat([prediction.log_probs for prediction in predictions]),
        target=torch.cat(targets),
        parts=_named("part ", extras),
        explain=_named("explain ", extras),
        extras={k: v for k, v in extras.items() if not k.startswith(("part ", "explain "))},
    )


def _joined(batches: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Columns over all batches; explanations whose width varies by batch are left out."""
    names = batches[0].keys()
    columns = {name: [batch[name] for batch in batches] for name in names}
    return {
        name: torch.cat(values)
        for name, values in columns.items()
        if len({value.shape[1:] for value in values}) == 1
    }


def _named(prefix: str, columns: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in columns.items() if k.startswith(prefix)}


def fit_hooks(
    hooks: Sequence[InferenceHook],
    model: Model,
    loss: Loss,
    precision: Precision,
    part: Part,
    counts: tuple[Tensor, Tensor],
    allowed_views: tuple[str, ...],
    batch_size: int,
) -> list[Validation]:
    """Fit each hook on the validation predictions as they reach it, which are given back.

    Args:
        hooks: innermost first.
        model: trained.
        loss: may adjust logits.
        precision: arithmetic of the model.
        part: the validation part.
        counts: class counts [C] of the training part, and as training saw them.
        allowed_views: of the data set.
        batch_size: rows at a time.
    """
    predict, fitted = plain(model, loss, precision), []
    for hook in hooks:
        seen = predict_part(model, predict, part, batch_size, lambda done: None)
        fitted.append(Validation(seen.log_probs, seen.target, part.groups, *counts, allowed_views))
        hook.fit(fitted[-1])
        predict = wrap(predict, [hook])
    return fitted
