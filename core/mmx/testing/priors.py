"""The law that a loss states the class shares that its answers are for."""

import torch
from torch import Tensor

from mmx.interfaces import Loss, LossParams, Outputs
from mmx.testing.law import Laws, demand, finite

COUNTS = torch.tensor([60, 30, 10])
NEAR = 0.02  # of a share; the optimum is found to 1e-3


def states_its_prior(params: LossParams) -> str | None:
    """Constant answers that make it smallest are the class shares that ``prior`` states.

    A loss that weighs classes and keeps the default would let prior correction move from shares
    that its answers do not have. One that knows of none says ``states_prior = False``.
    """
    bare = torch.tensor([5, 0, 1])
    prior = params.build(bare).prior(bare)
    finite({"prior": prior.log()}, "where a class has no row")
    if not params.states_prior:
        return "it states no prior"
    loss = params.build(COUNTS).eval()
    stated = loss.prior(COUNTS) / loss.prior(COUNTS).sum()
    found = _constant_answers(loss)
    if found.shape != stated.shape:
        return "adjust changes the shape"  # which a law of its own tells
    words = ", ".join(f"{share:.2f}" for share in found.tolist())
    told = ", ".join(f"{share:.2f}" for share in stated.tolist())
    demand(
        bool(((found - stated).abs() < NEAR).all()),
        f"constant answers that make it smallest are {words} on classes of 60, 30 and 10 %, and "
        f"prior says {told}; override Loss.prior, or let states_prior be False",
    )
    return None


def _constant_answers(loss: Loss) -> Tensor:
    """[C], adjusted probabilities of the constant logits with the smallest loss at the start."""
    target = torch.repeat_interleave(torch.arange(len(COUNTS)), COUNTS)
    logits = torch.zeros(len(COUNTS), requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

    def value() -> Tensor:
        optimizer.zero_grad()
        rows = logits[None].repeat(len(target), 1)  # a copy: some losses may write into it
        parts = dict.fromkeys(("image", "text", *loss.parts), torch.zeros_like(rows))
        total = loss(Outputs(rows, parts), target, 0.0).total
        total.backward()
        answer: Tensor = total.detach()
        return answer

    optimizer.step(value)  # type: ignore[no-untyped-call]
    adjusted = loss.adjust
    answers: Tensor = adjusted(logits.detach()[None]).softmax(dim=1)[0].double()
    return answers


PRIOR: Laws = {"states_its_prior": states_its_prior}
