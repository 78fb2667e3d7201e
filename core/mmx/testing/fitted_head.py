"""The law of heads that are fitted before training begins."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from mmx.interfaces import Features, Head, HeadRows
from mmx.testing.law import demand, finite, same
from mmx.testing.subjects import CLASSES, IMAGE, HeadSubject

MANY = 30


def fitted(subject: HeadSubject) -> str | None:
    """One that is fitted first does so alike twice, and its loss is then below that of guessing."""
    first, second = (_fitted(subject) for _ in range(2))
    if first is None or second is None:
        return "it is not fitted first"
    told, (read, target) = dict(first.state_dict()), _rows(0)
    finite(told, "after fitting")
    same(dict(second.state_dict()), told, "two heads that were fitted to the same rows")
    logits = first(Features.of_pooled(read)).logits.detach()
    loss = float(cross_entropy(logits, target))
    guess = float(cross_entropy(torch.zeros_like(logits), target))
    demand(loss < guess, f"after fitting the loss of its rows is {loss:.3g}, guessing {guess:.3g}")
    return None


def _fitted(subject: HeadSubject) -> Head | None:
    """A head after fitting, in eval mode."""
    head = subject.build()
    assert isinstance(head, Head)
    if not head.fits_first:
        return None
    (train, target), (validation, truth) = _rows(0), _rows(1)
    head.fit(
        HeadRows(
            train.double(),
            validation.double(),
            lambda raw: cross_entropy(raw, target),
            lambda raw: float((raw.argmax(dim=1) == truth).double().mean()),
        )
    )
    return head.eval()


def _rows(seed: int) -> tuple[Tensor, Tensor]:
    """Features [n, D] of classes that a linear map tells apart, and the classes [n]."""
    draws = torch.Generator().manual_seed(seed)
    target = torch.arange(MANY) % CLASSES
    read = torch.randn(MANY, IMAGE.dim, generator=draws)
    read[:, :CLASSES] += 3 * torch.nn.functional.one_hot(target, CLASSES)
    return read, target
