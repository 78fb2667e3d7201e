"""Random numbers that depend on where training stands and on nothing that came before."""

from hashlib import blake2b

import torch


def seed_at(seed: int, *place: int | str) -> int:
    """A seed in [0, 2**63) for one place, such as the dropout of step 12 in process 0."""
    text = ":".join(map(str, (seed, *place)))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 1


def generator_at(seed: int, *place: int | str) -> torch.Generator:
    """A generator on the CPU for one place."""
    return torch.Generator().manual_seed(seed_at(seed, *place))


def reseed(device: torch.device, seed: int) -> None:
    """Seed what modules draw from on this device.

    ``torch.manual_seed`` would seed every kind of device; where CUDA was never used it notes down
    the whole call stack each time, which takes longer than a step of a small head.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)
