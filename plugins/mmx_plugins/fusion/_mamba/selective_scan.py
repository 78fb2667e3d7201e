"""The selective scan step by step: the oracle that every faster form is compared with.

Source: Gu and Dao 2023, Mamba, arXiv:2312.00752; semantics of mamba-ssm's reference.
"""

from collections.abc import Callable

import torch
from einops import einsum, rearrange
from torch import Tensor, nn
from torch.nn.functional import silu, softplus

from mmx_plugins.fusion._mamba.ssd import initial_dt_bias

Scan = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
"""u, delta, a, b, c, skip -> y, as ``selective_scan``."""


class SelectiveStateSpace(nn.Module):
    """Selective state space with a decay for each channel and state, step by step.

    Args:
        width: channels D.
        state: size N of the state per channel.
        dt_rank: rank of the map to the step sizes.
        reverse: scan from the last token to the first.
        scan: what runs the recurrence; ``selective_scan`` or a compiled kernel that equals it.
    """

    def __init__(
        self,
        width: int,
        state: int,
        dt_rank: int,
        *,
        reverse: bool = False,
        scan: Scan | None = None,
    ) -> None:
        super().__init__()
        self.state = state
        self.dt_rank = dt_rank
        self.reverse = reverse
        self.scan: Scan = scan or selective_scan
        self.selection = nn.Linear(width, dt_rank + 2 * state, bias=False)
        self.dt = nn.Linear(dt_rank, width, bias=False)
        self.dt_bias = nn.Parameter(initial_dt_bias(width))
        self.A_log = nn.Parameter(torch.arange(1.0, state + 1).log().repeat(width, 1))
        self.A_log.no_weight_decay = True  # type: ignore[attr-defined]  # read by training
        self.skip = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Scan x [B, L, width]; steps where ``mask`` [B, L] is False leave the state as it is."""
        rank, b, c = self.selection(x).split([self.dt_rank, self.state, self.state], dim=-1)
        delta = softplus(self.dt(rank) + self.dt_bias).masked_fill(~mask[..., None], 0)
        sequences = [rearrange(s, "b l d -> b d l") for s in (x, delta, b, c)]
        if self.reverse:
            sequences = [sequence.flip(-1) for sequence in sequences]
        u, delta, b, c = (sequence.contiguous() for sequence in sequences)
        y = self.scan(u, delta, -self.A_log.exp(), b, c, self.skip)
        return rearrange(y.flip(-1) if self.reverse else y, "b d l -> b l d")


# parameters: those of the kernel that it stands in for, in its order
def selective_scan(
    u: Tensor,
    delta: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    skip: Tensor | None = None,
    gate: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
) -> Tensor:
    """h_t = exp(delta_t a) h_{t-1} + delta_t b_t u_t; y_t = c_t h_t; (y + skip u) SiLU(gate).

    Args:
        u: [B, D, L].
        delta: [B, D, L], step sizes; 0 is no step.
        a: [D, N], decay rates < 0.
        b: [B, N, L].
        c: [B, N, L].
        skip: [D].
        gate: [B, D, L].
        delta_bias: [D], added to delta.
        delta_softplus: delta = softplus(delta + bias).

    Returns:
        [B, D, L] of the type of ``u``; computed at least in float32.
    """
    given, kind = u.dtype, torch.promote_types(u.dtype, torch.float32)
    u, delta, b, c = (one.to(kind) for one in (u, delta, b, c))
    if delta_bias is not None:
        delta = delta + delta_bias.to(kind)[:, None]
    if delta_softplus:
        delta = softplus(delta)
    decay = (delta[..., None, :] * a.to(kind)[..., None]).exp()
    added = einsum(delta * u, b, "b d l, b n l -> b d n l")
    y = einsum(_states(decay, added), c, "b d n l, b n l -> b d l")
    if skip is not None:
        y = y + skip.to(kind)[:, None] * u
    return (y if gate is None else y * silu(gate.to(kind))).to(given)


def _states(decay: Tensor, added: Tensor) -> Tensor:
    """h_t = decay_t h_{t-1} + added_t along the last axis of [B, D, N, L]; h_{-1} = 0."""
    hidden, states = torch.zeros_like(added[..., 0]), []
    # unbind, not an index: each index would allocate a full-size gradient
    for decay_t, added_t in zip(decay.unbind(-1), added.unbind(-1), strict=True):
        hidden = decay_t * hidden + added_t
        states.append(hidden)
    return torch.stack(states, dim=-1)
