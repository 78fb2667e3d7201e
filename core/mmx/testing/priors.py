"""The law that a loss states the class shares that its answers are for."""

import torch
from torch import Tensor

from mmx.interfaces import Loss, LossParams, Outputs
from mmx.testing.law import Laws, demand, finite
from mmx.testing.targets import SEVERAL, Question, question_of

COUNTS = torch.tensor([60, 30, 10])
LABEL_COUNTS = torch.tensor([[60, 30, 10], [50, 50, 0], [70, 10, 20]])
NEAR = 0.02  # of a share; the optimum is found to 1e-3


def states_its_prior(params: LossParams) -> str | None:
    """Constant answers that make it smallest are the class shares that ``prior`` states.

    A loss that weighs classes and keeps the default would let prior correction move from shares
    that its answers do not have. One that knows of none says ``states_prior = False``.
    """
    asked = question_of(params)
    prior = params.build(asked.bare).prior(asked.bare)
    finite({"prior": prior.log()}, "where a class has no row")
    if not params.states_prior:
        return "it states no prior"
    counts = LABEL_COUNTS if asked.task == SEVERAL else COUNTS
    loss = params.build(counts).eval()
    stated = loss.prior(counts) / loss.prior(counts).sum(dim=-1, keepdim=True)
    found = _constant_answers(loss, asked, counts)
    if found.shape != stated.shape:
        return "adjust changes the shape"  # which a law of its own tells
    words, told = (
        ", ".join(f"{share:.2f}" for share in of.flatten().tolist()) for of in (found, stated)
    )
    where = "" if asked.task == SEVERAL else " on classes of 60, 30 and 10 %"
    demand(
        bool(((found - stated).abs() < NEAR).all()),
        f"constant answers that make it smallest are {words}{where}, and "
        f"prior says {told}; override Loss.prior, or let states_prior be False",
    )
    return None


def _constant_answers(loss: Loss, asked: Question, counts: Tensor) -> Tensor:
    """[C] or [L, 2], adjusted probabilities of the constant outputs with the smallest loss."""
    target, link = asked.rows_of(counts), asked.link
    raw = torch.zeros(link.inputs, requires_grad=True)
    learned = [raw, *link.parameters()]
    optimizer = torch.optim.LBFGS(learned, max_iter=200, line_search_fn="strong_wolfe")

    def value() -> Tensor:
        optimizer.zero_grad()
        rows = link(raw[None].repeat(len(target), 1))  # a copy: some losses may write into it
        parts = dict.fromkeys(("image", "text", *loss.parts), torch.zeros_like(rows))
        total = loss(Outputs(rows, parts), target, 0.0).total
        total.backward()
        answer: Tensor = total.detach()
        return answer

    optimizer.step(value)  # type: ignore[no-untyped-call]
    adjusted = loss.adjust
    with torch.no_grad():
        answers: Tensor = link.log_probs(adjusted(link(raw[None]))).exp()[0].double()
    return answers


PRIOR: Laws = {"states_its_prior": states_its_prior}
