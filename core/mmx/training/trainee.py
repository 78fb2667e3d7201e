"""What learns, and from which rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from mmx.interfaces import Link, Loss, Sampler, Task
from mmx.training.interfaces import Rows, Trainable


@dataclass(frozen=True, slots=True)
class Trainee:
    """A model, and what it learns by.

    Attributes:
        model: built from the seed of the spec.
        loss: built for the class counts that the sampler gives.
        sampler: of the training part.
        task: owns the target.
        prior: [C], the class shares that the answers are for, where each row has one class; None
            where nobody knows.
    """

    model: Trainable
    loss: Loss
    sampler: Sampler
    task: Task
    prior: Tensor | None = None

    @property
    def link(self) -> Link:
        """The link of the model; that of the task where it brings none."""
        link = getattr(self.model, "link", None)
        return link if isinstance(link, Link) else self.task.link()


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The rows of a training.

    Attributes:
        parts: ``train`` and ``validation``.
        allowed_views: of the data set; augmentation makes no others.
        sample_names: ids of the training rows, for messages; may be empty.
    """

    parts: Mapping[str, Rows]
    allowed_views: Sequence[str] = ("identity",)
    sample_names: Sequence[str] = ()
