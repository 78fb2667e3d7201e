"""Inference hooks of API 1, which find an image and a text in a batch, as hooks of API 2."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mmx.interfaces import (
    IMAGE,
    TEXT,
    Batch,
    Curve,
    InferenceHook,
    InferenceParams,
    Inputs,
    Interval,
    Prediction,
    Validation,
)
from mmx.plugins.api1.named_as import named_as

Next = Callable[[Batch], Prediction]


def hook_by_name(params: type[InferenceParams]) -> type[InferenceParams]:
    """A class of settings like that of API 1 whose hook is shown batches as API 1 had them."""

    class ByName(params):  # type: ignore[valid-type, misc]  # a class that is computed
        def build(self) -> InferenceHook:
            """The hook of API 1 behind one that takes batches by name."""
            return HookOfTwo(super().build())

    return named_as(params, ByName)


class BatchOfTwo(Batch):
    """A batch that also has ``image`` and ``text``, and whose copies may be made with others."""

    def __init__(  # params: those of both versions
        self,
        inputs: Mapping[str, Inputs],
        present: Tensor,
        group: tuple[str, ...] = (),
        **changed: Inputs,
    ) -> None:
        super().__init__({**inputs, **changed}, present, group)

    @property
    def image(self) -> Inputs:
        """What the encoder of images reads, or gave."""
        return self.inputs[IMAGE]

    @property
    def text(self) -> Inputs:
        """What the encoder of texts reads, or gave."""
        return self.inputs[TEXT]


class HookOfTwo(InferenceHook):
    """Shows batches of two modalities to a hook of API 1."""

    def __init__(self, hook: InferenceHook) -> None:
        self.hook = hook

    def __getattr__(self, name: str) -> Any:
        """What else the hook of API 1 has."""
        if name == "hook":  # while a copy is made
            raise AttributeError(name)
        return getattr(self.hook, name)

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]  # it is a field there
        """Sentences for the report."""
        return self.hook.notes

    def bind(self, model: nn.Module) -> None:
        """As the hook of API 1."""
        self.hook.bind(model)

    def observe(self, next: Next, batch: Batch) -> Tensor:
        """As the hook of API 1."""
        shown = _of_two(batch)
        return self.hook.observe(_unless_changed(next, shown, batch), shown)

    def fit(self, validation: Validation) -> None:
        """As the hook of API 1."""
        self.hook.fit(validation)

    def predict(self, next: Next, batch: Batch) -> Prediction:
        """As the hook of API 1."""
        shown = _of_two(batch)
        return self.hook.predict(_unless_changed(next, shown, batch), shown)

    def measure(
        self, prediction: Prediction, target: Tensor, group: Sequence[str]
    ) -> Mapping[str, float | Interval | str]:
        """As the hook of API 1."""
        return self.hook.measure(prediction, target, group)

    def curves(self, prediction: Prediction, target: Tensor) -> Sequence[Curve]:
        """As the hook of API 1."""
        return self.hook.curves(prediction, target)


def _of_two(batch: Batch) -> BatchOfTwo:
    return BatchOfTwo(batch.inputs, batch.present, batch.group)


def _unless_changed(next: Next, shown: Batch, batch: Batch) -> Next:
    """What the hook wraps, which knows the batch itself and need not compute it again."""
    return lambda asked: next(batch if asked is shown else asked)
