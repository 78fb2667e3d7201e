"""The law that a loss states the class shares that its answers are for."""

from functools import partial

import torch
from torch import Tensor

from mmx.interfaces import Loss, LossParams, Outputs
from mmx.testing.law import Laws, demand, finite
from mmx.testing.losses import each_question
from mmx.testing.targets import KNOWN, SEVERAL, Question

NEAR = 0.02  # of a share, or of an answer; the optimum is found to 1e-3


def states_its_prior(params: LossParams, asked: Question) -> str | None:
    """Constant answers that make it smallest are the class shares that ``prior`` states.

    A loss that weighs classes and keeps the default would let prior correction move from shares
    that its answers do not have. One that knows of none says ``states_prior = False``. Of a task
    from outside they are what the task guesses from ``prior``, such as the mean of a number.
    """
    prior = params.build(asked.bare).prior(asked.bare)
    finite({"prior": prior if asked.no_probabilities else prior.log()}, "where a class has no row")
    if not params.states_prior:
        return "it states no prior"
    counts, guess = asked.population.counts, asked.population.guess
    loss = params.build(counts).eval()
    loss.set_modalities(asked.modalities)
    found, stated = _constant_answers(loss, asked), guess(loss.prior(counts)).double()
    if found.shape != stated.shape:
        return "adjust changes the shape"  # which a law of its own tells
    if not asked.no_probabilities:
        found, stated = found.exp(), stated.exp()
    words, told = (
        ", ".join(f"{one:.2f}" for one in of.flatten().tolist()) for of in (found, stated)
    )
    where = (
        " on classes of 60, 30 and 10 %" if asked.task in KNOWN and asked.task != SEVERAL else ""
    )
    demand(
        bool(((found - stated).abs() < NEAR * stated.abs().clamp(min=1)).all()),
        f"constant answers that make it smallest are {words}{where}, and "
        f"prior says {told}; override Loss.prior, or let states_prior be False",
    )
    return None


def _constant_answers(loss: Loss, asked: Question) -> Tensor:
    """[C] or [L, 2], adjusted log-probabilities of the constant outputs with the smallest loss."""
    target, link = asked.population.target, asked.link
    raw = torch.zeros(link.inputs, requires_grad=True)
    learned = [raw, *link.parameters()]
    optimizer = torch.optim.LBFGS(learned, max_iter=200, line_search_fn="strong_wolfe")

    def value() -> Tensor:
        optimizer.zero_grad()
        rows = link(raw[None].repeat(len(target), 1))  # a copy: some losses may write into it
        parts = dict.fromkeys(asked.parts, torch.zeros_like(rows))
        total = loss(Outputs(rows, parts, modalities=asked.modalities), target, 0.0).total
        total.backward()
        answer: Tensor = total.detach()
        return answer

    optimizer.step(value)  # type: ignore[no-untyped-call]
    adjusted = loss.adjust
    with torch.no_grad():
        answers: Tensor = link.log_probs(adjusted(link(raw[None])))[0].double()
    return answers


PRIOR: Laws = {"states_its_prior": partial(each_question, states_its_prior)}
