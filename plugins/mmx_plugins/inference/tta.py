"""Test-time augmentation: the mean prediction over several views of the same images.

Source: Shanmugam et al. 2021, Better Aggregation in Test-Time Augmentation, arXiv:2011.11156.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal, cast

import torch
from pydantic import Field
from torch import Tensor

from mmx import hookimpl
from mmx.blocks import TURNS, Window, cut, turned
from mmx.errors import DataError, RunError
from mmx.interfaces import (
    Batch,
    Images,
    InferenceHook,
    InferenceParams,
    Params,
    Prediction,
    Validation,
    View,
)

Combine = Literal["mean_prob", "mean_logit", "max", "learned"]
WHOLE, EM_STEPS = (0.0, 0.0, 1.0, 1.0), 200
WINDOWS: Mapping[str, Window] = {
    "whole": WHOLE,
    "top_left": (0.0, 0.0, 0.875, 0.875),
    "top_right": (0.125, 0.0, 1.0, 0.875),
    "bottom_left": (0.0, 0.125, 0.875, 1.0),
    "bottom_right": (0.125, 0.125, 1.0, 1.0),
    "centre": (0.0625, 0.0625, 0.9375, 0.9375),
    "closer": (0.125, 0.125, 0.875, 0.875),
}
GROUPS: Mapping[str, tuple[str, ...]] = {
    "flips": ("identity", "hflip", "vflip"),
    "d4": tuple(TURNS),
    "crops": ("whole", "top_left", "top_right", "bottom_left", "bottom_right", "centre"),
    "scales": ("whole", "centre", "closer"),
}


class TTAParams(InferenceParams):
    """Settings of test-time augmentation."""

    source: ClassVar[str] = "Shanmugam et al. 2021, arXiv:2011.11156"
    tasks: ClassVar[frozenset[str]] = frozenset({"single_label", "multi_label", "ordinal"})
    place: ClassVar[int] = 0
    reads_pixels: ClassVar[bool] = True

    type: Literal["tta"] = "tta"
    views: Literal["flips", "d4", "crops", "scales"] | list[View] = Field(
        default="flips", description="a named group of views, or views by name"
    )
    combine: Combine = Field(
        default="mean_prob", description="of the views; learned: weights fitted on validation"
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The views, each once."""
        chosen = GROUPS[self.views] if isinstance(self.views, str) else self.views
        return tuple(dict.fromkeys(chosen))

    @property
    def views_made(self) -> tuple[View, ...]:
        return tuple(cast(View, name) for name in self.names if name in TURNS)

    def check(self, allowed_views: tuple[str, ...]) -> None:
        if not self.names:
            raise DataError(
                "inference.tta has no views; set views to some of "
                f"[{', '.join(allowed_views)}], or to crops or scales"
            )

    def build(self) -> "TTA":
        return TTA(self.names, self.combine)


class TTA(InferenceHook):
    """p(c) = sum_v w_v p_v(c) over views v, with w_v = 1 / V unless learned; text encoded once."""

    def __init__(self, views: tuple[str, ...], combine: Combine) -> None:
        self.views = views
        self.combine: Combine = combine
        self.weights = torch.full((len(views),), 1 / len(views))
        if set(views) <= {"identity", "whole"}:
            self.notes = (
                "test-time augmentation changes nothing: it sees each image as it is and in no "
                "other view; leave it out, or name views",
            )

    def observe(self, next: Callable[[Batch], Prediction], batch: Batch) -> Tensor:
        """Log-probabilities of the views [B, V, ...] if weights are learned from them."""
        return self._each(next, batch)[0] if self.combine == "learned" else next(batch).log_probs

    def fit(self, validation: Validation) -> None:
        if self.combine != "learned":
            return
        known = validation.target >= 0  # [n], or [n, L] of several labels
        views = validation.logits.movedim(1, -2)
        self.weights = mixture_weights(views[known], validation.target[known])
        told = zip(self.views, self.weights.tolist(), strict=True)
        words = ", ".join(f"{name} {weight:.2f}" for name, weight in told)
        self.notes = (f"test-time augmentation weighs its views {words}, fitted on validation",)

    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        views, first = self._each(next, batch)
        return replace(first, log_probs=combined(views, self.combine, self.weights))

    def _each(self, next: Callable[[Batch], Prediction], batch: Batch) -> tuple[Tensor, Prediction]:
        """Log-probabilities [B, V, ...], and the prediction of the first view."""
        found = [next(seen(batch, name)) for name in self.views]
        return torch.stack([one.log_probs for one in found], dim=1), found[0]


def seen(batch: Batch, view: str) -> Batch:
    """The batch with all its images in a view; itself for untouched images."""
    found = {name: one for name, one in batch.inputs.items() if isinstance(one, Images)}
    if not found:
        raise RunError("inference.tta needs images before encoding, got cached features")
    shown = {name: _in_view(images, view) for name, images in found.items()}
    changed = any(shown[name] is not found[name] for name in found)
    return batch.with_inputs(shown) if changed else batch


def _in_view(images: Images, view: str) -> Images:
    if view in TURNS:
        return turned(images, view)
    return images if WINDOWS[view] == WHOLE else cut(images, WINDOWS[view])


def combined(views: Tensor, combine: Combine, weights: Tensor) -> Tensor:
    """Log-probabilities [B, ..., C] of those of views [B, V, ..., C] with weights [V]."""
    if combine == "mean_logit":
        return views.mean(dim=1).log_softmax(dim=-1)
    if combine == "max":
        return views.amax(dim=1).log_softmax(dim=-1)
    of_view = weights.log().reshape(-1, *[1] * (views.ndim - 2))
    return (views + of_view).logsumexp(dim=1)


def mixture_weights(views: Tensor, target: Tensor) -> Tensor:
    """Weights [V] of predictions [n, V, C] with the smallest NLL of target [n], by EM."""
    count = views.shape[1]
    weights = torch.full((count,), 1 / count, dtype=torch.float64)
    if len(target) == 0:
        return weights.float()
    of_target = views.double().take_along_dim(target[:, None, None], dim=2)[..., 0]  # [n, V]
    for _ in range(EM_STEPS):
        weights = (of_target + weights.log()).softmax(dim=1).mean(dim=0)
    return weights.float()


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [TTAParams]
