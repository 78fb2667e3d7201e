"""Law of fusions: what a head sees differs between samples as much as under any other fusion."""

from dataclasses import replace

import torch
from torch import Tensor

from mmx.interfaces import Features, Fusion, FusionParams
from mmx.model import HeadNorm
from mmx.testing.law import demand
from mmx.testing.subjects import FusionSubject

SAMPLES, LOW, HIGH = 64, 0.5, 2.0


def spread(params: FusionParams) -> str | None:
    """At the start, what the head sees spreads over samples by 0.5 to 2, channel for channel.

    The model puts a LayerNorm in front of the head, so only a fusion whose result hardly depends on
    the sample breaks this; its scale does not.
    """
    subject = FusionSubject(params)
    fusion = subject.build()
    if not isinstance(fusion, Fusion):
        return None
    inputs = tuple(map(_of_unit_size, subject.inputs(SAMPLES)))
    with torch.no_grad():
        fused = subject.call(fusion, inputs)
        seen = HeadNorm(fused.pooled.shape[-1])(fused).pooled
    found = spread_of(seen)
    demand(
        LOW <= found <= HIGH,
        f"what the head sees spreads over samples by {found:.3g}, not {LOW} to {HIGH}; nearly the "
        "same vector for every sample teaches a head nothing",
    )
    return f"{found:.2f}"


def _of_unit_size(given: Features) -> Features:
    """The same tokens with pooled vectors of unit variance; a mean of many would be tiny."""
    return replace(given, pooled=given.pooled / given.pooled.std())


def spread_of(pooled: Tensor) -> float:
    """Standard deviation between samples [B, D] of each channel, mean over the channels."""
    return float(pooled.std(dim=0).mean())
