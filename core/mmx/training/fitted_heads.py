"""Heads that fit themselves to what they read before training begins."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from mmx.interfaces import Features, Head, HeadRows, Task, known_rows
from mmx.spec import Spec
from mmx.training.interfaces import Rows, Trainable
from mmx.training.objective import class_weights
from mmx.training.precision import Precision
from mmx.training.scoring import predict_logits
from mmx.training.trainee import Trainee

MOST = 20_000  # training rows; of more every k-th is read, which changes a linear fit little


@dataclass
class Readings:
    """What one head read.

    Attributes:
        pooled: [B, D] of each batch.
        present: [B], bool: rows of which there is something to read.
    """

    pooled: list[Tensor] = field(default_factory=list)
    present: list[Tensor] = field(default_factory=list)

    def hook(self, module: nn.Module, given: tuple[Features, ...]) -> None:
        """Note what the head is given."""
        self.pooled.append(given[0].pooled.float().cpu())
        self.present.append(given[0].present.cpu())

    def rows(self) -> tuple[Tensor, Tensor]:
        """[n], places of the rows that are there, and their features [n, D], float64."""
        there = torch.cat(self.present).nonzero().flatten()
        return there, torch.cat(self.pooled)[there].double()


def heads_to_fit(model: Trainable) -> list[Head]:
    """Those that say ``fits_first``, in a fixed order."""
    return [one for one in model.modules() if isinstance(one, Head) and one.fits_first]


def fit_heads(
    heads: Sequence[Head],
    trainee: Trainee,
    parts: Mapping[str, Rows],
    spec: Spec,
    precision: Precision,
) -> None:
    """Let heads fit themselves to what the model at its start gives them to read.

    A head of one modality sees the rows that have it; one that reads nothing stays as it is.

    Args:
        heads: of the model.
        trainee: the model, and what it learns by.
        parts: ``train`` and ``validation``.
        spec: of the training.
        precision: arithmetic of the model.
    """
    size, known = spec.evaluation.batch_size, known_rows(trainee.task, parts["validation"].labels)
    rows = {"train": _some(len(parts["train"])), "validation": known.tolist()}
    read = {
        name: _read(heads, trainee.model, parts[name], chosen, size, precision)
        for name, chosen in rows.items()
    }
    targets = {name: parts[name].labels[chosen] for name, chosen in rows.items()}
    judge = _Judge.of(trainee, spec)
    for index, head in enumerate(heads):
        train, validation = (read[name][index] for name in rows)
        if train.pooled:
            head.fit(judge.rows(train, validation, targets))


def _some(count: int) -> list[int]:
    return list(range(0, count, -(-count // MOST)))


def _read(
    heads: Sequence[Head],
    model: Trainable,
    part: Rows,
    positions: Sequence[int],
    batch_size: int,
    precision: Precision,
) -> list[Readings]:
    """What each head reads of these rows."""
    found = [Readings() for _ in heads]
    with _watched(heads, found):
        if positions:
            predict_logits(
                model, part, batch_size=batch_size, precision=precision, positions=positions
            )
    return found


@contextmanager
def _watched(heads: Sequence[Head], readings: Sequence[Readings]) -> Iterator[None]:
    """Note what heads are given."""
    handles = [
        head.register_forward_pre_hook(one.hook) for head, one in zip(heads, readings, strict=True)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@dataclass(frozen=True, slots=True)
class _Judge:
    """How outputs of a head are judged.

    Attributes:
        task: owns the target.
        prior: [C], class shares that answers are for; None: rows have no one class.
        log_probs: of raw outputs [n, R], float64, as predictions are made from them.
        select: name of the score that chooses the best epoch.
        higher: whether more of it is better.
    """

    task: Task
    prior: Tensor | None
    log_probs: Callable[[Tensor], Tensor]
    select: str
    higher: bool

    @classmethod
    def of(cls, trainee: Trainee, spec: Spec) -> "_Judge":
        """On the CPU in float64, with the link as it is at the start."""
        link = deepcopy(trainee.link).cpu().double().requires_grad_(False)
        loss = deepcopy(trainee.loss).cpu().double().requires_grad_(False)
        prior = trainee.prior if spec.task.exclusive else None

        def log_probs(raw: Tensor) -> Tensor:
            return link.log_probs(loss.adjust(link(raw)))

        return cls(trainee.task, prior, log_probs, spec.select, spec.task.selects[spec.select])

    def rows(
        self, train: Readings, validation: Readings, targets: Mapping[str, Tensor]
    ) -> HeadRows:
        """The rows of one head."""
        there, features = train.rows()
        target = self.task.for_training(targets["train"][there])
        weights = class_weights(target, self.prior)
        asked, held = validation.rows() if validation.pooled else (torch.arange(0), features[:0])
        truth = targets["validation"][asked].numpy()

        def loss(raw: Tensor) -> Tensor:
            return (weights * self.task.part_loss(self.log_probs(raw), target)).mean()

        def quality(raw: Tensor) -> float:
            with torch.no_grad():
                answered = self.log_probs(raw).numpy()
            value = self.task.quick_scores(answered, truth)[self.select]
            return value if self.higher else -value

        return HeadRows(features, held, loss, quality)
