"""One layer for each modality of a model."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar, cast

from torch import nn

Layer = TypeVar("Layer", bound=nn.Module)


class PerModality(nn.Module, Generic[Layer]):
    """Layers by the name of their modality, in the order of the spec.

    Their weights are named ``NAME.weight`` and so on, as in ``nn.ModuleDict``, which refuses the
    names of its own methods: a modality may be called ``type`` or ``values``.
    """

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        super().__init__()
        self._modules.update(layers)

    def __getitem__(self, modality: str) -> Layer:
        return cast("Layer", self._modules[modality])

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)
