"""Inference hooks: middleware between the model and its predictions."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor, nn

from mmx.interfaces.dataset import View
from mmx.interfaces.inputs import Batch
from mmx.interfaces.interval import Interval
from mmx.interfaces.params import Params


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is predicted for a batch.

    Attributes:
        log_probs: [B, C]; each row's exponentials sum to 1. Of several labels [B, L, 2], absent and
            present: the exponentials of the last axis sum to 1.
        extras: further columns by name, first axis B: sets, entropies, acceptance.
    """

    log_probs: Tensor
    extras: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a figure for the report.

    Attributes:
        title: over it.
        x_label: below it.
        y_label: beside it.
        x: along.
        y: up.
        bars: as bars instead of a line.
    """

    title: str
    x_label: str
    y_label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    bars: bool = False


@dataclass(frozen=True, slots=True)
class Validation:
    """What a hook may be fitted on: predictions of the validation part.

    Attributes:
        logits: [n, C] or [n, L, 2], as they reach this hook; or what its ``observe`` gave for each
            row.
        target: [n], int64, or [n, L] of several labels; -1 is unknown.
        group: the group of each row.
        class_counts: [C], of the training part; [L, 3] of several labels: absent, present, unknown.
        sampled_counts: the same, as training saw them after the sampler.
        allowed_views: views that the data set allows.
        prior: [C] or [L, 2], the class shares that the model's answers are for: what training saw,
            as its loss and class weights changed it; None: as training saw them.
        task: type of the task.
    """

    logits: Tensor
    target: Tensor
    group: tuple[str, ...]
    class_counts: Tensor
    sampled_counts: Tensor
    allowed_views: tuple[str, ...]
    prior: Tensor | None = None
    task: str = "single_label"


class InferenceParams(Params):
    """Settings of an inference hook."""

    kind: ClassVar[str] = "inference"
    tasks: ClassVar[frozenset[str]] = frozenset({"single_label"})
    # hooks stand in this order: 0 changes what is predicted from, 1 changes probabilities,
    # 2 reads the final ones
    place: ClassVar[int] = 1
    reads_pixels: ClassVar[bool] = False  # True: changes images, so they come before encoding
    draws: ClassVar[bool] = False  # True: lets modules of the model draw at random
    reads_prior: ClassVar[bool] = False  # True: needs a loss that states which prior it is for

    @property
    def fewest_groups(self) -> int:
        """Groups of the part it is fitted on that it needs for what it promises."""
        return 1

    @property
    def views_made(self) -> tuple[View, ...]:
        """Views that it mirrors or turns a picture into; a run asks the data set for them first."""
        return ("identity",)

    def check(self, allowed_views: tuple[str, ...]) -> None:
        """Refuse data that these settings do not fit, before anything is trained.

        Raises:
            DataError: says what to set instead.
        """

    @abstractmethod
    def build(self) -> "InferenceHook":
        """Build the hook, not yet fitted."""


class InferenceHook(ABC):
    """Wraps the prediction of what stands inside it; the first hook of a spec is innermost.

    Attributes:
        notes: sentences for the report, known after ``fit``.
    """

    notes: tuple[str, ...] = ()

    def bind(self, model: nn.Module) -> None:  # noqa: B027 - most hooks never touch the model
        """Be given the trained model, before anything else is called."""

    def observe(self, next: Callable[[Batch], Prediction], batch: Batch) -> Tensor:
        """What ``fit`` is to see of each row, first axis B; if not said, log-probabilities."""
        return next(batch).log_probs

    def fit(self, validation: Validation) -> None:  # noqa: B027 - most hooks learn nothing
        """Learn from validation predictions only."""

    @abstractmethod
    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        """Predict, calling ``next`` on the batch or on changed copies of it."""

    def measure(
        self, prediction: Prediction, target: Tensor, group: Sequence[str]
    ) -> Mapping[str, float | Interval | str]:
        """What the hook promised and what it kept, by name; rows with a known label only.

        A promise is measured in the unit in which it was made: most are fitted on one row of each
        group, so they hold over groups and not over rows.

        Args:
            prediction: of all rows [n, C], with the columns of this hook.
            target: [n], int64, no -1; of several labels [n, L], rows without any known label left
                out.
            group: the group of each row.

        Returns:
            Numbers, numbers with their interval, and words.
        """
        return {}

    def curves(self, prediction: Prediction, target: Tensor) -> Sequence[Curve]:
        """Figures of what was kept, of the same rows as ``measure``."""
        return ()
