"""What a reader of a study must know first: leaking texts, waivers, and screening."""

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
    return [*_leaks(results), *_waivers(answers), *screening_words(folder)]


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
