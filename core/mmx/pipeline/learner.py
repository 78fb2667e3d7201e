"""The things that learn: sampler, loss and model, built for the rows at hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmx.data import Manifest, Split
from mmx.interfaces import Encoder, Link, Loss, Sampler, Task
from mmx.model import Model, assemble, build_encoder
from mmx.pipeline.model_inputs import ModelInputs, fit_inputs
from mmx.pipeline.open_dataset import located
from mmx.pipeline.withheld_fields import hidden_fields
from mmx.spec import Spec
from mmx.training import Trainee, auxiliary_weights, inverse_frequency, try_loss


@dataclass(frozen=True, slots=True)
class Learner:
    """What training needs besides the data.

    Attributes:
        task: owns the target.
        model: assembled, at its start.
        loss: built for the counts that training sees.
        sampler: of the training part.
        class_counts: [C], of the training part.
        sampled_counts: [C], as training sees them after the sampler.
        prior: [C], the class shares that the model's answers are for.
        auxiliary: part to weight of its cross-entropy.
        inputs: of the model, fitted on the training part.
    """

    task: Task
    model: Model
    loss: Loss
    sampler: Sampler
    class_counts: Tensor
    sampled_counts: Tensor
    prior: Tensor
    auxiliary: Mapping[str, float]
    inputs: ModelInputs

    @property
    def trainee(self) -> Trainee:
        """What of it the training needs."""
        return Trainee(self.model, self.loss, self.sampler, self.task, self.prior)


def build_learner(
    spec: Spec, manifest: Manifest, split: Split, encoders: Mapping[str, Encoder] | None = None
) -> Learner:
    """Build sampler, loss and model; the loss sees the class counts as the sampler changes them.

    Args:
        spec: of the run.
        manifest: the rows.
        split: the part of each row.
        encoders: what ``tried_encoders`` gave; None builds them here.
    """
    sampler, counts = _sampling(spec, manifest, split)
    sampled = sampler.expected_counts(counts)
    loss, task = spec.loss.build(sampled), manifest.task
    loss.set_modalities(spec.model.used)
    link = link_for(spec, task, sampled)
    some = torch.from_numpy(manifest.targets[split.rows("train")[:2]])
    with torch.no_grad():
        logits = link(torch.zeros(len(some), link.inputs))
    try_loss(spec.loss, loss, logits, task.for_training(some), spec.model.used)
    auxiliary = auxiliary_weights(spec)
    encoders = encoders or {
        name: build_encoder(spec.model, name, spec.seed) for name in spec.model.encoders
    }
    inputs = _fitted(spec, encoders, manifest, split)
    prior = answer_prior(loss, sampled, _weights(spec, sampled))
    model = assemble(
        spec.model,
        link,
        parts=named_parts(loss.parts, auxiliary),
        seed=spec.seed,
        encoders=encoders,
        prior=prior,
    )
    return Learner(task, model, loss, sampler, counts, sampled, prior, auxiliary, inputs)


def _fitted(
    spec: Spec, encoders: Mapping[str, Encoder], manifest: Manifest, split: Split
) -> ModelInputs:
    """Inputs that learned from the training rows; SpecError at the keys that these contradict."""
    hidden = hidden_fields(spec, manifest)
    with located(spec, "model.encoders"):
        return fit_inputs(spec.model, encoders, spec.seed, manifest, split, hidden)


def link_for(spec: Spec, task: Task, sampled: Tensor) -> Link:
    """The link that the loss asks for, else that of the task.

    Args:
        spec: of the run.
        task: built.
        sampled: class counts as training sees them.
    """
    return spec.loss.link(sampled) or task.link()


def trained_prior(spec: Spec, manifest: Manifest, split: Split) -> Tensor:
    """Class shares [C] that the answers of a run of this spec are for, without its model.

    A method after the model that turns answers to the shares of the data has the last word.
    """
    sampler, counts = _sampling(spec, manifest, split)
    if any(params.reads_prior for params in spec.inference):
        return counts.double() / counts.sum()
    sampled = sampler.expected_counts(counts)
    return answer_prior(spec.loss.build(sampled), sampled, _weights(spec, sampled))


def _sampling(spec: Spec, manifest: Manifest, split: Split) -> tuple[Sampler, Tensor]:
    """The sampler of the training part, and its class counts."""
    targets = torch.from_numpy(manifest.targets[split.rows("train")])
    counts = manifest.task.counts(targets)
    sampler = spec.train.sampler.build(targets, spec.seed)
    sampler.set_groups(manifest.groups[split.rows("train")].tolist())
    return sampler, counts


def _weights(spec: Spec, sampled: Tensor) -> Tensor | None:
    """Class weights [C] of the training; None: all equal."""
    return inverse_frequency(sampled) if spec.train.class_weights else None


def answer_prior(loss: Loss, sampled: Tensor, weights: Tensor | None) -> Tensor:
    """Class shares [C] that answers are for: what training saw, as loss and weights changed it.

    Args:
        loss: built.
        sampled: class counts after the sampler; [C] of one class a row.
        weights: [C], class weights of the training; None: all equal.

    Returns:
        What ``Loss.prior`` gives; [C], whose sum is 1, of one class a row.
    """
    prior = loss.prior(sampled)
    if weights is not None:
        # a class without a row has weight 0 and answers for nothing; it stays as the loss says
        prior = prior * torch.where(weights > 0, weights, 1).double()
    return prior / prior.sum() if prior.ndim == 1 else prior


def named_parts(parts: Sequence[str], auxiliary: Mapping[str, float]) -> list[str]:
    """Names of the parts that need a small head, each once."""
    return list(dict.fromkeys([*parts, *auxiliary]))
