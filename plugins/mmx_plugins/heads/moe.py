"""Mixture of experts: a router sends each sample to its k best of E small MLPs.

Source: Fedus et al. 2021, Switch Transformers, arXiv:2101.03961; router z-loss after Zoph et al.
2022, ST-MoE, arXiv:2202.08906.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import torch
from einops import rearrange
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mmx import hookimpl
from mmx.interfaces import Features, Head, HeadOutput, HeadParams, Params


class MoeParams(HeadParams):
    """Settings of the mixture of experts; its balance penalty couples the samples of a batch."""

    source: ClassVar[str] = "Fedus et al. 2021, arXiv:2101.03961"

    type: Literal["moe"] = "moe"
    experts: PositiveInt = Field(default=4, description="number of experts E")
    k: PositiveInt = Field(default=2, description="experts that a sample is sent to, at most E")
    hidden: PositiveInt = Field(default=256, description="hidden width of an expert, channels")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="share of hidden channels dropped")
    soft: bool = Field(
        default=False, description="mix all experts by their probability, no routing"
    )
    renormalise: bool | None = Field(
        default=None, description="let the k gates sum to 1; null: for k of 2 or more"
    )
    balance: float = Field(default=1e-2, ge=0, description="factor of the load balance penalty")
    router_z: float = Field(
        default=1e-3, ge=0, description="factor of the penalty on large router logits"
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.soft:
            return self
        if self.k > self.experts:
            raise ValueError(f"k must be at most experts = {self.experts}, got {self.k}")
        if self.k == 1 and self.renormalise:
            raise ValueError(
                "k: 1 with renormalise: true gives every sample the gate 1, so the router gets no "
                "gradient from the task and never learns; leave renormalise out, or use k: 2"
            )
        return self

    def build(self, dim: int, classes: int) -> "Moe":
        return Moe(dim, classes, self)


class Moe(Head):
    """Logits = sum over the chosen experts of g_e E_e(x); explains by the gates [B, E].

    E_e(x) = W2 Drop(ReLU(W1 x + b1)) + b2. The weights of all experts lie in one parameter each:
    as one per expert their gradients are returned to the system after every step, and asking for
    that memory again takes longer than the arithmetic at batch 32.
    """

    def __init__(self, dim: int, classes: int, params: MoeParams) -> None:
        super().__init__()
        self.params = params
        self.k = params.experts if params.soft else params.k
        self.renormalise = self.k > 1 if params.renormalise is None else params.renormalise
        experts, hidden = params.experts, params.hidden
        self.router = nn.Linear(dim, experts, bias=False)
        self.first, self.first_bias = uniform(dim, experts, dim, hidden), bias(dim, experts, hidden)
        self.last, self.last_bias = (
            uniform(hidden, experts, hidden, classes),
            bias(hidden, experts, classes),
        )
        self.dropout = nn.Dropout(params.dropout)

    def forward(self, features: Features) -> HeadOutput:
        x = features.pooled
        with torch.autocast(x.device.type, enabled=False):  # routing is decided in full precision
            scores = self.router(x.to(self.router.weight.dtype))
            probabilities = scores.softmax(dim=-1)
            chosen = self._chosen(probabilities)
            gates = self._gates(scores, probabilities, chosen)
        load = chosen.sum(dim=0)
        penalties = self._penalties(scores, probabilities, load)
        return HeadOutput(self._mix(x, gates, chosen, load), penalties, {"experts": gates.detach()})

    def expert(self, index: int, x: Tensor) -> Tensor:
        """Logits [n, C] that one expert gives to all samples [n, D]."""
        hidden = torch.addmm(self.first_bias[index], x, self.first[index]).relu()
        return torch.addmm(self.last_bias[index], self.dropout(hidden), self.last[index])

    def _chosen(self, probabilities: Tensor) -> Tensor:
        """Which k experts each sample is sent to, [B, E], bool."""
        best = probabilities.detach().topk(self.k, dim=-1, sorted=False).indices
        return torch.zeros_like(probabilities, dtype=torch.bool).scatter_(1, best, True)

    def _gates(self, scores: Tensor, probabilities: Tensor, chosen: Tensor) -> Tensor:
        """Weights of the experts [B, E], 0 where not chosen."""
        if self.renormalise:  # a softmax over the chosen is P_e over the sum of the chosen P
            return scores.masked_fill(~chosen, -torch.inf).softmax(dim=-1)
        return probabilities * chosen

    def _mix(self, x: Tensor, gates: Tensor, chosen: Tensor, load: Tensor) -> Tensor:
        """Each expert reads the samples sent to it; all last layers are one product."""
        expert, rows = chosen.t().nonzero(as_tuple=True)  # assignments, sorted by expert
        kind = torch.get_autocast_dtype(x.device.type) if autocasts(x) else self.first.dtype
        member = torch.zeros(len(rows), len(load), device=x.device, dtype=kind)
        member.scatter_(1, expert[:, None], 1)
        given = (x.to(kind), self.first.to(kind), self.first_bias.to(kind))
        hidden = self.dropout(FirstLayers.apply(*given, rows, member, load.tolist()))
        every = hidden @ rearrange(self.last, "e h c -> h (e c)")
        own = gates.index_select(0, rows) * member
        logits = (rearrange(every, "n (e c) -> n e c", e=len(load)) * own[..., None]).sum(dim=1)
        return (gates @ self.last_bias).to(logits.dtype).index_add(0, rows, logits)

    def _penalties(self, scores: Tensor, probabilities: Tensor, load: Tensor) -> dict[str, Tensor]:
        """Balance E sum_e f_e mean(P_e), 1 when uniform, and z mean(logsumexp r)^2, weighted."""
        experts = probabilities.shape[1]
        share = load / load.sum()
        balance = experts * (share * probabilities.mean(dim=0)).sum()
        router_z = scores.logsumexp(dim=-1).square().mean()
        return {
            "balance": self.params.balance * balance,
            "router_z": self.params.router_z * router_z,
        }


class FirstLayers(torch.autograd.Function):
    """ReLU(W1_e x + b1_e) for each sample that was sent to expert e, written where it belongs.

    Autograd would cut the weights by expert and glue their gradients together again, a copy as
    large as all experts.
    """

    # parameters: autograd hands over tensors one by one, after its context
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weights: Tensor,
        biases: Tensor,
        rows: Tensor,
        member: Tensor,
        load: list[int],
    ) -> Tensor:
        """Hidden channels of each assignment.

        Args:
            ctx: keeps what the gradient needs.
            x: samples [B, D].
            weights: [E, D, H].
            biases: [E, H].
            rows: [n], samples of the assignments, which are sorted by expert.
            member: [n, E], 1 where the assignment is to the expert, else 0.
            load: assignments of each expert, E numbers that sum to n; may be 0.

        Returns:
            [n, H].
        """
        with torch.autocast(x.device.type, enabled=False):
            sent, hidden = x.index_select(0, rows), member @ biases
            cut = (torch.split(whole, load) for whole in (hidden, sent))
            for out, group, weight in zip(*cut, weights, strict=True):
                out.addmm_(group, weight)
            hidden.relu_()
        ctx.save_for_backward(sent, weights, rows, member, hidden)
        ctx.load, ctx.samples = load, len(x)
        return hidden

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator hides ctx
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        """Gradients of samples, weights and biases."""
        sent, weights, rows, member, hidden = ctx.saved_tensors
        back, of_weights = torch.empty_like(sent), torch.empty_like(weights)
        with torch.autocast(sent.device.type, enabled=False):
            gradient = gradients[0].masked_fill(hidden <= 0, 0)
            cut = [torch.split(whole, ctx.load) for whole in (gradient, sent, back)]
            each = list(zip(*cut, weights, of_weights, strict=True))
            for g, group, out, weight, of_weight in reversed(each):  # the last is still in cache
                torch.mm(g, weight.t(), out=out)
                torch.mm(group.t(), g, out=of_weight)
            of_x = sent.new_zeros(ctx.samples, sent.shape[1]).index_add_(0, rows, back)
            return of_x, of_weights, member.t() @ gradient, None, None, None


def autocasts(x: Tensor) -> bool:
    """Whether the device of x computes in reduced precision at present."""
    return torch.is_autocast_enabled(x.device.type)


def bias(inputs: int, *shape: int) -> nn.Parameter:
    """A bias per expert; weight decay leaves it alone although it has two axes."""
    found = uniform(inputs, *shape)
    found.no_weight_decay = True  # type: ignore[attr-defined]
    return found


def uniform(inputs: int, *shape: int) -> nn.Parameter:
    """First values as those of torch's Linear, whose inputs are this many."""
    bound = inputs**-0.5
    return nn.Parameter(nn.init.uniform_(torch.empty(shape), -bound, bound))


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [MoeParams]
