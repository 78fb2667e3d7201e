"""What a model answers from where a modality is missing, and whether training ever saw it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmx.interfaces import Task
from mmx.pipeline import Counts, PreparedData
from mmx.spec import Spec


@dataclass(frozen=True, slots=True)
class Placeholders:
    """What stands in the place of missing modalities.

    Attributes:
        answer: what it predicts of one row without any: the class shares that it answers for are
            all that is known then.
        untrained: modalities whose learned placeholder no training row ever used.
    """

    answer: Tensor
    untrained: tuple[str, ...] = ()

    def without_any(self, rows: int) -> Tensor:
        """What is predicted of rows without any modality: training never shows such a row."""
        return self.answer.float().expand(rows, *self.answer.shape)

    @property
    def words(self) -> tuple[str, ...]:
        """One sentence if a learned placeholder was never trained, else none."""
        if not self.untrained:
            return ()
        return (
            f"No training row was without its {' or its '.join(self.untrained)}, so the learned "
            "placeholder for it is as it was initialised: figures of missing modalities and shares "
            "of the modalities rest on untrained numbers; train.modality_dropout: 0.3 trains it.",
        )


def untrained_modalities(spec: Spec, prepared: PreparedData) -> tuple[str, ...]:
    """Modalities that every training row has and none loses by dropout; none of a single one."""
    if len(spec.model.used) < 2:
        return ()
    rows = prepared.split.rows("train").tolist()
    kept = (name for name in spec.model.used if not spec.train.drops(name))
    return tuple(name for name in kept if all(_has(prepared, name, rows)))


def _has(prepared: PreparedData, name: str, rows: Sequence[int]) -> Iterator[bool]:
    """Which of these rows have a modality, as far as the samples tell."""
    for row in rows:
        sample = prepared.manifest.samples[row]
        if name in prepared.pictures:
            yield any(image is not None for image in sample.images.get(name, ()))
        elif name in prepared.written:
            yield bool(prepared.written[name][row].strip())
        else:
            known = any(value is not None for value in sample.record.values())
            yield (
                sample.inputs.get(name) is not None
                if name in prepared.manifest.contents.inputs
                else known
            )


def recorded_placeholders(
    task: Task, prior: Counts, sampled: Counts, untrained: tuple[str, ...]
) -> Placeholders:
    """Of a run, as it wrote them down; older ones answer for the classes as training saw them."""
    shares = torch.tensor(prior or sampled, dtype=torch.float64)
    return Placeholders(task.guess(shares), untrained)
