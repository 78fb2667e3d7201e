"""A finished run, ready to predict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from mmx.data import Part
from mmx.errors import RunError
from mmx.inference.model_record import fit_again, take_back
from mmx.inference.placeholders import Placeholders, recorded_placeholders
from mmx.inference.prediction import Chain, PartPrediction
from mmx.interfaces import Loss, Task
from mmx.model import Model, assemble, build_encoder
from mmx.pipeline import JobProgress, ModelInputs, link_for, permitted, read_facts, restored_inputs
from mmx.runs import RunFolder
from mmx.spec import Spec, load_spec
from mmx.training import working_device


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """Everything of a run that predicting needs.

    Attributes:
        folder: the run.
        spec: what it was made from, with every default.
        task: owns the target, with what it decided on validation.
        model: with the weights of the best epoch.
        loss: may adjust logits.
        chain: the model with its fitted hooks around it.
        placeholders: what it answers from where a modality is missing.
        inputs: of the model, with what they learned.
    """

    folder: RunFolder
    spec: Spec
    task: Task
    model: Model
    loss: Loss
    chain: Chain
    placeholders: Placeholders
    inputs: ModelInputs

    def over(self, part: Part, told: JobProgress) -> PartPrediction:
        """Predict the rows of a part, in order."""
        size = self.spec.evaluation.batch_size
        return self.chain.over(part, size, lambda done: told(done, len(part)))[-1]


def load_trained(path: Path, plugins: Sequence[str | Path] = ()) -> TrainedRun:
    """Build the model of a finished run again.

    Args:
        path: the run's directory.
        plugins: local plugin files; all that the run was made with, for no file is imported
            because a run names it.

    Raises:
        RunError: it is not a finished run, its files are damaged, or a plugin file of it is not
            given or not what it was.
    """
    folder = RunFolder(path)
    if not folder.finished:
        there = "is not finished; run its spec again" if path.is_dir() else "does not exist"
        raise RunError(f"the run {path} {there}")
    spec = load_spec(folder.checked("resolved.yaml"), plugins=permitted(folder, plugins))
    facts = read_facts(folder)
    spec = _in_range(spec, facts.grey_ranges)
    task, sampled = spec.task.build(facts.classes, facts.task), torch.tensor(facts.sampled_counts)
    loss, link = spec.loss.build(sampled), link_for(spec, task, sampled)
    encoders = {name: build_encoder(spec.model, name, spec.seed) for name in spec.model.encoders}
    inputs = restored_inputs(spec.model, encoders, spec.seed, facts.statistics)
    prior = torch.tensor(facts.prior, dtype=torch.float64) if facts.prior else None
    model = assemble(
        spec.model, link, parts=facts.parts, seed=spec.seed, encoders=encoders, prior=prior
    )
    take_back(folder, model)
    model = model.to(working_device()).eval()
    chain = Chain(spec.inference, model, loss, task, spec.model.encoding)
    fit_again(folder, chain.hooks, task.type)
    placeholders = recorded_placeholders(task, facts.prior, facts.sampled_counts, facts.untrained)
    return TrainedRun(folder, spec, task, model, loss, chain, placeholders, inputs)


def _in_range(spec: Spec, grey_ranges: Mapping[str, tuple[float, float]]) -> Spec:
    """The spec with the ranges of grey that the run measured, so that new pictures look alike."""
    measured = {
        name: spec.data.frame(name).model_copy(update={"range": found})
        for name, found in grey_ranges.items()
    }
    images = {**spec.data.images, **measured}
    return spec.model_copy(update={"data": spec.data.model_copy(update={"images": images})})
