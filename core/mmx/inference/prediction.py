"""From a trained model through the inference hooks to predictions of a part."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmx.blocks import exact_fp32
from mmx.data import Part
from mmx.inference.attempts import Attempts
from mmx.interfaces import (
    Batch,
    Images,
    InferenceHook,
    InferenceParams,
    Loss,
    Outputs,
    Prediction,
    Task,
    Validation,
    map_tensors,
)
from mmx.model import Model
from mmx.training import Precision, autocast, beside, channels_last, encodes, to_device

Predict = Callable[[Batch], Prediction]
Advance = Callable[[int], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PartPrediction:
    """Predictions of all rows of a part.

    Attributes:
        log_probs: first axis n, as the link of the model gives them; [n, C] of one class a row.
        target: [n, ...], as the task makes it.
        parts: the same of the named parts that have a head.
        extras: further columns of inference hooks, first axis n.
        explain: gates, attention and the like, first axis n.
    """

    log_probs: Tensor
    target: Tensor
    parts: dict[str, Tensor] = field(default_factory=dict)
    extras: dict[str, Tensor] = field(default_factory=dict)
    explain: dict[str, Tensor] = field(default_factory=dict)

    def columns(self, classes: Sequence[str]) -> dict[str, NDArray[np.generic]]:
        """The columns of hooks [n] by name; one with a second axis gives one per entry, or class.

        Args:
            classes: C names, which stand for the entries of a second axis of C.
        """
        found: dict[str, NDArray[np.generic]] = {}
        for name, value in self.extras.items():
            if value.ndim == 1:
                found[name] = value.numpy()
                continue
            flat = value.flatten(start_dim=1).numpy()
            names = classes if flat.shape[1] == len(classes) else range(flat.shape[1])
            found |= {f"{name}_{which}": flat[:, place] for place, which in enumerate(names)}
        return found


def joined(predictions: Sequence[Prediction], targets: Sequence[Tensor]) -> PartPrediction:
    """Predictions of batches as those of their part."""
    extras = _joined([dict(prediction.extras) for prediction in predictions])
    return PartPrediction(
        log_probs=torch.cat([prediction.log_probs for prediction in predictions]),
        target=torch.cat(list(targets)),
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


class Chain:
    """A trained model and the inference hooks around it, the first one innermost.

    Whatever the model was trained in, it predicts in fp32: half precision rounds differently for a
    case alone and among others. Frozen encoders run in ``encoding``, as they do for the cache.

    Attributes:
        model: in eval mode while it predicts.
        task: owns the target.
        hooks: built, bound to the model; fitted by ``fit`` or by who made them.
        attempts: its notes say what a model explains otherwise than row by row.
    """

    def __init__(
        self,
        params: Sequence[InferenceParams],
        model: Model,
        loss: Loss,
        task: Task,
        encoding: Precision,
    ) -> None:
        self.params = params
        self.model = model
        self._loss = loss
        self.task = task
        self._encoding: Precision = encoding
        self.attempts = Attempts()
        self.hooks: list[InferenceHook] = [one.build() for one in params]
        for hook in self.hooks:
            hook.bind(model)

    def plain(self, batch: Batch) -> Prediction:
        """What hooks wrap: the model's adjusted log-probabilities, on the CPU."""
        outputs = outputs_of(self.model, batch, self._encoding)
        extras = {f"part {k}": self._log_probs(v) for k, v in outputs.part_logits.items()}
        told = self._by_row(outputs.explain, len(outputs.logits))
        extras |= {f"explain {name}": value for name, value in told.items()}
        adjusted = self._loss.adjust(beside(self._loss, outputs.logits))
        return Prediction(self._log_probs(adjusted), extras)

    def _log_probs(self, logits: Tensor) -> Tensor:
        """Of logits that may be on another device than the link, on the CPU."""
        return self.model.link.log_probs(beside(self.model.link, logits)).cpu()

    def evidence(self, logits: Tensor) -> Tensor:
        """[B, C]: what speaks for each name of the task; logits where there is one for each."""
        if logits.shape[1] == len(self.task.names):
            return logits
        return self.task.values(self._log_probs(logits))

    def _by_row(self, explained: Mapping[str, object], rows: int) -> dict[str, Tensor]:
        """What is explained of each of the rows; anything else is left out with a note."""
        kept: dict[str, Tensor] = {}
        for name, value in explained.items():
            if isinstance(value, Tensor) and value.ndim and len(value) == rows:
                kept[name] = value
            else:
                got = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
                self.attempts.note(
                    f"{name} cannot be told: the first axis of what explains must be the samples "
                    f"of a batch, got {got}"
                )
        return kept

    def __call__(self, batch: Batch) -> Prediction:
        """The prediction with all hooks around it."""
        return self.stages(batch)[-1]

    def stages(self, batch: Batch) -> list[Prediction]:
        """Without hooks, with the first, the first two, ...; each from the one before."""
        batch = self.ready(batch)
        found = [self.plain(batch)]
        for place in range(len(self.hooks)):
            found.append(self.hooks[place].predict(self._inner(place, batch, found[-1]), batch))
        return found

    def encoded(self, batch: Batch, names: Sequence[str]) -> Batch:
        """The batch on the model's device, with these modalities encoded."""
        with exact_fp32():
            return self.model.encoded(_seen(self.model, batch, names, self._encoding), names)

    def ready(self, batch: Batch) -> Batch:
        """The batch with all that hooks leave alone encoded already, if they ask several times."""
        changes = any(one.reads_pixels for one in self.params)
        kept = [k for k, one in batch.inputs.items() if not (changes and isinstance(one, Images))]
        batch = _seen(self.model, batch, kept, self._encoding)
        once = [name for name in kept if self._encoded_once(name)]
        return self.encoded(batch, once) if once else batch

    def _encoded_once(self, name: str) -> bool:
        """Whether a modality that no hook changes is encoded once for all that ask."""
        repeats = any(one.place == 0 for one in self.params)
        drawn = any(one.draws for one in self.params) and not self.model.frozen(name)
        return repeats and not drawn

    def _inner(self, place: int, batch: Batch, known: Prediction) -> Predict:
        """What the hook at this place wraps; what is known of the batch is not computed again."""
        inner: Predict = self.plain
        for hook in self.hooks[:place]:
            inner = partial(hook.predict, inner)
        if self.params[place].draws:
            return inner
        return lambda asked: known if asked is batch else inner(asked)

    def over(self, part: Part, batch_size: int, advance: Advance) -> list[PartPrediction]:
        """Predict every row of a part, in order; one result per stage.

        Args:
            part: the rows.
            batch_size: rows at a time.
            advance: told how many rows are done after each batch.
        """
        self.model.eval()
        found: list[list[Prediction]] = []
        targets, done = [], 0
        with torch.inference_mode():
            for batch, target in _batches(part, batch_size):
                found.append(self.stages(batch))
                targets.append(target)
                done += len(target)
                advance(done)
        return [joined(stage, targets) for stage in zip(*found, strict=True)]

    def fit(
        self,
        part: Part,
        batch_size: int,
        seen_classes: tuple[Tensor, Tensor, Tensor],
        allowed_views: tuple[str, ...],
    ) -> tuple[list[Validation], PartPrediction]:
        """Fit each hook on the validation predictions as they reach it.

        Args:
            part: the validation part.
            batch_size: rows at a time.
            seen_classes: class counts [C] of the training part, the same as training saw them,
                and the class shares that the answers are for.
            allowed_views: of the data set.

        Returns:
            What each hook was fitted on, and the part as all of them predict it.
        """
        self.model.eval()
        with torch.inference_mode():
            found = [self.plain(self.ready(batch)) for batch, _ in _batches(part, batch_size)]
        fitted = []
        for place, hook in enumerate(self.hooks):
            seen = self._each(part, batch_size, place, found, hook.observe)
            counts, sampled, prior = seen_classes
            given = Validation(
                torch.cat(seen), part.labels, part.groups, counts, sampled, allowed_views, prior,
                self.task.type,
            )  # fmt: skip
            hook.fit(given)
            fitted.append(given)
            found = self._each(part, batch_size, place, found, hook.predict)
        return fitted, joined(found, [part.labels])

    def _each(
        self,
        part: Part,
        batch_size: int,
        place: int,
        known: Sequence[Prediction],
        ask: Callable[[Predict, Batch], T],
    ) -> list[T]:
        """What a hook says to each batch of a part."""
        with torch.inference_mode():
            pairs = zip(_batches(part, batch_size), known, strict=True)
            ready = ((self.ready(batch), before) for (batch, _), before in pairs)
            return [ask(self._inner(place, batch, before), batch) for batch, before in ready]


def _batches(part: Part, batch_size: int) -> Iterator[tuple[Batch, Tensor]]:
    for start in range(0, len(part), batch_size):
        yield part.batch(range(start, min(start + batch_size, len(part))))


def outputs_of(model: Model, batch: Batch, encoding: Precision) -> Outputs:
    """Run the model on its device in fp32; all results in float32 on the CPU.

    Args:
        model: in eval mode.
        batch: rows.
        encoding: arithmetic of frozen encoders.
    """
    with exact_fp32():
        outputs: Outputs = model(_seen(model, batch, model.modalities, encoding))
    return map_tensors(outputs, _plain_numbers)


def _seen(model: Model, batch: Batch, names: Sequence[str], encoding: Precision) -> Batch:
    """The batch on the model's device, with these modalities as its frozen encoders see them."""
    device = next(model.parameters()).device
    batch = to_device(batch, device)
    batch = channels_last(batch, model.encoders) if encodes(batch) else batch
    with autocast(encoding, device):
        return model.seen(batch, names)


def _plain_numbers(tensor: Tensor) -> Tensor:
    return tensor.float().cpu() if tensor.is_floating_point() else tensor.cpu()
