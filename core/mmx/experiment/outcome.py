"""From a trained model to what a run keeps: predictions, metrics and fitted hooks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from mmx.data import Part
from mmx.evaluation import Interval
from mmx.inference import (
    Chain,
    Missing,
    PartPrediction,
    Placeholders,
    Shares,
    mean_by_class,
    predict_missing,
    untrained_modalities,
)
from mmx.interfaces import Curve, Prediction, Scores, Task, Validation, known_rows
from mmx.pipeline import Learner, PreparedData, stage
from mmx.runs import Observer
from mmx.spec import Spec

Kept = Mapping[str, float | Interval | str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Predictions and scores of the validation and the test part.

    Attributes:
        predictions: by part.
        evaluations: by part, of the wrapped predictions.
        alone: scores of the parts that have a head (image, text) on the test part, by name.
        stages: the test part before and after each inference hook.
        fitted: what each hook was fitted on.
        missing: the test part with modalities taken away, by what was there.
        shares: how much of each answer to the test part a modality carries; None of a single one.
        curves: figures of the hooks.
        kept: what each hook promised and kept on the test part, by its name.
        notes: what hooks say about themselves.
        gates: mean of each gate on the test part, by true class.
        placeholders: what the model answers from where a modality is missing.
        task: with what it decided on validation.
    """

    predictions: Mapping[str, PartPrediction]
    evaluations: Mapping[str, Scores]
    alone: Mapping[str, Mapping[str, Interval]]
    stages: Sequence[tuple[str, Mapping[str, Interval]]]
    fitted: Sequence[Validation]
    missing: Mapping[str, Mapping[str, Interval]]
    shares: Shares | None
    curves: Sequence[Curve]
    kept: Mapping[str, Kept]
    notes: tuple[str, ...]
    gates: Mapping[str, Mapping[str, float]]
    placeholders: Placeholders
    task: Task


@dataclass(frozen=True, slots=True)
class _Predictions:
    """Answers to validation and test, before they are scored.

    Attributes:
        fitted: what each hook was fitted on.
        validation: as all hooks leave it.
        stages: the test part before the first hook and after each.
        missing: the test part with modalities taken away; None where that failed.
        placeholders: what the model answers from where a modality is missing.
    """

    fitted: Sequence[Validation]
    validation: PartPrediction
    stages: Sequence[PartPrediction]
    missing: Missing | None
    placeholders: Placeholders

    @property
    def by_part(self) -> dict[str, PartPrediction]:
        """The last word on both parts."""
        test = _with_shares(self.stages[-1], self.missing)
        return {"validation": self.validation, "test": test}


def predict_and_score(
    spec: Spec,
    learner: Learner,
    prepared: PreparedData,
    parts: Mapping[str, Part],
    observer: Observer,
) -> Outcome:
    """Fit the inference hooks on validation, predict both parts, score them."""
    chain = Chain(spec.inference, learner.model, learner.loss, learner.task, spec.model.encoding)
    predicted = _predicted(spec, learner, prepared, parts, chain, observer)
    found, last = predicted.by_part, predicted.stages[-1]
    said = predicted.validation
    task = decided(learner.task, said.log_probs, said.target, parts["validation"].groups)

    def scored(part: str, log_probs: Tensor) -> Scores:
        return score(task, log_probs, found[part].target, parts[part].groups)

    evaluations = {part: scored(part, one.log_probs) for part, one in found.items()}
    before = [scored("test", one.log_probs).metrics for one in predicted.stages[:-1]]
    after = [_name(spec, count) for count in range(len(predicted.stages))]
    arms = predicted.missing.arms if predicted.missing else {}
    attempts, groups = chain.attempts, parts["test"].groups
    return Outcome(
        predictions=found,
        evaluations=evaluations,
        alone={f"{name} alone": scored("test", one).metrics for name, one in last.parts.items()},
        stages=list(zip(after, [*before, evaluations["test"].metrics], strict=True))
        if chain.hooks
        else [],
        fitted=predicted.fitted,
        missing={name: scored("test", one).metrics for name, one in arms.items()},
        shares=predicted.missing.shares if predicted.missing else None,
        curves=attempts.get("figures", lambda: curves(chain, last), []),
        kept=attempts.get("what was kept", lambda: measured(spec, chain, last, groups), {}),
        gates=attempts.get("gates", lambda: mean_by_class(found["test"], task), {}),
        notes=(*(note for hook in chain.hooks for note in hook.notes), *attempts.notes),
        placeholders=predicted.placeholders,
        task=task,
    )


def _predicted(
    spec: Spec,
    learner: Learner,
    prepared: PreparedData,
    parts: Mapping[str, Part],
    chain: Chain,
    observer: Observer,
) -> _Predictions:
    """Fit the hooks and let them answer."""
    size, views = spec.evaluation.batch_size, prepared.manifest.facts.allowed_views
    counts = (learner.class_counts, learner.sampled_counts, learner.prior)
    with stage(observer, "validation", "samples") as told:
        fitted, validation = _fitted(chain, parts, size, counts, views)
        told(len(validation.target), len(validation.target))
    with stage(observer, "test", "samples") as told:
        stages = chain.over(parts["test"], size, lambda done: told(done, len(parts["test"])))
    guess = learner.task.guess(learner.prior)
    placeholders = Placeholders(guess, untrained_modalities(spec, prepared))
    missing = chain.attempts.get(
        "what is left when a modality is missing",
        lambda: predict_missing(chain, parts["test"], size, placeholders),
        None,
    )
    return _Predictions(fitted, validation, stages, missing, placeholders)


def decided(task: Task, log_probs: Tensor, target: Tensor, groups: Sequence[str]) -> Task:
    """The task with what it decides on validation, such as thresholds."""
    known = known_rows(task, target)
    return task.fitted(log_probs[known], target[known], _of(groups, known))


def _fitted(
    chain: Chain,
    parts: Mapping[str, Part],
    size: int,
    seen_classes: tuple[Tensor, Tensor, Tensor],
    views: tuple[str, ...],
) -> tuple[list[Validation], PartPrediction]:
    """Fit the hooks on the calibration part where there is one, and predict validation."""
    if "calibration" not in parts:
        return chain.fit(parts["validation"], size, seen_classes, views)
    fitted, _ = chain.fit(parts["calibration"], size, seen_classes, views)
    return fitted, chain.over(parts["validation"], size, lambda done: None)[-1]


def _with_shares(found: PartPrediction, missing: Missing | None) -> PartPrediction:
    """The same with columns of how much each modality carries of the answer."""
    if missing is None:
        return found
    columns = {f"share_{name}": values for name, values in missing.shares.values.items()}
    columns |= {f"share_{name}_error": values for name, values in missing.shares.errors.items()}
    return replace(found, extras={**found.extras, **columns})


def measured(
    spec: Spec, chain: Chain, found: PartPrediction, groups: Sequence[str]
) -> dict[str, Kept]:
    """What each hook kept of its promises on rows whose label is known."""
    known = known_rows(chain.task, found.target)
    prediction, target = _labelled(found, known)
    group = _of(groups, known)
    names = [params.entry_point.partition(".")[2] for params in spec.inference]
    kept = [hook.measure(prediction, target, group) for hook in chain.hooks]
    return {name: values for name, values in zip(names, kept, strict=True) if values}


def curves(chain: Chain, found: PartPrediction) -> list[Curve]:
    """What the hooks have to show of rows whose label is known."""
    prediction, target = _labelled(found, known_rows(chain.task, found.target))
    return [curve for hook in chain.hooks for curve in hook.curves(prediction, target)]


def _labelled(found: PartPrediction, known: Tensor) -> tuple[Prediction, Tensor]:
    extras = {name: values[known] for name, values in found.extras.items()}
    return Prediction(found.log_probs[known], extras), found.target[known]


def score(
    task: Task,
    log_probs: Tensor,
    target: Tensor,
    groups: Sequence[str],
) -> Scores:
    """Evaluate the rows whose label is known."""
    known = known_rows(task, target)
    return task.evaluate(
        log_probs[known].double().numpy(), target[known].numpy(), _of(groups, known)
    )


def _of(groups: Sequence[str], rows: Tensor) -> list[str]:
    return [groups[int(row)] for row in rows]


def _name(spec: Spec, count: int) -> str:
    names = [params.entry_point.partition(".")[2] for params in spec.inference[:count]]
    return "plain" if not names else "after " + " and ".join(names)
