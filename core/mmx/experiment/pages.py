"""Fills the report of a run."""

import time
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import yaml
from PIL import Image

from mmx.data import ImageStore
from mmx.evaluation import Interval
from mmx.experiment.metrics import outcome_notes, parameters
from mmx.experiment.run_result import RunResult
from mmx.experiment.run_setup import RunSetup, encoder_notes
from mmx.inference import Chain, Explainer, Placeholders
from mmx.interfaces import IMAGE, TEXT, NarrativeParams, WrongAnswer
from mmx.pipeline import LEAKY, PreparedData, class_notes
from mmx.report import Mistake, RunReport, render_run
from mmx.spec import Spec, idle_keys
from mmx.training import too_few_groups

MISTAKES = 12  # thumbnails in a report
_THUMBNAIL = 192  # pixels, the longer side


def run_page(setup: RunSetup, result: RunResult, sections: Sequence[tuple[str, str]]) -> str:
    """The report of a run, as HTML.

    Args:
        setup: what the run was made of.
        result: what it came to.
        sections: of hooks, title and HTML.
    """
    return render_run(_report(setup, result, sections))


def _report(setup: RunSetup, result: RunResult, sections: Sequence[tuple[str, str]]) -> RunReport:
    spec, outcome = setup.spec, result.outcome
    shares = outcome.shares
    shown = mistakes(setup, result)
    return RunReport(
        name=spec.name,
        digest=setup.digest,
        evaluation=outcome.evaluations["test"],
        validation=outcome.evaluations["validation"],
        group=setup.prepared.manifest.facts.group,
        methods=methods(spec),
        history=[_epoch(epoch) for epoch in result.history.to_json()["epochs"]],
        best_epoch=result.history.best_epoch - 1,
        start=result.history.start,
        select=spec.select,
        confidence=spec.train.confidence,
        mistakes=shown,
        controls=_controls(result),
        missing=outcome.missing,
        modalities=tuple(shares.values) if shares else (),
        untrained=outcome.placeholders.untrained,
        shares=shares.means() if shares else {},
        curves=outcome.curves,
        stages=outcome.stages,
        data_report=result.data_report.to_json(),
        split=_split(spec, setup.prepared),
        spec=spec.text,
        resolved=yaml.safe_dump(spec.resolved(), sort_keys=False, allow_unicode=True),
        environment=result.surroundings,
        digests=setup.prepared.digests,
        waivers=dict(spec.audit.waive),
        warnings=_warnings(setup, result),
        notes=[*run_notes(setup, result), *_untold(shown)],
        parameters=parameters(setup.learner),
        seconds=result.seconds,
        sections=sections,
        created=time.strftime("%Y-%m-%d %H:%M"),
        version=result.surroundings["libraries"]["mmx"],
    )


def _controls(result: RunResult) -> dict[str, Mapping[str, Interval]]:
    """Simpler models of the same test part, by name."""
    compared = {k: v for one in result.zero_shot.values() for k, v in one.arm.items()}
    return {**result.outcome.alone, **result.probe.arm, **compared}


def _epoch(epoch: Mapping[str, Any]) -> dict[str, Any]:
    """An epoch in the words of the report, which counts from 0."""
    return {
        "epoch": epoch["epoch"] - 1,
        "loss": epoch["loss"],
        "terms": epoch["terms"],
        "validation": epoch["scores"],
        "lr": epoch["rates"],
        "seconds": epoch["seconds"],
        "samples_per_second": epoch["samples_per_second"],
    }


def _split(spec: Spec, prepared: PreparedData) -> dict[str, object]:
    """Where the split comes from."""
    asked = spec.data.split
    dealt = "" if asked.file is None else "nothing"
    if asked.published and asked.file is None:
        dealt = "validation and calibration, of the training rows, where none are published"
    return {
        "digest": prepared.split.digest,
        "from": f"data.split.{asked.source}" if asked.source else "made by this run",
        "file or column": str(asked.file or asked.column or "kept in split.csv"),
        "dealt here": dealt or "all parts",
        "seed": asked.seed,
        "fold": f"{prepared.split.fold} of {asked.folds}",
    }


def _narratives(spec: Spec) -> dict[str, NarrativeParams]:
    """The narratives by place: the only one by its kind alone."""
    alone = len(spec.data.narratives) == 1
    return {
        "narrative" if alone else f"narrative of {name}": one
        for name, one in spec.data.narratives.items()
    }


def methods(spec: Spec) -> dict[str, str]:
    """What the run is made of, by place."""
    named = {
        "task": spec.task, "dataset": spec.data.dataset, **_narratives(spec),
        **spec.model.encoders, "fusion": spec.model.fusion, "head": spec.model.head,
        "loss": spec.loss, "sampler": spec.train.sampler,
    }  # fmt: skip
    found = {place: params.entry_point.partition(".")[2] for place, params in named.items()}
    hooks = ", ".join(params.entry_point.partition(".")[2] for params in spec.inference)
    return {**found, "inference": hooks} if hooks else found


def mistakes(setup: RunSetup, result: RunResult) -> Sequence[Mistake]:
    """The wrong predictions of the test part that were made with most confidence."""
    outcome, rows = result.outcome, result.parts["test"].rows
    found = outcome.predictions["test"]
    explainer = _explainer(setup, outcome.placeholders)

    def shown(one: WrongAnswer) -> Mistake:
        row = int(rows[one.row])
        texts = told_texts(setup, row)
        why = None
        if explainer is not None:
            said = {name: values[one.row] for name, values in found.explain.items()}
            why = explainer.explain(row, texts, one.answer, said)
        return Mistake(
            sample=str(setup.prepared.manifest.ids[row]),
            images=_pictures(setup, row),
            texts=texts,
            records=setup.learner.inputs.records_of(setup.prepared.rows.samples[row]),
            true=one.true,
            predicted=one.predicted,
            probability=one.confidence,
            true_probability=one.of_truth,
            explanation=why,
        )

    return [shown(one) for one in outcome.task.wrong(found.log_probs, found.target, MISTAKES)]


def told_texts(setup: RunSetup, row: int) -> dict[str, str]:
    """The texts of a row, by modality; of those that an encoder reads."""
    written, kinds = setup.prepared.rows.written, setup.spec.model.kinds
    return {name: texts[row] for name, texts in written.items() if kinds.get(name) == TEXT}


def _pictures(setup: RunSetup, row: int) -> dict[str, bytes | None]:
    """The picture of each modality that has an encoder; None where the row lacks it."""
    found = thumbnails(setup.prepared, row)
    kinds = setup.spec.model.kinds
    return {name: found.get(name) for name, kind in kinds.items() if kind == IMAGE}


def _untold(shown: Sequence[Mistake]) -> list[str]:
    """What could not be told of the wrong predictions, each reason once."""
    notes = [note for one in shown if one.explanation for note in one.explanation.notes]
    return [f"Of wrong predictions, {note}." for note in dict.fromkeys(notes)]


def _explainer(setup: RunSetup, placeholders: Placeholders) -> Explainer | None:
    if not setup.spec.evaluation.explain:
        return None
    learner = setup.learner
    chain = Chain((), learner.model, learner.loss, learner.task, setup.spec.model.encoding)
    return Explainer(chain, learner.inputs.stores(setup.prepared.rows), placeholders)


def _warnings(setup: RunSetup, result: RunResult) -> list[str]:
    """Sentences that a reader must see first."""
    leaky = [LEAKY] if setup.spec.leaky else []
    return [*leaky, *setup.audited.alerts, *result.lost.warnings]


def run_notes(setup: RunSetup, result: RunResult) -> list[str]:
    """Sentences that stand beside the results, from all that has something to say."""
    return [
        _access_note(result.accesses),
        *idle_keys(setup.spec),
        *class_notes(setup.prepared),
        *outcome_notes(result.outcome),
        *_epoch_notes(setup, result),
        result.probe.note,
        *(one.note for one in result.zero_shot.values()),
        *encoder_notes(setup.learner.model.named_encoders()),
        *setup.learner.inputs.notes,
        *result.sources.notes,
        *setup.prepared.manifest.notes,
        *setup.prepared.notes,
        *setup.audited.notes,
        *setup.spec.plugins.notes,
        *setup.hooks.notes,
    ]


def _epoch_notes(setup: RunSetup, result: RunResult) -> list[str]:
    """Why no later epoch could be kept, where none could."""
    spec, part = setup.spec, result.parts["validation"]
    few = too_few_groups(part, setup.learner.task, spec.train)
    return [few] if few else []


def _access_note(accesses: int) -> str:
    if accesses == 1:
        return "This run is the first one that reads this test part."
    return (
        f"{accesses} runs have read this test part. Choosing among them by their test figures "
        "would make the best one look better than it is."
    )


def thumbnails(prepared: PreparedData, row: int) -> dict[str, bytes]:
    """The image that stands for a row in each modality, as small JPEG files."""
    found = {name: thumbnail(images, row) for name, images in prepared.pictures.items()}
    return {name: file for name, file in found.items() if file is not None}


def thumbnail(images: ImageStore, row: int) -> bytes | None:
    """The image that stands for a row as a small JPEG file; None when it has none."""
    own = images.own[row]
    if not images.mask[row, own]:
        return None
    picture = Image.fromarray(images.pictures([row])[0, own])
    picture.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
