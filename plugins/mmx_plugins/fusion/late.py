"""Late fusion: each modality decides with a head of its own, and the decisions are mixed.

The strongest cheap control. Stacking, which must be fitted on validation data, is not offered: a
fusion never sees those.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor

from mmx import DecisionFusion, FeatureShape, FusionParams, Params, hookimpl

Rule = Literal["mean_prob", "mean_logit", "product"]


class LateParams(FusionParams):
    """Mixes the logits or probabilities of one head per modality."""

    type: Literal["late"] = "late"
    source: ClassVar[str] = "common practice; product: Hinton 2002, Products of Experts"
    takes: ClassVar[tuple[int, int | None]] = (2, 2)

    rule: Rule = Field(default="mean_prob", description="how two decisions become one")
    image_weight: float = Field(
        default=0.5, gt=0, lt=1, description="weight of the image; the text has the rest"
    )
    image_temperature: PositiveFloat = Field(default=1.0, description="divides the image logits")
    text_temperature: PositiveFloat = Field(default=1.0, description="divides the text logits")

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Late":
        return Late(
            self.rule,
            image_weight=self.image_weight,
            temperatures=(self.image_temperature, self.text_temperature),
        )


class Late(DecisionFusion):
    """[B, C] and [B, C] -> log-probabilities [B, C], with p_m = softmax(z_m / T_m).

    mean_prob: p = sum_m w_m p_m. mean_logit: p = softmax(sum_m w_m z_m / T_m). product: p is
    proportional to prod_m p_m^(M w_m) for M present modalities: a plain product at equal weights.
    A missing modality has weight 0 and the weights are renormalised.
    """

    def __init__(
        self,
        rule: Rule = "mean_prob",
        *,
        image_weight: float = 0.5,
        temperatures: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        super().__init__()
        self.rule, self.image_weight, self.temperatures = rule, image_weight, temperatures

    def combine(self, logits: Mapping[str, Tensor], present: Tensor) -> Tensor:
        pairs = zip(logits.values(), self.temperatures, strict=True)
        z = torch.stack([one / temperature for one, temperature in pairs], dim=1)
        z = z.masked_fill(~present[..., None], 0)  # [B, 2, C]
        present = present | ~present.any(dim=1, keepdim=True)  # none at all: all classes alike
        weights = z.new_tensor([self.image_weight, 1 - self.image_weight]) * present
        weights = weights / weights.sum(dim=1, keepdim=True)
        if self.rule == "mean_logit":
            return (weights[..., None] * z).sum(dim=1).log_softmax(dim=-1)
        log_p = z.log_softmax(dim=-1)
        if self.rule == "product":
            exponents = weights * present.sum(dim=1, keepdim=True)
            return (exponents[..., None] * log_p).sum(dim=1).log_softmax(dim=-1)
        return (weights.log()[..., None] + log_p).logsumexp(dim=1)

    def extra_repr(self) -> str:
        return f"rule={self.rule}, image_weight={self.image_weight}"


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [LateParams]
