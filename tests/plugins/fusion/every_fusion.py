"""Every fusion in the forms that are tried, and how it is run and read."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mmx import Features, Fusion, FusionParams
from mmx.commands import find
from mmx.interfaces import DecisionFusion

CASES: dict[str, tuple[str, dict[str, object]]] = {
    "only": ("only", {}),
    "only text": ("only", {"modality": "text"}),
    "image_only": ("image_only", {}),
    "image_only tokens": ("image_only", {"tokens": True}),
    "text_only": ("text_only", {}),
    "text_only tokens": ("text_only", {"tokens": True}),
    "concat": ("concat", {}),
    "concat tokens": ("concat", {"tokens": True}),
    "add": ("add", {"activation": "gelu"}),
    "multiply": ("multiply", {}),
    "multiply plain": ("multiply", {"form": "plain"}),
    "gated": ("gated", {}),
    "gated sigmoid": ("gated", {"gate": "sigmoid"}),
    "gated reference": ("gated", {"gate": "scalar", "norm": "batch"}),
    "cross_attention": ("cross_attention", {"layers": 2}),
    "cross_attention text": ("cross_attention", {"direction": "text_from_image", "ffn": 0}),
    "cross_attention second": ("cross_attention", {"second": ["text"]}),
    "co_attention": ("co_attention", {"layers": 2}),
    "co_attention shared": ("co_attention", {"shared": True}),
    "low_rank": ("low_rank", {}),
    "tfn": ("tfn", {"inner": 3}),
    "mlb": ("mlb", {}),
    "mfb": ("mfb", {}),
    "ibfa": ("ibfa", {}),
    "ibfa reference": ("ibfa", {"reference": True}),
    "hierarchical": ("hierarchical", {}),
    "hierarchical static": ("hierarchical", {"inner": {"type": "gated"}, "weights": "static"}),
    "hierarchical concat": (
        "hierarchical",
        {"inner": {"type": "concat"}, "weights": "concat", "top_down": True},
    ),
    "mamba": ("mamba", {"head_dim": 8, "blocks": 2}),
    "mamba sequential": ("mamba", {"ssm": "sequential", "cross_gate": True, "first": "text"}),
    "mamba gated_conv": ("mamba", {"mixer": "gated_conv"}),
    "film": ("film", {}),
    "film text_image": ("film", {"generator": "text_image"}),
    "metablock": ("metablock", {"norm": "batch"}),
    "metablock metanet": ("metablock", {"variant": "metanet"}),
    "bottleneck": ("bottleneck", {}),
    "bottleneck none": ("bottleneck", {"bottlenecks": 0}),
    "perceiver": ("perceiver", {}),
    "mmtm": ("mmtm", {}),
    "shaspec": ("shaspec", {}),
    "healnet": ("healnet", {"latents": 3}),
    "healnet plain": ("healnet", {"self_attention": False, "ffn": 0, "depth": 1}),
    "medfuse": ("medfuse", {}),
    "drfuse": ("drfuse", {}),
    "late": ("late", {}),
    "late mean_logit": ("late", {"rule": "mean_logit"}),
    "late product": ("late", {"rule": "product"}),
    "late bayes": ("late", {"rule": "bayes"}),
}
NAMES = ("image", "text", "record")
LENGTHS = {"image": 4, "text": 5, "record": 3}
MakeFeatures = Callable[..., Features]
Awake = Callable[[nn.Module], nn.Module]
Given = dict[str, Features]


def params_of(case: str) -> FusionParams:
    type_name, settings = CASES[case]
    params = find("fusion", type_name)
    assert issubclass(params, FusionParams)
    return params.model_validate({"dim": 16, **settings})


def tried() -> list[tuple[str, tuple[str, ...]]]:
    """Each case with image and text, with all three, and with one alone if it takes one."""
    found = []
    for case in CASES:
        params = params_of(case)
        least, most = params.takes
        alone = ("text",) if "text" in case else ("image",)
        sets = (alone, NAMES[:2], NAMES)
        found += [(case, one) for one in sets if least <= len(one) <= (most or len(one))]
    return found


def fuse(fusion: nn.Module, features: Given) -> Features:
    """Run a fusion; one of decisions reads the first channels as logits."""
    if isinstance(fusion, Fusion):
        return fusion(features)
    assert isinstance(fusion, DecisionFusion)
    present = torch.stack([one.present for one in features.values()], dim=1)
    logits = {name: one.pooled[:, :5] for name, one in features.items()}
    return Features.of_pooled(fusion.combine(logits, present))


def results(features: Features) -> dict[str, Tensor]:
    """All that a fusion gives, by name, without what it explains."""
    given = {"tokens": features.tokens, "pooled": features.pooled}
    return given | {f"parts.{name}": part for name, part in features.parts.items()}
