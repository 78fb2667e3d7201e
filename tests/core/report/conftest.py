import dataclasses
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmx.evaluation import COMPARED_CLASSES, Contrast, Interval, McNemar, evaluate
from mmx.interfaces import Breakdown
from mmx.report import ArmResult, Mistake, RunReport, StudyReport, render_run
from mmx_plugins.tasks.single_label import SingleLabelScores


@pytest.fixture(autouse=True)
def short_pages() -> None:
    """They are whole here."""


@pytest.fixture(scope="session")
def scored() -> Callable[..., SingleLabelScores]:
    """An evaluation of drawn predictions."""

    def score(classes: tuple[str, ...] = ("akiec", "bcc", "nv")) -> SingleLabelScores:
        generator = np.random.default_rng(0)
        labels = np.arange(40 * len(classes)) % len(classes)
        logits = generator.normal(size=(len(labels), len(classes)))
        logits += 2 * np.eye(len(classes))[labels]
        log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        groups = [str(name) for name in generator.integers(30, size=len(labels))]
        return SingleLabelScores(evaluate(log_probs, labels, groups, classes))

    return score


ENVIRONMENT = {
    "python": "3.11",
    "threads": 1,
    "plugins": {"fusion.concat": "mmx"},
    "code": {"core": {"mmx/errors.py": "0a1b2c"}},
}


def epochs() -> list[dict[str, Any]]:
    """The history of three epochs."""
    return [
        {
            "epoch": epoch,
            "loss": 1 / (1 + epoch),
            "terms": {"cross_entropy": 0.9 / (1 + epoch), "agreement": 0.1 / (1 + epoch)},
            "validation": {"balanced_accuracy": 0.5 + 0.1 * epoch, "nll": 1.0 - 0.1 * epoch},
            "lr": 1e-3,
            "seconds": 2.5,
        }
        for epoch in range(3)
    ]


def mistakes(classes: tuple[str, ...]) -> list[Mistake]:
    """One with a picture, one without anything to show."""
    buffer = io.BytesIO()
    Image.new("RGB", (20, 15), (180, 90, 80)).save(buffer, "PNG")
    shown = {"image": buffer.getvalue()}
    return [
        Mistake("s-1", shown, {"text": "A lesion."}, classes[0], classes[1], 0.98, 0.01),
        Mistake("s-2", {"image": None}, {"text": ""}, classes[1], classes[0], 0.91),
    ]


def data_report(classes: tuple[str, ...]) -> dict[str, Any]:
    """Rows, parts, and some of what can be wrong with data."""
    counts = {name: {"samples": 40, "groups": 20} for name in classes}
    return {
        "rows": 121,
        "parts": {"train": counts, "test": counts},
        "rejected": [{"row": 7, "id": "s-7", "reason": "the image is truncated"}],
        "duplicates": [["s-3", "s-4"], ["s-5", "s-6"]],
        "without_text": [],
    }


@pytest.fixture(scope="session")
def full_report(scored: Callable[..., SingleLabelScores]) -> Callable[..., RunReport]:
    """A report with every field filled in."""

    def make(classes: tuple[str, ...] = ("akiec", "bcc", "nv"), **changes: Any) -> RunReport:
        evaluation = scored(classes)
        given: dict[str, Any] = {
            "name": "quickstart",
            "digest": "3f9a1c77",
            "evaluation": evaluation,
            "group": "lesion",
            "validation": scored(classes),
            "methods": {"image": "timm", "fusion": "concat"},
            "history": epochs(),
            "best_epoch": 1,
            "select": "balanced_accuracy",
            "mistakes": mistakes(classes),
            "controls": {"image alone": evaluation.metrics},
            "stages": [("model", evaluation.metrics), ("temperature", evaluation.metrics)],
            "data_report": data_report(classes),
            "split": {"seed": 0, "digest": "ab12"},
            "spec": "name: quickstart\nseed: 0\n",
            "resolved": "name: quickstart\nseed: 0\ndata: {}\n",
            "environment": ENVIRONMENT,
            "digests": {"data": "9c11"},
            "waivers": {"text_tells_label": "the referral letter is known to the doctor"},
            "warnings": ["test part looked at 3 times"],
            "notes": ["precision auto became fp32"],
            "parameters": {"total": 1_200_345},
            "seconds": {"training": 75.0},
            "sections": [("Gate values", "<p>mean gate <b>0.61</b></p>")],
            "created": "2025-01-01",
            "version": "0.1.0",
        }
        return RunReport(**{**given, **changes})

    return make


@pytest.fixture(scope="session")
def full_page(full_report: Callable[..., RunReport]) -> str:
    """The rendered full report."""
    return render_run(full_report())


def _contrast(name: str, value: float, verdict: str, *, conditional: bool = False) -> Contrast:
    interval = Interval(value, value - 0.02, value + 0.02)
    pair = McNemar(12, 4, 0.077, exact=True)
    direction = {"better": 1, "worse": -1}.get(verdict, 0)
    return Contrast(
        name, "concat", "balanced_accuracy", interval, p=0.001, corrected=0.004, family=0.012,
        comparisons=12, verdict=verdict, direction=direction, detectable=0.031,
        conditional=conditional, silent=False, groups=300, pairs=(pair,),
    )  # fmt: skip


def _arm(name: str, role: str = "arm", **more: object) -> ArmResult:
    score = Interval(0.71, 0.66, 0.76)
    given: dict[str, object] = {
        "seeds": (0, 1),
        "scores": dict.fromkeys(("balanced_accuracy", "macro_f1", "accuracy"), score),
        "by_seed": {"balanced_accuracy": (0.70, 0.72)},
        "means": {"ece": 0.05, "nll": 0.8},
        "breakdown": {"nevus": 0.9, "melanoma": 0.4},
        "parameters": 120_000,
        "seconds": 12.0,
        "curve": [(1.0, 0.5), (2.0, 0.6)],
        "reliability": [(0.5, 0.4), (0.9, 0.8)],
        **more,
    }
    return ArmResult(name, role, **given)  # type: ignore[arg-type]  # a table of settings


@pytest.fixture
def full_study() -> Callable[..., StudyReport]:
    """A study with everything that a page can show."""

    def make(**changes: object) -> StudyReport:
        def against(name: str, value: float, verdict: str, **more: Any) -> ArmResult:
            one = _contrast(name, value, verdict)
            return _arm(name, contrasts={"balanced_accuracy": one, "macro_f1": one}, **more)

        arms = [
            _arm("concat", "base", reported="88.50"),
            against("gated & <b>bold</b>", 0.04, "better", planned=False),
            against("ibfa_100%", -0.05, "worse", confounded="confounded: 2 keys differ (a, b). x"),
            against("mamba", 0.01, "not distinguishable", seconds=None, parameters=None),
            ArmResult("late", "arm", error="MissingExtra: no\nsecond line"),
        ]
        control = _contrast("text only", -0.2, "worse")
        controls = [
            ArmResult(
                "text only", "control", scores=arms[0].scores, breakdown={"nevus": 0.2},
                contrasts={"balanced_accuracy": control},
            )
        ]  # fmt: skip
        plan = {"digest": "ab" * 32, "written": "2026-01-01", "data": {"rows": "c" * 64},
                "later": {"gated": {"added": "2026-01-02"}}}  # fmt: skip
        report = StudyReport(
            name="fusion", metric="balanced_accuracy", words=COMPARED_CLASSES,
            means={"macro_auroc": "Macro AUROC", "ece": "ECE", "nll": "NLL"},
            breakdown=Breakdown("Classes", "Sensitivity", "class", {}, ".0%"),
            base="concat", arms=arms, controls=controls,
            seeds=(0, 1), folds=1, samples=1201, groups=896, group="lesion", flips=4000,
            floor=1 / 4001, comparisons=12, comparison_log="runs/comparison_log/a.jsonl", plan=plan,
            text="study: fusion\n", modalities=("image", "text"), version="0",
            created="now", machine={"processor": "a"}, warnings=["LEAKY: texts"],
        )  # fmt: skip
        return dataclasses.replace(report, **changes)  # type: ignore[arg-type]

    return make
