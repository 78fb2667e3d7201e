"""What a reader of a study must know first: leaks, waivers, arithmetic, epoch 0, screening."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmx.report import ArmResult
from mmx.study import gather
from mmx.study.gather import Answers
from mmx.study.screening import screening_words


def cautions(
    results: Sequence[ArmResult], answers: Mapping[str, Answers], folder: Path
) -> list[str]:
    """Sentences for the top of the report.

    Args:
        results: of all arms.
        answers: by arm, with its runs.
        folder: of the study.
    """
    told = [*_leaks(results), *_waivers(answers), *_arithmetic(answers), *_as_fitted(answers)]
    return [*told, *screening_words(folder)]


def _leaks(results: Sequence[ArmResult]) -> list[str]:
    """Which arms read texts that know the label."""
    names = ", ".join(one.name for one in results if one.leaky)
    return [f"LEAKY: the texts of {names} were written knowing the label."] if names else []


def _waivers(answers: Mapping[str, Answers]) -> list[str]:
    """Findings of the audit that arms accept, with the written reasons."""
    arms: dict[tuple[str, str], list[str]] = {}
    for name, one in answers.items():
        for waived in gather.waived(one.runs).items():
            arms.setdefault(waived, []).append(name)
    return [
        f"The audit's finding {check} is waived: {reason} ({', '.join(names)})"
        for (check, reason), names in arms.items()
    ]


def _arithmetic(answers: Mapping[str, Answers]) -> list[str]:
    """Which arms were trained in which arithmetic, where it was not one for all."""
    arms: dict[str, list[str]] = {}
    for name, one in answers.items():
        for precision in sorted({run.metrics["precision"] for run in one.runs}):
            arms.setdefault(precision, []).append(name)
    if len(arms) < 2:
        return []
    told = "; ".join(f"{precision}: {', '.join(names)}" for precision, names in arms.items())
    return [f"Arms were trained in different arithmetic ({told}); set train.precision for all."]


def _as_fitted(answers: Mapping[str, Answers]) -> list[str]:
    """Which arms kept epoch 0, the head as it was fitted, so that their training shows nowhere."""
    told = []
    for name, one in answers.items():
        stayed = [run for run in one.runs if run.metrics["best_epoch"] == 0]
        if stayed:
            told.append(f"{name} (runs: {len(stayed)} of {len(one.runs)})")
    if not told:
        return []
    return [
        f"Epoch 0 was kept, the head as it was fitted before training: {', '.join(told)}. No later "
        "epoch was better on validation, so these runs say nothing about what changes training "
        "alone."
    ]
