"""The scan of fusion.mamba: beside its definition step by step, and beside the card's roof.

What a scan must do is counted from its shapes: bytes of its inputs and result, and operations of
the quadratic form. The share of what a copy and a product reach on the same card says how much a
kernel of our own could win at most.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import torch
from check import Given, Row, held
from compared import apart
from step_card import seconds
from torch import Tensor

from mmx.errors import MmxError
from mmx_plugins.fusion._mamba import Scan, compiled_scan, selective_scan, ssd_scan

BATCH, HEADS, HEAD, STATE = 64, 8, 64, 64
PATIENCE = 25  # seconds that are waited for the kernels
CLOSE = {"fp32": 1e-4, "bf16": 3e-2}  # of the largest value
LACKING = "are not built: that needs a card and their sources, which pack.sh carries"
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
    words = (
        f"{1e3 * taken:.2f} ms forward and backward; a kernel could win {taken / least:.0f} times"
    )
    words += " at most: " + ("operations" if operations / rate > traffic / speed else "bytes")
    words += f" take {1e3 * least:.3f} ms"
    return Row(f"scan, {length} tokens", words)


def built(given: Given, patience: float) -> str:
    """Wait until the kernels are built, which goes on since the check began; words on how it went.

    With them found on the path.
    """
    folder = given.folder.parent / "mamba"
    end = time.monotonic() + patience
    while not any((folder / name).exists() for name in ("done", "failed")):
        if time.monotonic() > end:
            return "are not built yet" if folder.exists() else LACKING
        time.sleep(0.2)
    if (folder / "failed").exists():
        words = (folder / "failed").read_text()
        print(words)  # of the compilers; the table has room for a line
        return "do not build: " + words.splitlines()[0][:150]
    sys.path.insert(0, str(folder))
    return f"built in {(folder / 'done').read_text()} s"


def as_ssd(scan: Scan, x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """What ``ssd_scan`` gives, by a scan with a decay for each channel and state.

    The decay of a head is that of all its channels and states.
    """
    rows, length, heads, head = x.shape
    u = x.flatten(2).transpose(1, 2).contiguous()
    delta = dt.repeat_interleave(head, dim=2).transpose(1, 2).contiguous()
    decay = a.repeat_interleave(head)[:, None].expand(-1, b.shape[-1]).contiguous()
    read, written = (one.transpose(1, 2).contiguous() for one in (b, c))
    skip = torch.zeros(heads * head, device=x.device)
    y = scan(u, delta, decay, read, written, skip)
    return y.transpose(1, 2).reshape(rows, length, heads, head)


def results(scan: Scan | None, given: Given) -> dict[str, Tensor]:
    """Output and gradients of a scan; None: our SSD."""
    fed = [one.requires_grad_() for one in drawn(2, 66 if given.tiny else 130, given.device)]
    y = ssd_scan(*fed) if scan is None else as_ssd(scan, *fed)
    grads = torch.autograd.grad(y.square().mean(), fed)
    named = {"output": y, **dict(zip(("x", "dt", "a", "b", "c"), grads, strict=True))}
    return {name: one.detach().cpu() for name, one in named.items()}


def kernel(given: Given) -> Iterator[Row]:
    """The compiled scan of mamba-ssm beside our SSD: outputs, gradients, time."""
    words = built(given, 0 if given.tiny else PATIENCE)
    yield Row("kernels of mamba_ssm", words)
    scan: Scan | None = None
    with suppress(MmxError):
        scan = compiled_scan()
    if scan is None and words.startswith("built"):
        yield held("kernels of mamba_ssm", _why_not(), good=False)
    name = "mamba_ssm"
    if scan is None:  # the comparison is made all the same, with our own scan in its place
        scan, name = selective_scan, "the scan step by step"
    share = apart(results(None, given), results(scan, given))
    yield held(f"our SSD beside {name}", f"apart by {share:.1e}", share < 10 * CLOSE["fp32"])
    batch, length = (4, 65) if given.tiny else (BATCH, 257)
    fed = [one.requires_grad_() for one in drawn(batch, length, given.device)]
    turns = 2 if given.tiny else 10
    own = seconds(lambda: ssd_scan(*fed).sum().backward(), given.device, turns)
    its = seconds(lambda: as_ssd(scan, *fed).sum().backward(), given.device, turns)
    words = f"{1e3 * own:.2f} ms, {its / own:.1f} times as fast as {name}"
    yield Row(f"our SSD, fp32, {length} tokens", words)


def _why_not() -> str:
    try:
        compiled_scan()
    except MmxError as error:
        return str(error)[:200]
    return "it works"


def main(given: Given) -> Iterator[Row]:
    """Agreement, time for several lengths, and the compiled kernels last."""
    yield from agreement(given)
    for length in (65, 130) if given.tiny else (65, 257, 1025):
        yield roof(given, length)
    yield from kernel(given)
