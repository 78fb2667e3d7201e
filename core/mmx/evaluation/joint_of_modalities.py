"""Whether several modalities together say more than each alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from mmx.evaluation.comparison import Contrast

_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class JointSignal:
    """What comparing a model of several modalities with each alone has shown.

    Attributes:
        beaten: modality -> by how much the whole model is better, for those that it is shown to
            beat.
        others: modalities alone that it is not shown to beat.
        conditional: the model has one training seed: it holds for these training runs.
    """

    beaten: Mapping[str, float]
    others: tuple[str, ...]
    conditional: bool

    @property
    def shown(self) -> bool:
        """Whether the whole model is shown to beat each modality alone."""
        return not self.others


def joint_signal(alone: Mapping[str, Contrast]) -> JointSignal | None:
    """Judge it from the contrasts of each modality alone against the whole model.

    A modality alone is beaten where the corrected p is at most 5 % and the interval of the
    difference leaves out 0. All of them must be, so the sentence is wrong in at most 5 % of the
    studies in which some modality alone is as good as the whole (intersection-union test).

    Args:
        alone: by modality, two or more.

    Returns:
        None where there are too few groups for any verdict.

    Source: Berger 1982, Multiparameter hypothesis testing and acceptance sampling,
        doi:10.1080/00401706.1982.10487790.
    """
    if len(alone) < 2 or any(one.few for one in alone.values()):
        return None
    gains = {name: _gain(one) for name, one in alone.items()}
    beaten = {name: gain for name, gain in gains.items() if gain is not None}
    others = tuple(name for name in alone if name not in beaten)
    return JointSignal(beaten, others, any(one.conditional for one in alone.values()))


def _gain(one: Contrast) -> float | None:
    """By how much the whole model is better; None where that is not shown."""
    low, high = one.difference.low, one.difference.high
    better = low > 0 if one.lower_is_better else high < 0
    return abs(one.difference.value) if better and one.corrected <= _LEVEL else None
