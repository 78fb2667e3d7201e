"""Late fusion: each modality decides with a head of its own, and the decisions are mixed.

The strongest cheap control. Stacking, which must be fitted on validation data, is not offered: a
fusion never sees those.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Self

import torch
from pydantic import Field, PositiveFloat, model_validator
from torch import Tensor

from mmx import FeatureShape, FusionParams, Params, hookimpl
from mmx.errors import ShapeError
from mmx.interfaces import DecisionFusion

Rule = Literal["mean_prob", "mean_logit", "product", "bayes"]


class LateParams(FusionParams):
    """Mixes the probabilities of one head per modality."""

    type: Literal["late"] = "late"
    source: ClassVar[str] = (
        "common practice; product: Hinton 2002, Products of Experts; bayes: Kittler et al. 1998, "
        "On Combining Classifiers, doi:10.1109/34.667881"
    )
    takes: ClassVar[tuple[int, int | None]] = (1, None)

    tasks: ClassVar[frozenset[str]] = frozenset({"single_label", "multi_label", "ordinal"})

    rule: Rule = Field(
        default="mean_prob",
        description="how the decisions become one; bayes divides by the class shares that each "
        "decision has counted already",
    )
    weights: Mapping[str, PositiveFloat] = Field(
        default={}, description="of each modality, up to a factor; all alike when left out"
    )
    temperatures: Mapping[str, PositiveFloat] = Field(
        default={}, description="divides the logits of a modality; 1 where left out"
    )
    image_weight: float | None = Field(
        default=None, gt=0, lt=1, description="short for weights of image and text, which sum to 1"
    )
    image_temperature: PositiveFloat | None = Field(
        default=None, description="short for the temperature of image"
    )
    text_temperature: PositiveFloat | None = Field(
        default=None, description="short for the temperature of text"
    )

    @property
    def reads_prior(self) -> bool:
        return self.rule == "bayes"

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        """A weight stands here or in the long form; ``bayes`` has none."""
        if self.weights and self.image_weight is not None:
            raise ValueError("image_weight is short for weights; give one of them")
        short = {"image": self.image_temperature, "text": self.text_temperature}
        twice = [m for m in short if short[m] is not None and m in self.temperatures]
        if twice:
            raise ValueError(
                f"{twice[0]}_temperature is short for temperatures: {{{twice[0]}: ...}}; give one"
            )
        if self.rule == "bayes" and (self.weights or self.image_weight is not None):
            raise ValueError("rule: bayes has no weights, as Bayes' theorem has none")
        return self

    def check_modalities(self, names: Sequence[str]) -> None:
        weights, temperatures = self._by_name()
        unknown = [name for name in {**weights, **temperatures} if name not in names]
        unweighted = [name for name in names if weights and name not in weights]
        if unknown or unweighted:
            what = (
                f"there is no modality {unknown[0]!r}"
                if unknown
                else f"no weight of {unweighted[0]}"
            )
            raise ShapeError(f"fusion.late: {what}; modalities of this model: {', '.join(names)}")

    def _by_name(self) -> tuple[dict[str, float], dict[str, float]]:
        """Weights and temperatures by modality, short forms written out."""
        weights, temperatures = dict(self.weights), dict(self.temperatures)
        if self.image_weight is not None:
            weights = {"image": self.image_weight, "text": 1 - self.image_weight}
        short = {"image": self.image_temperature, "text": self.text_temperature}
        temperatures |= {name: value for name, value in short.items() if value is not None}
        return weights, temperatures

    def build(self, shapes: Mapping[str, FeatureShape]) -> "Late":
        self.check_modalities(tuple(shapes))
        weights, temperatures = self._by_name()
        return Late(
            self.rule,
            weights=[weights.get(name, 1.0) for name in shapes],
            temperatures=[temperatures.get(name, 1.0) for name in shapes],
        )


class Late(DecisionFusion):
    """[B, C] of each modality -> log-probabilities [B, C], with p_m = softmax(log p_m / T_m).

    mean_prob: p = sum_m w_m p_m. mean_logit: p = softmax(sum_m w_m log p_m). product: p is
    proportional to prod_m p_m^(M' w_m) for M' present modalities: a plain product at equal weights.
    bayes: p is proportional to prod_m p_m / prior^(M' - 1), which is the posterior if modalities
    are independent given the class. A missing modality has weight 0, and the weights of the others
    sum to 1. Without any, bayes gives the prior, and the others give all classes alike.

    Several labels [B, L, 2] are mixed one by one: a class is there a label that is absent or
    present, so that bayes is z = sum_m z_m - (M' - 1) logit prior. Ordered levels are mixed by the
    probability of each level.

    Args:
        rule: one of these.
        weights: of the modalities, up to a factor.
        temperatures: T_m.
    """

    prior: Tensor

    def __init__(
        self, rule: Rule, *, weights: Sequence[float], temperatures: Sequence[float]
    ) -> None:
        super().__init__()
        total = sum(weights)
        self.rule, self.weights = rule, [weight / total for weight in weights]
        self.temperatures = tuple(temperatures)
        # log of the class shares that the heads answer for, up to a constant
        self.register_buffer("prior", torch.zeros(1), persistent=False)

    def start(self, prior: Tensor) -> None:
        self.prior = prior.log().to(self.prior)

    def combine(self, log_probs: Mapping[str, Tensor], present: Tensor) -> Tensor:
        pairs = zip(log_probs.values(), self.temperatures, strict=True)
        z = torch.stack([of_one / temperature for of_one, temperature in pairs], dim=1)
        there = _along(present, z)
        log_p = z.masked_fill(~there, 0).log_softmax(dim=-1)  # [B, M, C] or [B, M, L, 2]
        if self.rule == "bayes":
            return self._posterior(log_p, there)
        present = present | ~present.any(dim=1, keepdim=True)  # none at all: all classes alike
        weights = log_p.new_tensor(self.weights) * present
        weights = weights / weights.sum(dim=1, keepdim=True)
        if self.rule == "mean_prob":
            return (_along(weights.log(), z) + log_p).logsumexp(dim=1)
        if self.rule == "product":
            weights = weights * present.sum(dim=1, keepdim=True)
        return (_along(weights, z) * log_p).sum(dim=1).log_softmax(dim=-1)

    def _posterior(self, log_p: Tensor, there: Tensor) -> Tensor:
        """log softmax(sum over present m of log p_m - (M' - 1) log prior)."""
        evidence = log_p.masked_fill(~there, 0).sum(dim=1)
        counted = there.sum(dim=1) - 1
        return (evidence - counted * self.prior.to(log_p.dtype)).log_softmax(dim=-1)

    def extra_repr(self) -> str:
        return f"rule={self.rule}, weights={self.weights}"


def _along(of_modality: Tensor, log_probs: Tensor) -> Tensor:
    """[B, M, 1, ...]: a number [B, M] of each modality, beside log-probabilities [B, M, ...]."""
    return of_modality[(...,) + (None,) * (log_probs.ndim - of_modality.ndim)]


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [LateParams]
