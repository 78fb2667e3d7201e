"""Monte Carlo dropout: the spread of predictions when dropout stays on shows what the model knows.

Source: Gal and Ghahramani 2016, Dropout as a Bayesian Approximation, arXiv:1506.02142.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import log
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from mmx import hookimpl
from mmx.blocks import alone
from mmx.errors import RunError
from mmx.interfaces import Batch, Encoder, InferenceHook, InferenceParams, Params, Prediction


class MCDropoutParams(InferenceParams):
    """Settings of Monte Carlo dropout."""

    source: ClassVar[str] = "Gal and Ghahramani 2016, arXiv:1506.02142"
    place: ClassVar[int] = 0
    tasks: ClassVar[frozenset[str]] = frozenset({"single_label", "multi_label", "ordinal"})
    draws: ClassVar[bool] = True

    type: Literal["mc_dropout"] = "mc_dropout"
    samples: PositiveInt = Field(default=20, description="predictions per case")
    seed: int = Field(default=0, ge=0, description="of what is dropped")

    def build(self) -> "MCDropout":
        return MCDropout(self.samples, self.seed)


class MCDropout(InferenceHook):
    """p = mean_s p_s with dropout on; mutual information H(p) - mean_s H(p_s) >= 0, in nats.

    Of several labels both are summed over the labels.

    Every case meets the same S thinned networks, drawn by the seed alone: each is asked by itself,
    without the padding of others, so that neither its neighbours nor its name change its answer.
    """

    def __init__(self, samples: int, seed: int) -> None:
        self.samples, self.seed = samples, seed
        self.layers: list[nn.Module] | None = None

    def bind(self, model: nn.Module) -> None:
        self.layers = dropout_layers(model)
        if not any(layer.p for layer in self.layers):
            self.notes = (
                "mc_dropout: this model drops nothing outside its frozen encoders, so all samples "
                "are equal; give the head a dropout",
            )

    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        if self.layers is None:
            raise RunError("inference.mc_dropout predicts before it was given its model; call bind")
        plain = next(batch)
        rows = range(len(batch.present))
        with torch.random.fork_rng(devices=_devices()), dropping(self.layers):
            each = [self._drawn(next, alone(batch, row, self.samples)) for row in rows]
        drawn = torch.stack(each, dim=1)  # [S, B, C] or [S, B, L, 2]
        mean = drawn.logsumexp(dim=0) - log(self.samples)
        spread = (entropy(mean) - entropy(drawn).mean(dim=0)).clamp(min=0)
        told = {"entropy": of_rows(entropy(mean)), "mutual_information": of_rows(spread)}
        extras = {**plain.extras, **told}
        return replace(plain, log_probs=mean.log_softmax(dim=-1), extras=extras)

    def _drawn(self, next: Callable[[Batch], Prediction], copies: Batch) -> Tensor:
        """Log-probabilities [S, ...] of S copies of one case."""
        torch.manual_seed(self.seed)
        return next(copies).log_probs


def dropout_layers(model: nn.Module) -> list[nn.Module]:
    """All dropout modules, but those of frozen encoders: their features are the same every time."""
    frozen = {
        inner
        for module in model.modules()
        if isinstance(module, Encoder) and not any(p.requires_grad for p in module.parameters())
        for inner in module.modules()
    }
    return [one for one in model.modules() if isinstance(one, _DropoutNd) and one not in frozen]


@contextmanager
def dropping(layers: Sequence[nn.Module]) -> Iterator[None]:
    """Let these layers drop; everything else, batch norm above all, stays in eval mode."""
    modes = [layer.training for layer in layers]
    try:
        for layer in layers:
            layer.training = True
        yield
    finally:
        for layer, mode in zip(layers, modes, strict=True):
            layer.training = mode


def entropy(log_probs: Tensor) -> Tensor:
    """Of log-probabilities [..., C], in nats."""
    return -(log_probs.exp() * log_probs.clamp(min=-1e4)).sum(dim=-1)


def of_rows(values: Tensor) -> Tensor:
    """[B] of a number for each row, or the sum over labels of [B, L]."""
    return values if values.ndim == 1 else values.sum(dim=1)


def _devices() -> list[int]:
    return list(range(torch.cuda.device_count()))


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MCDropoutParams]
