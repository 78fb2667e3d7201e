"""Law of fusions: what a head sees differs between samples as much as under any other fusion."""

from dataclasses import replace

import torch
from torch import Tensor

from mmx.interfaces import Features, Fusion, FusionParams
from mmx.model import HeadNorm
from mmx.testing.law import demand
from mmx.testing.subjects import FusionSubject, modalities_of, of_modalities

SAMPLES = 64
LOW = 0.5
HIGH = 2.0


def spread(params: FusionParams) -> str | None:
    """At the start, what the head sees spreads over samples by 0.5 to 2, channel for channel.

    The model puts a LayerNorm in front of the head, so only a fusion whose result hardly depends on
    the sample breaks this; its scale does not.
    """
    told = []
    for names in modalities_of(params):
        subject = FusionSubject(params, names)
        fusion = subject.build()
        if not isinstance(fusion, Fusion):
            return None
        with of_modalities(names):
            told.append(f"{_at_the_start(subject, fusion):.2f}")
    return ", ".join(told)


def _at_the_start(subject: FusionSubject, fusion: Fusion) -> float:
    """How far what the head sees spreads; raises where that is no good start."""
    given = subject.named([_of_unit_size(one) for one in subject.inputs(SAMPLES)])
    with torch.no_grad():
        fused = fusion(given)
        seen = HeadNorm(fused.pooled.shape[-1])(fused).pooled
    found = spread_of(seen)
    demand(
        LOW <= found <= HIGH,
        f"what the head sees spreads over samples by {found:.3g}, not {LOW} to {HIGH}; nearly the "
        "same vector for every sample teaches a head nothing",
    )
    return found


def _of_unit_size(given: Features) -> Features:
    """The same tokens with pooled vectors of unit variance; a mean of many would be tiny."""
    return replace(given, pooled=given.pooled / given.pooled.std())


def spread_of(pooled: Tensor) -> float:
    """Standard deviation between samples [B, D] of each channel, mean over the channels."""
    return float(pooled.std(dim=0).mean())
