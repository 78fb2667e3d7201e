"""The scan of fusion.mamba: beside its definition step by step, and beside the card's roof.

What a scan must do is counted from its shapes: bytes of its inputs and result, and operations of
the quadratic form. The share of what a copy and a product reach on the same card says how much a
kernel of our own could win at most.
"""

import torch
from check import Given, Row, held
from step_card import seconds
from torch import Tensor

from mmx_plugins.fusion._mamba import ssd_scan

BATCH, HEADS, HEAD, STATE = 64, 8, 64, 64
CLOSE = {"fp32": 1e-4, "bf16": 3e-2}  # of the largest value
Given5 = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def drawn(batch: int, length: int, device: str) -> Given5:
    """x, dt, a, b and c of a scan."""
    torch.manual_seed(0)
    x = torch.randn(batch, length, HEADS, HEAD)
    dt = torch.rand(batch, length, HEADS) * 0.1
    b, c = torch.randn(2, batch, length, STATE)
    a = -torch.linspace(1, 8, HEADS)
    return tuple(one.to(device) for one in (x, dt, a, b, c))  # type: ignore[return-value]


def by_definition(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """h_t = exp(dt_t a) h_{t-1} + dt_t x_t b_t^T; y_t = h_t c_t, step by step."""
    state = x.new_zeros(len(x), HEADS, HEAD, STATE)
    read = []
    for step in range(x.shape[1]):
        decay = torch.exp(dt[:, step] * a)[..., None, None]
        added = (dt[:, step, :, None] * x[:, step])[..., None] * b[:, step, None, None]
        state = decay * state + added
        read.append(torch.einsum("bhpn,bn->bhp", state, c[:, step]))
    return torch.stack(read, dim=1)


def agreement(given: Given) -> list[Row]:
    """fp32 and bf16 against fp64 on the CPU."""
    fed = drawn(2, 130, "cpu")
    wanted = by_definition(*(one.double() for one in fed))
    rows = []
    for name, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        x, dt, a, b, c = (one.to(given.device) for one in fed)
        found = ssd_scan(x.to(kind), dt, a, b.to(kind), c.to(kind)).double().cpu()
        share = float((found - wanted).abs().max() / wanted.abs().max())
        words = f"apart by {share:.1e}"
        rows.append(held(f"scan in {name}, beside its definition", words, share < CLOSE[name]))
    return rows


def roof(given: Given, length: int) -> Row:
    """Time of forward and backward, and the least that the card needs for it."""
    batch = 4 if given.tiny else BATCH
    fed = [one.requires_grad_() for one in drawn(batch, length, given.device)]
    turns = 2 if given.tiny else 20

    def step() -> None:
        with torch.autocast(given.device, torch.bfloat16):
            out = ssd_scan(*fed)
        out.float().sum().backward()

    taken = seconds(step, given.device, turns)
    size = 2048 if given.on_card else 128
    square = torch.randn(size, size, device=given.device, dtype=torch.bfloat16)
    rate = 2 * size**3 / seconds(lambda: square @ square, given.device)
    speed = 4 * square.numel() / seconds(square.clone, given.device)
    operations = 3 * 2 * batch * length**2 * (STATE + HEADS * HEAD)
    traffic = 3 * 4 * batch * length * (2 * HEADS * HEAD + HEADS + 2 * STATE)
    least = max(operations / rate, traffic / speed)
    words = f"{1e3 * taken:.2f} ms forward and backward, {taken / least:.0f} times the least"
    return Row(f"scan, {length} tokens", words)


def main(given: Given) -> list[Row]:
    """Agreement, then time for several lengths."""
    return [
        *agreement(given),
        *(roof(given, n) for n in ((65, 130) if given.tiny else (65, 257, 1025))),
    ]
