"""The things that learn: sampler, loss and model, built for the rows at hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmx.data import Manifest, Split
from mmx.interfaces import Encoder, Loss, Sampler
from mmx.model import Model, assemble, build_encoder
from mmx.pipeline.inputs import ModelInputs, fit_inputs
from mmx.spec import Spec
from mmx.training import auxiliary_weights, inverse_frequency, try_loss


@dataclass(frozen=True, slots=True)
class Task:
    """What training needs besides the data.

    Attributes:
        model: assembled, at its start.
        loss: built for the counts that training sees.
        sampler: of the training part.
        class_counts: [C], of the training part.
        sampled_counts: [C], as training sees them after the sampler.
        prior: [C], the class shares that the model's answers are for.
        auxiliary: part to weight of its cross-entropy.
        inputs: of the model, fitted on the training part.
    """

    model: Model
    loss: Loss
    sampler: Sampler
    class_counts: Tensor
    sampled_counts: Tensor
    prior: Tensor
    auxiliary: Mapping[str, float]
    inputs: ModelInputs


def build_task(
    spec: Spec, manifest: Manifest, split: Split, encoders: Mapping[str, Encoder] | None = None
) -> Task:
    """Build sampler, loss and model; the loss sees the class counts as the sampler changes them.

    Args:
        spec: of the run.
        manifest: the rows.
        split: the part of each row.
        encoders: what ``tried_encoders`` gave; None builds them here.
    """
    sampler, counts = _sampling(spec, manifest, split)
    sampled = sampler.expected_counts(counts)
    loss = spec.loss.build(sampled)
    try_loss(spec.loss, loss, len(manifest.classes))
    auxiliary = auxiliary_weights(spec)
    encoders = encoders or {
        name: build_encoder(spec.model, name, spec.seed) for name in spec.model.encoders
    }
    layout = spec.data.dataset.layout()
    inputs = fit_inputs(spec.model, encoders, spec.seed, manifest, split, layout)
    prior = answer_prior(loss, sampled, _weights(spec, sampled))
    model = assemble(
        spec.model,
        len(manifest.classes),
        parts=named_parts(loss.parts, auxiliary),
        seed=spec.seed,
        encoders=encoders,
        prior=prior,
    )
    return Task(model, loss, sampler, counts, sampled, prior, auxiliary, inputs)


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
    """The sampler of the training part, and its class counts [C]."""
    labels = torch.from_numpy(manifest.labels[split.rows("train")])
    counts = torch.bincount(labels, minlength=len(manifest.classes))
    sampler = spec.train.sampler.build(labels, spec.seed)
    sampler.set_groups(manifest.groups[split.rows("train")].tolist())
    return sampler, counts


def _weights(spec: Spec, sampled: Tensor) -> Tensor:
    """Class weights [C] of the training."""
    return inverse_frequency(sampled) if spec.train.class_weights else torch.ones(len(sampled))


def answer_prior(loss: Loss, sampled: Tensor, weights: Tensor) -> Tensor:
    """Class shares [C] that answers are for: what training saw, as loss and weights changed it.

    Args:
        loss: built.
        sampled: [C], class counts after the sampler.
        weights: [C], class weights of the training.
    """
    # a class without a row has weight 0 and answers for nothing; it stays as the loss says
    prior = loss.prior(sampled) * torch.where(weights > 0, weights, 1).double()
    return prior / prior.sum()


def named_parts(parts: Sequence[str], auxiliary: Mapping[str, float]) -> list[str]:
    """Names of the parts that need a small head, each once."""
    return list(dict.fromkeys([*parts, *auxiliary]))
