"""What training makes small: loss, penalties, losses of parts, class weights."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from mmx.errors import ShapeError
from mmx.interfaces import Loss, LossValue, Outputs
from mmx.model import told_apart
from mmx.spec import Spec
from mmx.training.interfaces import Rows
from mmx.training.trainee import Trainee


def auxiliary_weights(spec: Spec) -> dict[str, float]:
    """Weight of the loss on each part: of the spec, or what its encoders want."""
    if spec.train.auxiliary is not None:
        return dict(spec.train.auxiliary)
    encoders = spec.model.encoders
    return told_apart({name: encoders[name].auxiliary_defaults for name in spec.model.used})


def inverse_frequency(counts: Tensor) -> Tensor:
    """Weights [C] of classes with these training counts [C]: n / (C n_c), over classes that occur.

    Their mean over the training samples is 1, so that the loss keeps its scale.
    """
    occurring = counts > 0
    weights = counts.sum() / (occurring.sum() * counts.clamp(min=1))
    return torch.where(occurring, weights, 0).float()


def class_weights(target: Tensor, prior: Tensor | None) -> Tensor:
    """[n], mean 1, by which classes have the shares ``prior``; equal where rows have no class."""
    if prior is None:
        return torch.ones(len(target), dtype=torch.float64)
    counts = torch.bincount(target, minlength=len(prior)).double()
    weights = (prior.double() / counts.clamp(min=1))[target]
    return weights / weights.mean()


PartLoss = Callable[[Tensor, Tensor], Tensor]


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """[B], of logits [B, C] and a target [B]."""
    return cross_entropy(logits, target, reduction="none")


@dataclass
class Objective:
    """Scores a batch by everything that is minimised.

    Attributes:
        loss: of the spec.
        auxiliary: part -> weight of its own loss.
        class_weights: [C] or None.
        part_loss: [B] of each row, from the logits of a part and the target.
    """

    loss: Loss
    auxiliary: Mapping[str, float] = field(default_factory=dict)
    class_weights: Tensor | None = None
    part_loss: PartLoss = field(default=_cross_entropy)

    def __call__(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        """Score outputs against a target [B, ...]; ``progress`` is the share of training done."""
        outputs = _single(outputs)
        value = self._weighted(outputs, target, progress)
        total, terms = value.total, dict(value.terms)
        for name, term in self._more(outputs, target):
            total = total + term
            terms[name] = term.detach()
        return LossValue(total, terms)

    def _more(self, outputs: Outputs, target: Tensor) -> Iterator[tuple[str, Tensor]]:
        for name, penalty in outputs.penalties.items():
            yield f"penalty {name}", penalty
        for part, weight in self.auxiliary.items():
            yield f"auxiliary {part}", weight * self._auxiliary(outputs, part, target)

    def _auxiliary(self, outputs: Outputs, part: str, target: Tensor) -> Tensor:
        """Mean loss of a part; samples that miss its modality count as 0."""
        if part not in outputs.part_logits:
            raise ShapeError(
                f"train.auxiliary names the part {part!r}; this model gives "
                f"{', '.join(outputs.part_logits) or 'none'}"
            )
        each = self.part_loss(outputs.part_logits[part], target)
        return each.masked_fill(~outputs.there(part), 0).mean()

    def _weighted(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        """The loss; with class weights, sum of w_c n_c / B times the loss over class c alone.

        For any loss that is a mean over samples that is the mean of w_y times each sample's loss.
        """
        if self.class_weights is None:
            value: LossValue = self.loss(outputs, target, progress)
            return value
        weights = self.class_weights.to(target.device)
        total, terms = outputs.logits.new_zeros(()), dict[str, Tensor]()
        for label in torch.unique(target).tolist():
            rows = target == label
            value = self.loss(_rows(outputs, rows), target[rows], progress)
            factor = weights[label] * rows.sum() / len(target)
            total = total + factor * value.total
            for name, term in value.terms.items():
                terms[name] = terms.get(name, 0) + factor * term
        return LossValue(total, terms)


def _single(outputs: Outputs) -> Outputs:
    """In single precision: a softmax in bf16 has three digits."""
    if outputs.logits.dtype == torch.float32:
        return outputs
    parts = {name: logits.float() for name, logits in outputs.part_logits.items()}
    return replace(outputs, logits=outputs.logits.float(), part_logits=parts)


def _rows(outputs: Outputs, rows: Tensor) -> Outputs:
    parts = {name: logits[rows] for name, logits in outputs.part_logits.items()}
    there = {name: present[rows] for name, present in outputs.part_present.items()}
    return Outputs(
        outputs.logits[rows], parts, outputs.present[rows],
        part_present=there, modalities=outputs.modalities,
    )  # fmt: skip


def build_objective(spec: Spec, trainee: Trainee, part: Rows) -> Objective:
    """What is minimised; class weights follow the counts that the sampler gives."""
    task, link = trainee.task, trainee.link
    weights = None
    if spec.train.class_weights is not None:
        counts = task.counts(part.labels)
        weights = inverse_frequency(trainee.sampler.expected_counts(counts))

    def part_loss(logits: Tensor, target: Tensor) -> Tensor:
        return task.part_loss(link.log_probs(logits), target)

    return Objective(trainee.loss, auxiliary_weights(spec), weights, part_loss)
