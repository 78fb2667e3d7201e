"""Which arithmetic a model trains in."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

from mmx.errors import RunError
from mmx.interfaces import Batch, Features, Views

Precision = Literal["fp32", "bf16", "fp16"]
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def resolve_precision(
    wanted: Literal["auto", "fp32", "bf16", "fp16"], device: torch.device, batch: Batch
) -> Precision:
    """Decide what ``auto`` means; the answer is stored in the run and used again on resume.

    On CUDA: bf16 where the device has it, else fp16. On a CPU: bf16 where it multiplies bf16 itself
    (AVX512_BF16 or AMX) and an encoder runs in every step (tests/benchmarks/encoding.py has the
    ratios). On cached features fp32: for pooled vectors casting costs more than it saves, and
    where bf16 would be faster, for tokens (tests/benchmarks/precision.py), methods that read tokens
    would be compared with those that do not in another arithmetic. It asks what the CPU can do
    instead of timing it, so that a busy machine never changes the numbers of a run.

    Raises:
        RunError: fp16 without CUDA.
    """
    if wanted == "fp16" and device.type != "cuda":
        raise RunError(f"fp16 needs a CUDA device, this is {device.type}; use bf16 or fp32")
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    helps = device.type == "cpu" and encodes(batch) and cpu_has_bf16()
    return "bf16" if helps else "fp32"


def encodes(batch: Batch) -> bool:
    """Whether an encoder runs on such batches, instead of reading cached features."""
    return any(not isinstance(one, Features | Views) for one in batch.inputs.values())


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bf16 itself; elsewhere it is no quicker than fp32."""
    try:
        abilities: Mapping[str, object] = torch.cpu.get_capabilities()
    except (AttributeError, RuntimeError):  # torch before 2.11 cannot tell
        return False
    return any(abilities.get(name) for name in ("avx512_bf16", "amx_bf16"))


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """The context in which a model runs forward."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, DTYPES[precision])
