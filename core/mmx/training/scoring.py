"""Logits of a part, without training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from mmx.interfaces import Outputs, known_rows
from mmx.training.interfaces import Rows, Trainable
from mmx.training.precision import Precision, autocast, encodes
from mmx.training.trainee import Trainee
from mmx.training.transfer import beside, channels_last, to_device

Gather = Callable[[Tensor], Tensor]


def predict_logits(
    model: Trainable,
    part: Rows,
    *,
    batch_size: int,
    precision: Precision = "fp32",
    positions: Sequence[int] | None = None,
    advance: Callable[[int], None] | None = None,
) -> Outputs:
    """Run the model over a part in eval mode; its mode is as before afterwards.

    Args:
        model: on any device.
        part: n rows; at least one.
        batch_size: rows at a time.
        precision: arithmetic of the model.
        positions: rows to look at, in this order; None: all.
        advance: told after each batch how many rows are done.

    Returns:
        On the CPU, in float32: logits [n, K], part_logits by name, present [n, M].
    """
    device = next(iter(model.parameters())).device
    rows = range(len(part)) if positions is None else positions
    was_training = bool(getattr(model, "training", False))
    model.eval()
    seen = []
    with torch.inference_mode():
        for start in range(0, len(rows), batch_size):
            seen.append(_outputs(model, part, rows[start : start + batch_size], precision, device))
            if advance:
                advance(min(start + batch_size, len(rows)))
    model.train(was_training)
    return _joined(seen)


def _joined(seen: Sequence[Outputs]) -> Outputs:
    """The outputs of all batches behind each other."""
    names = seen[0].part_logits
    return Outputs(
        logits=torch.cat([outputs.logits for outputs in seen]),
        part_logits={name: torch.cat([one.part_logits[name] for one in seen]) for name in names},
        present=torch.cat([outputs.present for outputs in seen]),
        modalities=seen[0].modalities,
    )


def _outputs(
    model: Trainable, part: Rows, rows: Sequence[int], precision: Precision, device: torch.device
) -> Outputs:
    batch, _ = part.batch(rows)
    batch = to_device(batch, device)
    if encodes(batch):
        batch = channels_last(batch, model.encoders)
    with autocast(precision, device):
        outputs = model(batch)
    parts = {name: logits.float().cpu() for name, logits in outputs.part_logits.items()}
    present = outputs.present.cpu()
    return Outputs(outputs.logits.float().cpu(), parts, present, modalities=outputs.modalities)


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes that share the rows of a part.

    Attributes:
        own: number of this process, from 0.
        count: of all processes.
        gather: stacks the tensors of all processes in their order.
    """

    own: int = 0
    count: int = 1
    gather: Gather = lambda tensor: tensor

    def share(self, rows: Tensor) -> list[int]:
        """The rows [n] of this process: neighbours, which often lie in the same file.

        Each process has as many as each other; the last row is repeated.
        """
        padded = torch.cat([rows, rows[-1:].expand(-len(rows) % self.count)])
        return rearrange(padded, "(w m) -> w m", w=self.count)[self.own].tolist()

    def joined(self, logits: Tensor, rows: int) -> Tensor:
        """Of the logits [m, C] of each process those of all rows [n, C], without the repeats."""
        if self.count == 1:
            return logits
        return self.gather(logits)[:rows]


ALONE = Processes()


def known_log_probs(
    trainee: Trainee,
    part: Rows,
    *,
    batch_size: int,
    precision: Precision,
    processes: Processes = ALONE,
) -> Tensor:
    """[n, ...], float64, on the CPU: log-probabilities of the rows of which something is known."""
    known = known_rows(trainee.task, part.labels)
    own = processes.share(known)
    seen = predict_logits(
        trainee.model, part, batch_size=batch_size, precision=precision, positions=own
    )
    logits = processes.joined(seen.logits, len(known))
    adjusted = trainee.loss.adjust(beside(trainee.loss, logits)).cpu().double()
    return trainee.link.log_probs(beside(trainee.link, adjusted)).cpu().detach()


def better(value: float, than: float | None, *, higher: bool) -> bool:
    """Whether a validation score beats the best so far; NaN beats nothing but NaN.

    So of scores that are all NaN the last is kept, as where no validation row is known.

    Args:
        value: the score.
        than: the best so far; None: there is none.
        higher: whether higher scores are better.
    """
    if than is None or than != than:
        return True
    return value > than if higher else value < than
