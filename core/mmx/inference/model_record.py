"""What a run keeps so that it can predict later: weights, and what its hooks were fitted on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from mmx.errors import RunError
from mmx.interfaces import Encoder, InferenceHook, Validation
from mmx.model import Model
from mmx.pipeline import (
    GROUPS,
    HOOKS,
    MODEL,
    WEIGHTS,
    Learner,
    PreparedData,
    read_facts,
    read_texts,
    weights_digest,
)
from mmx.runs import RunFolder


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a run decided on its way, besides weights.

    Attributes:
        precision: arithmetic that it was trained in.
        untrained: modalities whose learned placeholder no training row used.
        task: what the task decided on validation.
    """

    precision: str
    untrained: Sequence[str] = ()
    task: Mapping[str, Any] = field(default_factory=dict)


def keep_model(
    folder: RunFolder,
    learner: Learner,
    prepared: PreparedData,
    initial: Mapping[str, str],
    decisions: Decisions,
) -> None:
    """Write the weights that training changed, and what is needed to build the rest again.

    Args:
        folder: of the run.
        learner: trained.
        prepared: knows the samples.
        initial: digest of each encoder's weights before training.
        decisions: of the run.
    """
    state = {name: value.contiguous() for name, value in learner.model.trainable_state().items()}
    folder.write_bytes(WEIGHTS, save(state))
    folder.write_json(
        MODEL,
        {
            "classes": learner.task.names,
            "task": dict(decisions.task),
            "class_counts": learner.class_counts.tolist(),
            "sampled_counts": learner.sampled_counts.tolist(),
            "prior": learner.prior.tolist(),
            "untrained": list(decisions.untrained),
            "allowed_views": prepared.manifest.facts.allowed_views,
            "parts": list(learner.model.part_heads),
            "encoders": {**initial, **_given_digests(learner.model)},
            "precision": decisions.precision,
            "samples": prepared.manifest.contents.to_json(),
            "grey_ranges": dict(prepared.grey_ranges),
            "statistics": dict(learner.inputs.statistics),
            "leak_columns": prepared.manifest.facts.leak_columns,
        },
    )


def _given_digests(model: Model) -> dict[str, str]:
    """Digest of the weights of each encoder that its source gives back, by name."""
    return {name: weights_digest(one) for name, one in _given(model).items()}


def _given(model: Model) -> dict[str, Encoder]:
    """Encoders that never learn, and those of which only adapters do."""
    return {**model.frozen_encoders(), **model.adapted_encoders()}


def take_back(folder: RunFolder, model: Model) -> None:
    """Load the weights of a run into a model built from its spec.

    Raises:
        RunError: the weights are missing, damaged or of another model, or a frozen encoder has
            other weights than the run had.
    """
    facts = read_facts(folder)
    recorded = facts.encoders
    for name, encoder in _given(model).items():
        _same(name, encoder, recorded.get(name, ""))
    tensors = tensors_of(folder, WEIGHTS)
    try:
        model.load_trainable(tensors)
    except (RuntimeError, KeyError) as error:
        reason = " ".join(str(error).split())[:300]
        raise RunError(
            f"{folder.path / WEIGHTS} does not fit the model of resolved.yaml: {reason}"
        ) from error


def _same(name: str, encoder: Encoder, recorded: str) -> None:
    if weights_digest(encoder) != recorded:
        raise RunError(
            f"the frozen {name} encoder has other weights than this run was made with "
            f"({encoder.weights.get('origin', 'unknown origin')}); install the version that "
            "environment.json names"
        )


def keep_hooks(folder: RunFolder, fitted: Sequence[Validation]) -> None:
    """Write what each inference hook was fitted on; nothing when there is none."""
    if not fitted:
        return
    tensors = {f"{index}.logits": one.logits.contiguous() for index, one in enumerate(fitted)}
    folder.write_bytes(HOOKS, save({**tensors, "target": fitted[0].target.contiguous()}))
    folder.write_json(GROUPS, list(fitted[0].group))


def fit_again(folder: RunFolder, hooks: Sequence[InferenceHook], task: str) -> None:
    """Fit fresh hooks on what the run's own were fitted on."""
    if not hooks:
        return
    tensors, facts = tensors_of(folder, HOOKS), read_facts(folder)
    groups = tuple(read_texts(folder, GROUPS))
    counts = torch.tensor(facts.class_counts), torch.tensor(facts.sampled_counts)
    prior = torch.tensor(facts.prior, dtype=torch.float64) if facts.prior else None
    for index, hook in enumerate(hooks):
        try:
            logits, target = tensors[f"{index}.logits"], tensors["target"]
        except KeyError as error:
            raise RunError(f"{folder.path / HOOKS} has no {error}; run with --fresh") from error
        given = Validation(logits, target, groups, *counts, facts.allowed_views, prior, task)
        hook.fit(given)


def tensors_of(folder: RunFolder, name: str) -> dict[str, Tensor]:
    """Tensors of a file of a run; RunError when it is missing or damaged."""
    file, content = folder.path / name, folder.read_bytes(name)
    try:
        return load(content)
    except Exception as error:  # safetensors has its own error class, and files may be missing
        raise RunError(f"{file} cannot be read ({error}); run the spec with --fresh") from error
