"""fp32 that is fp32, on a card too."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def exact_fp32() -> Iterator[None]:
    """Convolutions in fp32 round as fp32 does; the setting of the process is as before afterwards.

    Unless it is told not to, cuDNN rounds their factors to TF32, 10 bits of mantissa instead of 23,
    and a card would answer otherwise than a CPU in the third digit. Who wants speed asks for bf16.
    """
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
