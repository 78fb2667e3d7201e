"""State-space duality: a selective scan with one scalar decay per head, as masked matmuls.

Source: Dao and Gu 2024, Transformers are SSMs, arXiv:2405.21060.
"""

import math

import torch
from einops import einsum, rearrange
from torch import Tensor, nn
from torch.nn.functional import softplus

QUADRATIC_LIMIT = 256  # tokens; up to here one masked matmul is fastest
CHUNK = 64  # tokens of a chunk in longer sequences


class ScalarStateSpace(nn.Module):
    """Selective state space with one decay per head, forwards or backwards in time.

    dt = softplus(linear(x) + bias), a = -exp(A_log), Bm and Cm = linear(x) shared by the heads;
    y = ssd_scan(x, dt, a, Bm, Cm) + skip x.

    Args:
        width: channels; a multiple of ``head_dim``.
        state: size N of the state per channel.
        head_dim: channels that share a decay.
        reverse: scan from the last token to the first.
    """

    def __init__(self, width: int, state: int, head_dim: int, *, reverse: bool = False) -> None:
        super().__init__()
        self.heads = width // head_dim
        self.state = state
        self.reverse = reverse
        self.selection = nn.Linear(width, self.heads + 2 * state, bias=False)
        self.dt_bias = nn.Parameter(initial_dt_bias(self.heads))
        self.A_log = nn.Parameter(torch.linspace(1, state, self.heads).log())
        self.skip = nn.Parameter(torch.ones(self.heads))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Scan x [B, L, width]; steps where ``mask`` [B, L] is False leave the state as it is."""
        dt, b, c = self.selection(x).split([self.heads, self.state, self.state], dim=-1)
        dt = softplus(dt + self.dt_bias).masked_fill(~mask[..., None], 0)
        u = rearrange(x, "b l (h p) -> b l h p", h=self.heads)
        y = ssd_scan(u, dt, -self.A_log.exp(), b, c, reverse=self.reverse)
        return rearrange(y + self.skip[:, None] * u, "b l h p -> b l (h p)")

    def extra_repr(self) -> str:
        """Sizes, for printing."""
        return f"heads={self.heads}, state={self.state}, reverse={self.reverse}"


# parameters: the symbols of the paper, and how the scan is run
def ssd_scan(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    *,
    state: Tensor | None = None,
    reverse: bool = False,
) -> Tensor:
    """h_t = exp(dt_t a) h_{t-1} + dt_t x_t b_t^T; y_t = h_t c_t.

    Args:
        x: [B, L, H, P].
        dt: [B, L, H], step sizes >= 0; 0 is no step.
        a: [H], decay rates < 0.
        b: [B, L, N], how the input enters the state; shared by the heads.
        c: [B, L, N], how the state is read.
        state: [B, H, P, N] before the first step; zeros when not given.
        reverse: from the last step to the first.

    Returns:
        [B, L, H, P].
    """
    if reverse and (x.shape[1] > QUADRATIC_LIMIT or state is not None):
        x, dt, b, c = (sequence.flip(1) for sequence in (x, dt, b, c))
        return ssd_scan(x, dt, a, b, c, state=state).flip(1)
    if x.shape[1] <= QUADRATIC_LIMIT:
        return ssd_quadratic(x, dt, a, b, c, state=state, reverse=reverse)
    return ssd_chunked(x, dt, a, b, c, state=state)


# parameters: those of ``ssd_scan``
def ssd_quadratic(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    *,
    state: Tensor | None = None,
    reverse: bool = False,
) -> Tensor:
    """``ssd_scan`` as one masked matmul, quadratic in the length.

    y = (M * (c b^T)) (dt x) with M_ts = exp(sum_{s<k<=t} dt_k a) for t >= s, else 0.
    """
    total = _total_decay(dt, a)
    length = x.shape[1]
    ahead = torch.ones(length, length, dtype=torch.bool, device=x.device)
    if reverse:
        # M_ts = exp(sum_{t<=k<s} dt_k a) for t <= s: differences of sums without their own step
        before = total - rearrange(dt.to(total.dtype) * a, "b l h -> b h l")
        exponent = before[..., None, :] - before[..., :, None]
        ahead = ahead.tril(-1)
    else:
        exponent = total[..., :, None] - total[..., None, :]
        ahead = ahead.triu(1)
    # -inf before exp: steps ahead would overflow, and inf * 0 is NaN in the gradient
    decay = exponent.masked_fill(ahead, -math.inf).exp()
    reading = einsum(c, b, "b t n, b s n -> b t s")[:, None]
    scores = (decay * reading).to(x.dtype)
    y = einsum(scores, dt.to(x.dtype)[..., None] * x, "b h t s, b s h p -> b t h p")
    if state is None:
        return y
    carried = einsum(c.to(total.dtype), state, total.exp(), "b t n, b h p n, b h t -> b t h p")
    return y + carried.to(y.dtype)


def ssd_chunked(
    x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, *, state: Tensor | None = None
) -> Tensor:
    """``ssd_scan`` in chunks of 64 steps that hand on their state: linear in the length."""
    outputs = []
    for chunk in zip(*(torch.split(s, CHUNK, dim=1) for s in (x, dt, b, c)), strict=True):
        x_k, dt_k, b_k, c_k = chunk
        outputs.append(ssd_quadratic(x_k, dt_k, a, b_k, c_k, state=state))
        state = ssd_state(x_k, dt_k, a, b_k, state=state)
    return torch.cat(outputs, dim=1)


def ssd_state(
    x: Tensor, dt: Tensor, a: Tensor, b: Tensor, *, state: Tensor | None = None
) -> Tensor:
    """State [B, H, P, N] after the last step, at least in float32; arguments as in ``ssd_scan``."""
    total = _total_decay(dt, a)
    left = (total[..., -1:] - total).exp() * rearrange(dt, "b l h -> b h l")
    kind = total.dtype
    added = einsum(left, x.to(kind), b.to(kind), "b h l, b l h p, b l n -> b h p n")
    return added if state is None else added + total[..., -1, None, None].exp() * state


def _total_decay(dt: Tensor, a: Tensor) -> Tensor:
    """Exponents added up, [B, H, L]; never below float32, for differences of sums lose digits."""
    kind = torch.promote_types(dt.dtype, torch.float32)
    return rearrange((dt.to(kind) * a.to(kind)).cumsum(dim=1), "b l h -> b h l")


def initial_dt_bias(
    size: int, *, low: float = 1e-3, high: float = 1e-1, floor: float = 1e-4
) -> Tensor:
    """softplus^-1(dt) [size] of step sizes dt that are log-uniform in [low, high]."""
    dt = (torch.rand(size) * math.log(high / low) + math.log(low)).exp().clamp(min=floor)
    return dt + (-torch.expm1(-dt)).log()
