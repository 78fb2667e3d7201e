"""Fills the report of a run."""

import time
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import yaml
from PIL import Image

from mmx.data import ImageStore, Part
from mmx.experiment.outcome import Outcome, parameters
from mmx.inference import Chain, Explainer, Placeholders
from mmx.interfaces import NarrativeParams
from mmx.pipeline import Learner, PreparedData
from mmx.report import Explanation, Mistake, RunReport, render_run
from mmx.spec import Spec

MISTAKES = 12  # thumbnails in a report
_THUMBNAIL = 192  # pixels, the longer side


def run_page(
    spec: Spec,
    learner: Learner,
    prepared: PreparedData,
    outcome: Outcome,
    test: Part,
    facts: Mapping[str, Any],
) -> str:
    """The report of a run, as HTML.

    Args:
        spec: of the run.
        learner: model, loss and sampler.
        prepared: rows, split, texts and images.
        outcome: predictions and scores.
        test: the test part.
        facts: ``digest``, ``data_report``, ``history``, ``best_epoch``, ``environment``,
            ``seconds``, ``warnings``, ``notes`` and ``sections`` of the run.
    """
    shown = mistakes(spec, learner, prepared, outcome, test)
    facts = {**facts, "notes": [*facts["notes"], *_untold(shown)]}
    report = RunReport(
        name=spec.name,
        evaluation=outcome.evaluations["test"],
        validation=outcome.evaluations["validation"],
        group=prepared.manifest.facts.group,
        methods=methods(spec),
        select=spec.select,
        mistakes=shown,
        controls=outcome.alone,
        missing=outcome.missing,
        modalities=tuple(outcome.shares.values) if outcome.shares else (),
        untrained=outcome.placeholders.untrained,
        shares=outcome.shares.means() if outcome.shares else {},
        curves=outcome.curves,
        stages=outcome.stages,
        split=_split(spec, prepared),
        spec=spec.text,
        resolved=yaml.safe_dump(spec.resolved(), sort_keys=False, allow_unicode=True),
        digests=prepared.digests,
        waivers=dict(spec.audit.waive),
        parameters=parameters(learner),
        created=time.strftime("%Y-%m-%d %H:%M"),
        **facts,
    )
    return render_run(report)


def _split(spec: Spec, prepared: PreparedData) -> dict[str, Any]:
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


def mistakes(
    spec: Spec, learner: Learner, prepared: PreparedData, outcome: Outcome, test: Part
) -> Sequence[Mistake]:
    """The wrong predictions of the test part that were made with most confidence."""
    found = outcome.predictions["test"]
    chosen = outcome.task.wrong(found.log_probs, found.target, MISTAKES)
    explainer = _explainer(spec, learner, prepared, outcome.placeholders)

    written = prepared.rows.written

    def told(row: int) -> dict[str, str]:
        return {name: texts[row] for name, texts in written.items()}

    def why(row: int, place: int, answer: int) -> Explanation | None:
        if explainer is None:
            return None
        said = {name: values[place] for name, values in found.explain.items()}
        return explainer.explain(row, told(row), answer, said)

    return [
        Mistake(
            sample=str(prepared.manifest.ids[row]),
            images=thumbnails(prepared, row),
            texts=told(row),
            true=one.true,
            predicted=one.predicted,
            probability=one.confidence,
            true_probability=one.of_truth,
            explanation=why(row, one.row, one.answer),
        )
        for one in chosen
        for row in [int(test.rows[one.row])]
    ]


def _untold(shown: Sequence[Mistake]) -> list[str]:
    """What could not be told of the wrong predictions, each reason once."""
    notes = [note for one in shown if one.explanation for note in one.explanation.notes]
    return [f"Of wrong predictions, {note}." for note in dict.fromkeys(notes)]


def _explainer(
    spec: Spec, learner: Learner, prepared: PreparedData, placeholders: Placeholders
) -> Explainer | None:
    if not spec.evaluation.explain:
        return None
    chain = Chain((), learner.model, learner.loss, learner.task, spec.model.encoding)
    return Explainer(chain, learner.inputs.stores(prepared.rows), placeholders)


def thumbnails(prepared: PreparedData, row: int) -> dict[str, bytes]:
    """The image that stands for a row in each modality, as small JPEG files."""
    found = {name: thumbnail(images, row) for name, images in prepared.pictures.items()}
    return {name: file for name, file in found.items() if file is not None}


def thumbnail(images: ImageStore, row: int) -> bytes | None:
    """The image that stands for a row as a small JPEG file; None when it has none."""
    shown, own = images.collate([row]), images.own[row]
    if not shown.mask[0, own]:
        return None
    picture = Image.fromarray(shown.pixels[0, own].permute(1, 2, 0).numpy())
    picture.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
