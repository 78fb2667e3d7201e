"""Which arithmetic a model trains in."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch

from mmx.errors import RunError
from mmx.interfaces import Batch, Images, Texts, Views

Precision = Literal["fp32", "bf16", "fp16"]
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def resolve_precision(
    wanted: Literal["auto", "fp32", "bf16", "fp16"], device: torch.device, batch: Batch
) -> Precision:
    """Decide what ``auto`` means; the answer is stored in the run and used again on resume.

    On CUDA: bf16 where the device has it, else fp16. On a CPU: bf16 where it multiplies bf16 itself
    (AVX512_BF16 or AMX) and an encoder runs in every step, or cached tokens are read
    (tests/benchmarks/encoding.py and precision.py have the ratios). For cached pooled vectors fp32,
    as casting costs more than their small products save. It asks what the CPU can do instead of
    timing it, so that a busy machine never changes the numbers of a run.

    Raises:
        RunError: fp16 without CUDA.
    """
    if wanted == "fp16" and device.type != "cuda":
        raise RunError(f"fp16 needs a CUDA device, this is {device.type}; use bf16 or fp32")
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    large = encodes(batch) or reads_tokens(batch)
    helps = device.type == "cpu" and large and cpu_has_bf16()
    return "bf16" if helps else "fp32"


def encodes(batch: Batch) -> bool:
    """Whether an encoder runs on such batches, instead of reading cached features."""
    return isinstance(batch.image, Images) or isinstance(batch.text, Texts)


def reads_tokens(batch: Batch) -> bool:
    """Whether cached features come with more than one token per sample, or with levels."""
    sides = [side for side in (batch.image, batch.text) if not isinstance(side, Texts | Images)]
    found = [side.features if isinstance(side, Views) else side for side in sides]
    return any(one.levels or one.tokens.shape[1] > 1 for one in found)


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bf16 itself; elsewhere it is no quicker than fp32."""
    try:
        abilities: Mapping[str, Any] = torch.cpu.get_capabilities()
    except (AttributeError, RuntimeError):  # torch before 2.11 cannot tell
        return False
    return any(abilities.get(name) for name in ("avx512_bf16", "amx_bf16"))


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """The context in which a model runs forward."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, DTYPES[precision])
