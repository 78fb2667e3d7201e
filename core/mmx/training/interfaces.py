"""What training needs of a model and of a part of the data."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from torch import Tensor, nn

from mmx.interfaces import Batch, Outputs


class Trainable(Protocol):
    """A model as ``mmx.model.assemble`` builds it; any module with these names will do."""

    @property
    def encoders(self) -> nn.ModuleDict:
        """The encoder of each modality by its name."""
        ...

    def __call__(self, batch: Batch) -> Outputs:
        """Logits [B, C] and all that losses read."""
        ...

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """All parameters; those without gradient never learn."""
        ...

    def parameters(self) -> Iterator[nn.Parameter]:
        """All parameters, without their names."""
        ...

    def modules(self) -> Iterator[nn.Module]:
        """Itself and all modules inside, in a fixed order."""
        ...

    def train(self, mode: bool = True) -> object:
        """Enter training mode; frozen parts stay as they are."""
        ...

    def eval(self) -> object:
        """Leave training mode."""
        ...

    def trainable_state(self) -> Mapping[str, Tensor]:
        """All that training changes: weights, and buffers of what is not frozen."""
        ...

    def load_trainable(self, state: Mapping[str, Tensor]) -> None:
        """Take back what ``trainable_state`` gave."""
        ...


class Rows(Protocol):
    """A part of the data, such as the training part."""

    def __len__(self) -> int:
        """Number of rows n."""
        ...

    def batch(self, positions: Sequence[int]) -> tuple[Batch, Tensor]:
        """Rows at these positions in 0..n-1, and their targets [B, ...]."""
        ...

    @property
    def labels(self) -> Tensor:
        """[n, ...], targets as the task makes them."""
        ...

    @property
    def groups(self) -> Sequence[str]:
        """The group of each row."""
        ...
