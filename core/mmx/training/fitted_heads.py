"""Heads that fit themselves to what they read before training begins."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from mmx.interfaces import Features, Head, HeadRows, known_rows
from mmx.runs import Observer, Progress
from mmx.spec import Spec
from mmx.training.interfaces import Rows, Trainable
from mmx.training.precision import Precision
from mmx.training.probe_judge import ProbeJudge
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

    @property
    def empty(self) -> bool:
        """Whether there is nothing to read of any row."""
        return not any(bool(one.any()) for one in self.present)

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
    observer: Observer,
) -> None:
    """Let heads fit themselves to what the model at its start gives them to read.

    A head of one modality sees the rows that have it; one that reads nothing stays as it is.

    Args:
        heads: of the model.
        trainee: the model, and what it learns by.
        parts: ``train`` and ``validation``.
        spec: of the training.
        precision: arithmetic of the model.
        observer: told how many heads are fitted.
    """
    size, known = spec.evaluation.batch_size, known_rows(trainee.task, parts["validation"].labels)
    rows = {"train": _some(len(parts["train"])), "validation": known.tolist()}
    read = {
        name: _read(heads, trainee.model, parts[name], chosen, size, precision)
        for name, chosen in rows.items()
    }
    targets = {name: parts[name].labels[chosen] for name, chosen in rows.items()}
    judge = _judge(trainee, spec)
    for index, head in enumerate(heads):
        observer.progress(Progress("fit", index, len(heads), "head"))
        train, validation = (read[name][index] for name in rows)
        if not train.empty:
            head.fit(_rows(judge, train, validation, targets))
    observer.progress(Progress("fit", len(heads), len(heads), "head"))


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


def _judge(trainee: Trainee, spec: Spec) -> ProbeJudge:
    """On the CPU in float64, with the link as it is at the start."""
    link = deepcopy(trainee.link).cpu().double().requires_grad_(False)
    loss = deepcopy(trainee.loss).cpu().double().requires_grad_(False)
    prior = trainee.prior if spec.task.exclusive else None

    def log_probs(raw: Tensor) -> Tensor:
        return link.log_probs(loss.adjust(link(raw)))

    return ProbeJudge(trainee.task, spec.task, log_probs, prior)


def _rows(
    judge: ProbeJudge, train: Readings, validation: Readings, targets: Mapping[str, Tensor]
) -> HeadRows:
    """The rows of one head."""
    there, features = train.rows()
    asked, held = validation.rows() if validation.pooled else (torch.arange(0), features[:0])
    return judge.rows(features, targets["train"][there], held, targets["validation"][asked])
