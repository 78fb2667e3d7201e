"""What a model does when one side is missing, and how much of each answer a side carries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mmx.data import Part
from mmx.inference.prediction import Chain
from mmx.inference.stand_ins import StandIns
from mmx.interfaces import Batch

SIDES = ["image", "text"]
BOTH, NEITHER, RATES, SEED = "image and text", "neither", (0.25, 0.5, 0.75), 0
KEPT = {BOTH: (True, True), "image only": (True, False), "text only": (False, True),
        NEITHER: (False, False)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Missing:
    """A part predicted again with sides taken away.

    Attributes:
        arms: log-probabilities [n, C] by what was there; inference hooks are left out.
        shares: side -> [n], its exact Shapley value of the probability of the predicted class.
    """

    arms: Mapping[str, Tensor]
    shares: Mapping[str, Tensor]


def predict_missing(
    chain: Chain, part: Part, batch_size: int, stand_ins: StandIns
) -> Missing | None:
    """Predict with both sides, one, none, and with sides dropped at random; each encoded once.

    Dropping is nested: who loses a side at 25 % loses it at 50 % too. Without either side the
    answer is the class prior that the model was trained for: no stand-in was trained for that.

    Returns:
        None for a model that reads one side only.
    """
    if [name for name, read in chain.model.reads.items() if read] != SIDES:
        return None
    asked = {name: sides for name, sides in KEPT.items() if any(sides)}
    found: dict[str, list[Tensor]] = {name: [] for name in asked}
    chain.model.eval()
    with torch.inference_mode():
        for start in range(0, len(part), batch_size):
            rows = range(start, min(start + batch_size, len(part)))
            batch = chain.encoded(part.batch(rows)[0], SIDES)
            for name, sides in asked.items():
                stay = torch.tensor([sides], device=batch.present.device)
                given = replace(batch, present=batch.present & stay)
                found[name].append(chain.plain(given).log_probs)
    arms = {name: torch.cat(values) for name, values in found.items()}
    arms[NEITHER] = stand_ins.neither(len(part))
    return Missing({**arms, **_dropped(arms)}, _shares(list(arms.values())))


def _dropped(arms: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Log-probabilities [n, C] by rate: a row that loses a side is as if it never had it."""
    whole, alone = arms[BOTH], {"image": arms["text only"], "text": arms["image only"]}
    drawn = torch.rand(len(whole), 1, generator=torch.Generator().manual_seed(SEED))
    return {
        f"{side} missing in {rate:.0%}": torch.where(drawn < rate, without, whole)
        for side, without in alone.items()
        for rate in RATES
    }


def _shares(arms: Sequence[Tensor]) -> dict[str, Tensor]:
    """Shapley values of log-probabilities [n, C] with both sides, image, text, and neither."""
    predicted = arms[0].argmax(dim=1, keepdim=True)
    both, image, text, neither = (arm.exp().gather(1, predicted)[:, 0] for arm in arms)
    return {
        "image": ((image - neither) + (both - text)) / 2,
        "text": ((text - neither) + (both - image)) / 2,
    }


def shares_of_case(chain: Chain, batch: Batch, stand_ins: StandIns) -> dict[str, float]:
    """Where the probability of one case's answer comes from: neither side, image, text.

    Args:
        chain: the model.
        batch: one row, both sides encoded, or as they come.
        stand_ins: of the model.

    Returns:
        Three numbers whose sum is the probability of the predicted class.
    """
    arms = []
    for sides in filter(any, KEPT.values()):
        stay = torch.tensor([sides], device=batch.present.device)
        given = replace(batch, present=batch.present & stay)
        arms.append(chain.plain(given).log_probs)
    arms.append(stand_ins.neither(1))
    shares = {side: float(value) for side, value in _shares(arms).items()}
    probability = float(arms[0].exp().max())
    return {"prior": probability - sum(shares.values()), **shares}
