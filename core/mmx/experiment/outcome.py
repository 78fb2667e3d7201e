"""From a trained model to what a run keeps: predictions, metrics and fitted hooks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import pandas as pd
from torch import Tensor

from mmx.data import Part
from mmx.evaluation import Interval
from mmx.inference import (
    Chain,
    Missing,
    PartPrediction,
    Placeholders,
    Shares,
    in_words,
    mean_by_class,
    predict_missing,
    prediction_columns,
    untrained_modalities,
)
from mmx.interfaces import Curve, Prediction, Scores, Task, Validation, known_rows
from mmx.pipeline import Learner, PreparedData, stage
from mmx.runs import Observer
from mmx.spec import Spec
from mmx.training import Precision

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
        precision: arithmetic that the model was trained in.
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
    precision: Precision
    gates: Mapping[str, Mapping[str, float]]
    placeholders: Placeholders
    task: Task


def predict_and_score(
    spec: Spec,
    learner: Learner,
    prepared: PreparedData,
    parts: Mapping[str, Part],
    observer: Observer,
    precision: Precision,
) -> Outcome:
    """Fit the inference hooks on validation, predict both parts, score them."""
    task = learner.task
    chain = Chain(spec.inference, learner.model, learner.loss, task, spec.model.encoding)
    size, views = spec.evaluation.batch_size, prepared.manifest.facts.allowed_views
    seen_classes = (learner.class_counts, learner.sampled_counts, learner.prior)
    with stage(observer, "validation", "samples") as told:
        fitted, seen = _fitted(chain, parts, size, seen_classes, views)
        told(len(seen.target), len(seen.target))
    with stage(observer, "test", "samples") as told:
        stages = chain.over(parts["test"], size, lambda done: told(done, len(parts["test"])))
    attempts = chain.attempts
    placeholders = Placeholders(task.guess(learner.prior), untrained_modalities(spec, prepared))
    missing = attempts.get(
        "what is left when a modality is missing",
        lambda: predict_missing(chain, parts["test"], size, placeholders),
        None,
    )
    predictions = {"validation": seen, "test": _with_shares(stages[-1], missing)}

    known = known_rows(task, seen.target)
    decided = task.fitted(
        seen.log_probs[known], seen.target[known], _of(parts["validation"].groups, known)
    )

    def scored(name: str, log_probs: Tensor) -> Scores:
        return score(decided, log_probs, predictions[name].target, parts[name].groups)

    evaluations = {name: scored(name, found.log_probs) for name, found in predictions.items()}
    alone = {
        f"{name} alone": scored("test", values).metrics for name, values in stages[-1].parts.items()
    }
    before = [scored("test", found.log_probs).metrics for found in stages[:-1]]
    metrics = [*before, evaluations["test"].metrics]
    named = [(_name(spec, count), of) for count, of in enumerate(metrics)]
    return Outcome(
        predictions,
        evaluations,
        alone,
        stages=named if chain.hooks else [],
        fitted=fitted,
        missing={name: scored("test", of).metrics for name, of in missing.arms.items()}
        if missing
        else {},
        shares=missing.shares if missing else None,
        curves=attempts.get("figures", lambda: curves(chain, stages[-1]), []),
        kept=attempts.get(
            "what was kept",
            lambda: measured(spec, chain, stages[-1], parts["test"].groups),
            {},
        ),
        gates=attempts.get("gates", lambda: mean_by_class(predictions["test"], task), {}),
        notes=(*(note for hook in chain.hooks for note in hook.notes), *attempts.notes),
        precision=precision,
        placeholders=placeholders,
        task=decided,
    )


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


def prediction_table(
    prepared: PreparedData,
    task: Task,
    parts: Mapping[str, Part],
    predictions: Mapping[str, PartPrediction],
) -> pd.DataFrame:
    """One row per sample: sample, group, part, label, predicted, p_NAME, and columns of hooks."""
    tables = [
        _rows(prepared, task, name, parts[name], found) for name, found in predictions.items()
    ]
    return pd.concat(tables, ignore_index=True)


def _rows(
    prepared: PreparedData, task: Task, name: str, part: Part, found: PartPrediction
) -> pd.DataFrame:
    columns: dict[str, Any] = {
        "sample": prepared.manifest.ids[part.rows],
        "group": list(part.groups),
        "part": name,
    }
    return pd.DataFrame(columns | prediction_columns(task, found, found.target))


def parquet(table: pd.DataFrame) -> bytes:
    """The table as a Parquet file."""
    buffer = BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def metrics(outcome: Outcome, learner: Learner, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What metrics.json holds: both parts, the parts alone, sizes, and facts of the run."""
    untrained = list(outcome.placeholders.untrained)
    return {
        "headline": _headline(outcome.evaluations["test"]),
        **{name: evaluation.to_json() for name, evaluation in outcome.evaluations.items()},
        "alone": as_numbers(outcome.alone),
        **({"missing": as_numbers(outcome.missing)} if outcome.missing else {}),
        **({"untrained_placeholders": untrained} if outcome.missing else {}),
        **({"shares": _mean_shares(outcome.shares)} if outcome.shares else {}),
        **({"inference": kept} if (kept := _plain(outcome.kept)) else {}),
        **({"gates": outcome.gates} if outcome.gates else {}),
        "parameters": parameters(learner),
        **facts,
    }


def _headline(scores: Scores) -> dict[str, str]:
    """Which metric speaks for the run, and how it is written."""
    told = scores.summary("group")
    return {"metric": told.metric, "title": told.title, "form": told.form, "ends": told.ends}


def _plain(kept: Mapping[str, Kept]) -> dict[str, dict[str, Any]]:
    """What hooks kept as plain data."""
    return {
        name: {what: vars_of(v) if isinstance(v, Interval) else v for what, v in of.items()}
        for name, of in kept.items()
    }


def _mean_shares(shares: Shares) -> dict[str, dict[str, float]]:
    """Mean share of each modality over the test part, and its standard error where sampled."""
    return {
        name: {"mean": mean, "sampling_error": error}
        for name, (mean, error) in shares.means().items()
    }


def outcome_notes(outcome: Outcome) -> list[str]:
    """What the hooks say, and what they kept, in sentences for the report."""
    kept = [
        f"{name} on the test part: {', '.join(f'{what} {_said(v)}' for what, v in of.items())}"
        for name, of in outcome.kept.items()
    ]
    return [*outcome.notes, *kept, *in_words(outcome.gates), *outcome.placeholders.words]


def _said(value: float | Interval | str) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, Interval):
        return f"{value:.3g}"
    ends = value.ends()
    return f"{value.value:.3f} ({ends})" if ends else f"{value.value:.3g}"


def as_numbers(arms: Mapping[str, Mapping[str, Interval]]) -> dict[str, dict[str, Any]]:
    """Metrics of several arms as plain data."""
    return {
        name: {key: vars_of(value) for key, value in scores.items()}
        for name, scores in arms.items()
    }


def vars_of(interval: Interval) -> dict[str, float]:
    """Value, low and high as plain data."""
    return {"value": interval.value, "low": interval.low, "high": interval.high}


def parameters(learner: Learner) -> dict[str, int]:
    """How many parameters stand where, and how many of them learn."""
    model = learner.model
    counted = {
        **{f"{name} encoder": encoder for name, encoder in model.encoders.items()},
        "projections": model.projections, "fusion": model.fusion, "head": model.heads,
    }  # fmt: skip
    sizes = {name: sum(p.numel() for p in module.parameters()) for name, module in counted.items()}
    learning = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return {**sizes, "learning": learning}
