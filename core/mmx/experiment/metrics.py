"""What metrics.json holds of a run, and sentences about it."""

from collections.abc import Mapping

from mmx.evaluation import Interval
from mmx.experiment.outcome import Kept, Outcome
from mmx.inference import Shares, in_words
from mmx.interfaces import Scores
from mmx.pipeline import Learner


def metrics(outcome: Outcome, learner: Learner, facts: Mapping[str, object]) -> dict[str, object]:
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


def _headline(scores: Scores) -> dict[str, object]:
    """Which metric speaks for the run, how it is written, and what stands beside it elsewhere."""
    told, words = scores.summary("group"), scores.described
    return {
        "metric": told.metric, "title": told.title, "form": told.form, "ends": told.ends,
        "compared": list(told.compared),
        "titles": {name: words[name].title for name in told.compared if name in words},
    }  # fmt: skip


def _plain(kept: Mapping[str, Kept]) -> dict[str, dict[str, object]]:
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


def as_numbers(arms: Mapping[str, Mapping[str, Interval]]) -> dict[str, dict[str, object]]:
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
