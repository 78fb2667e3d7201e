"""What stands in for a missing side, and whether training ever saw it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mmx.data import Split
from mmx.pipeline import Prepared
from mmx.spec import Spec


@dataclass(frozen=True, slots=True)
class StandIns:
    """What a model answers from where a side is missing.

    Attributes:
        prior: [C], the class shares that it answers for: all that is known without either side.
        untrained: sides whose learned stand-in no training row ever used.
    """

    prior: Tensor
    untrained: tuple[str, ...] = ()

    def neither(self, rows: int) -> Tensor:
        """Log-probabilities [rows, C] without image and text: training never shows such a row."""
        log_prior = (self.prior / self.prior.sum()).log()
        return log_prior.float().expand(rows, -1)

    @property
    def words(self) -> tuple[str, ...]:
        """One sentence if a stand-in was never trained, else none."""
        if not self.untrained:
            return ()
        return (
            f"No training row was without its {' or its '.join(self.untrained)}, so what stands in "
            "for it is as it was drawn at the start: figures of missing sides and shares of the "
            "sides rest on untrained numbers; train.modality_dropout: 0.3 trains them.",
        )


def untrained_sides(spec: Spec, prepared: Prepared) -> tuple[str, ...]:
    """Sides that every training row has, without modality dropout; nothing of one-sided models."""
    if spec.train.modality_dropout > 0 or len(spec.model.used) < 2:
        return ()
    has = _has(prepared, prepared.split)
    return tuple(side for side in spec.model.used if all(has[side]))


def _has(prepared: Prepared, split: Split) -> dict[str, list[bool]]:
    """For each side, which training rows have it."""
    rows = split.rows("train").tolist()
    samples = [prepared.manifest.samples[row] for row in rows]
    return {
        "image": [any(image is not None for image in one.images) for one in samples],
        "text": [bool(prepared.texts[row].strip()) for row in rows],
    }


def recorded_stand_ins(
    prior: tuple[float, ...], sampled: tuple[int | float, ...], untrained: tuple[str, ...]
) -> StandIns:
    """Of a run, as it wrote them down; older ones answer for the classes as training saw them."""
    shares = torch.tensor(prior or sampled, dtype=torch.float64)
    return StandIns(shares.clamp(min=torch.finfo(torch.float32).tiny), untrained)
