"""What a model answers when modalities are missing, and how much of each answer they carry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mmx.data import Part
from mmx.evaluation import LOSS_RATES, arm_name, loss_name
from mmx.inference.placeholders import Placeholders
from mmx.inference.prediction import Chain
from mmx.inference.shapley import Kept, Shares, kept_for_shares, shapley
from mmx.interfaces import Batch, Task

SEED = 0  # of who loses a modality


@dataclass(frozen=True, slots=True)
class Missing:
    """A part predicted again with modalities taken away.

    Attributes:
        arms: log-probabilities [n, C] by what was there; inference hooks are left out.
        shares: of the probability of the answer, by modality.
    """

    arms: Mapping[str, Tensor]
    shares: Shares


def predict_missing(
    chain: Chain, part: Part, batch_size: int, placeholders: Placeholders
) -> Missing | None:
    """Predict with all modalities, one, all but one, none, and with one dropped at random.

    Each is encoded once. Dropping is nested: who loses a modality at 25 % loses it at 50 % too.
    Without any the answer is the class prior that the model was trained for: training never shows
    such a row. A row that lacks a modality from the start is answered without it throughout.

    Returns:
        None for a model that reads one modality only.
    """
    names = chain.model.used
    if len(names) < 2:
        return None
    told = _told(names)
    asked = [kept for kept in dict.fromkeys([*told, *kept_for_shares(names)]) if kept]
    found: dict[Kept, list[Tensor]] = {kept: [] for kept in asked}
    chain.model.eval()
    with torch.inference_mode():
        for start in range(0, len(part), batch_size):
            rows = range(start, min(start + batch_size, len(part)))
            batch = chain.encoded(part.batch(rows)[0], names)
            for kept in asked:
                found[kept].append(_answer(chain, batch, kept, placeholders))
    answers = {kept: torch.cat(values) for kept, values in found.items()}
    answers[frozenset()] = placeholders.without_any(len(part))
    arms = {arm_name(kept, names): answers[kept] for kept in told}
    return Missing(
        {**arms, **_dropped(answers, names)}, shapley(_of_answer(chain.task, answers), names)
    )


def _told(names: Sequence[str]) -> list[Kept]:
    """What the report compares: all, each alone, all but each, none."""
    every = frozenset(names)
    alone, without = [frozenset({name}) for name in names], [every - {name} for name in names]
    return list(dict.fromkeys([every, *alone, *without, frozenset()]))


def _answer(chain: Chain, batch: Batch, kept: Kept, placeholders: Placeholders) -> Tensor:
    """Log-probabilities [B, C] when only these modalities are there.

    A row that has none of them is answered with the prior, as if all were gone: what a sample
    lacks from the start carries nothing.
    """
    stay = torch.tensor([name in kept for name in batch.modalities], device=batch.present.device)
    present = batch.present & stay
    log_probs = chain.plain(replace(batch, present=present)).log_probs
    nothing = ~present.any(dim=1).to(log_probs.device)
    nothing = nothing.reshape(-1, *[1] * (log_probs.ndim - 1))
    return torch.where(nothing, placeholders.without_any(len(log_probs)), log_probs)


def _of_answer(task: Task, answers: Mapping[Kept, Tensor]) -> dict[Kept, Tensor]:
    """[n], the number that stands for what the whole model answers, by what was there."""
    given = task.predicted(answers[max(answers, key=len)])[:, None]
    return {
        kept: task.values(log_probs).gather(1, given)[:, 0] for kept, log_probs in answers.items()
    }


def _dropped(answers: Mapping[Kept, Tensor], names: Sequence[str]) -> dict[str, Tensor]:
    """Log-probabilities by rate: a row that loses a modality is as if it never had it."""
    every = frozenset(names)
    whole = answers[every]
    drawn = torch.rand(len(whole), 1, generator=torch.Generator().manual_seed(SEED))
    drawn = drawn.reshape(-1, *[1] * (whole.ndim - 1))
    return {
        loss_name(name, rate): torch.where(drawn < rate, answers[every - {name}], whole)
        for name in names
        for rate in LOSS_RATES
    }


def shares_of_case(chain: Chain, batch: Batch, placeholders: Placeholders) -> Shares:
    """Where the probability of one case's answer comes from.

    Args:
        chain: the model, which reads two modalities or more.
        batch: one row, its modalities encoded, or as they come.
        placeholders: of the model.

    Returns:
        ``prior`` and a share for each modality, whose sum is the probability of the answer.
    """
    names = chain.model.used
    answers = {
        kept: _answer(chain, batch, kept, placeholders) for kept in kept_for_shares(names) if kept
    }
    answers[frozenset()] = placeholders.without_any(1)
    values = _of_answer(chain.task, answers)
    found = shapley(values, names)
    return replace(found, values={"prior": values[frozenset()], **found.values})
