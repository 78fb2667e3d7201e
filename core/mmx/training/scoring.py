"""Logits of a part, without training."""

from collections.abc import Callable, Sequence

import torch
from einops import rearrange
from torch import Tensor

from mmx.interfaces import Link, Loss, Outputs, Task, known_rows
from mmx.training.interfaces import Rows, Trainable
from mmx.training.precision import Precision, autocast, encodes
from mmx.training.transfer import channels_last, to_device

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


def scores(
    model: Trainable,
    part: Rows,
    loss: Loss,
    task: Task,
    *,
    batch_size: int,
    precision: Precision,
    process: int = 0,
    processes: int = 1,
    gather: Gather | None = None,
) -> dict[str, float]:
    """Quick scores of a part; rows of which nothing is known are left out; none give no scores.

    Several processes share the rows; ``gather`` stacks their tensors in the order of processes.
    """
    known = known_rows(task, part.labels)
    if not len(known):
        return {}
    # every process sees equally many rows; the repeats at the end are cut off again
    padded = torch.cat([known, known[:1].expand(-len(known) % processes)])
    own = rearrange(padded, "(m w) -> w m", w=processes)[process].tolist()
    seen = predict_logits(model, part, batch_size=batch_size, precision=precision, positions=own)
    logits = seen.logits
    if gather is not None and processes > 1:
        logits = rearrange(gather(logits), "(w m) c -> (m w) c", w=processes)[: len(known)]
    log_probs = link_of(model, task).log_probs(loss.adjust(logits).double())
    return task.quick_scores(log_probs.detach().numpy(), part.labels[known].numpy())


def link_of(model: Trainable, task: Task) -> Link:
    """The link of a model; that of the task where it brings none."""
    link = getattr(model, "link", None)
    return link if isinstance(link, Link) else task.link()


def better(value: float, than: float | None, *, higher: bool) -> bool:
    """Whether a validation score beats the best so far; NaN beats nothing but nothing.

    Args:
        value: the score.
        than: the best so far; None: there is none.
        higher: whether higher scores are better.
    """
    if than is None or than != than:
        return value == value or than is None
    return value > than if higher else value < than
