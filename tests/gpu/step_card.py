"""Which card it is, and what it reaches: the roof that all other figures are held against."""

import platform
import time

import torch
from check import Given, Row


def seconds(work, device: str, turns: int = 10) -> float:  # type: ignore[no-untyped-def]
    """Mean seconds of a piece of work."""
    work()
    settle(device)
    begun = time.perf_counter()
    for _ in range(turns):
        work()
    settle(device)
    return (time.perf_counter() - begun) / turns


def settle(device: str) -> None:
    """Wait until the card has done all that it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


def name_of(device: str) -> str:
    """Name of the card, or of the processor's kind."""
    return torch.cuda.get_device_name() if device == "cuda" else platform.machine()


def main(given: Given) -> list[Row]:
    """Facts, a product of two matrices in bf16, and a copy."""
    size = 8192 if given.on_card else 128
    a = torch.randn(size, size, device=given.device, dtype=torch.bfloat16)
    product = 2 * size**3 / seconds(lambda: a @ a, given.device) / 1e12
    copy = 2 * a.numel() * 2 / seconds(a.clone, given.device) / 1e9
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30 if given.on_card else 0
    return [
        Row("card", f"{name_of(given.device)}, {memory:.0f} GiB"),
        Row("torch", f"{torch.__version__}, CUDA {torch.version.cuda}"),
        Row("product of matrices, bf16", f"{product:.1f} TFLOP/s"),
        Row("copy", f"{copy:.0f} GB/s, read and written"),
    ]
