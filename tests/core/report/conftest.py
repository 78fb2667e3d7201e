import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmx.evaluation import Evaluation, evaluate
from mmx.report import Mistake, RunReport, render_run


@pytest.fixture(scope="session")
def scored() -> Callable[..., Evaluation]:
    """An evaluation of drawn predictions."""

    def score(classes: tuple[str, ...] = ("akiec", "bcc", "nv"), **changes: Any) -> Evaluation:
        generator = np.random.default_rng(0)
        labels = np.arange(40 * len(classes)) % len(classes)
        logits = generator.normal(size=(len(labels), len(classes)))
        logits += 2 * np.eye(len(classes))[labels]
        log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        groups = [str(name) for name in generator.integers(30, size=len(labels))]
        return evaluate(log_probs, labels, groups, classes, **{"resamples": 120, **changes})

    return score


@pytest.fixture(scope="session")
def full_report(scored: Callable[..., Evaluation]) -> Callable[..., RunReport]:
    """A report with every field filled in."""

    def make(classes: tuple[str, ...] = ("akiec", "bcc", "nv"), **changes: Any) -> RunReport:
        buffer = io.BytesIO()
        Image.new("RGB", (20, 15), (180, 90, 80)).save(buffer, "PNG")
        history = [
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
        evaluation = scored(classes)
        counts = {name: {"samples": 40, "groups": 20} for name in classes}
        given: dict[str, Any] = {
            "name": "quickstart",
            "digest": "3f9a1c77",
            "evaluation": evaluation,
            "group": "lesion",
            "validation": scored(classes),
            "methods": {"image": "timm", "fusion": "concat"},
            "history": history,
            "best_epoch": 1,
            "mistakes": [
                Mistake("s-1", buffer.getvalue(), "A lesion.", classes[0], classes[1], 0.98, 0.01),
                Mistake("s-2", None, "", classes[1], classes[0], 0.91),
            ],
            "controls": {"image alone": evaluation.metrics},
            "stages": [("model", evaluation.metrics), ("temperature", evaluation.metrics)],
            "ledger": {
                "rows": 121,
                "parts": {"train": counts, "test": counts},
                "rejected": [{"row": 7, "id": "s-7", "reason": "the image is truncated"}],
                "duplicates": [["s-3", "s-4"], ["s-5", "s-6"]],
                "without_text": [],
            },
            "split": {"seed": 0, "digest": "ab12"},
            "spec": "name: quickstart\nseed: 0\n",
            "resolved": "name: quickstart\nseed: 0\ndata: {}\n",
            "environment": {"python": "3.11", "threads": 1, "plugins": {"fusion.concat": "mmx"}},
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
