"""One run, from a spec to its report."""

import os
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from mmx.data import (
    ImageStore,
    Manifest,
    Part,
    TextStore,
    TokenLoss,
    check_bad,
    loss_warnings,
    make_data_report,
    token_losses,
    write_split,
)
from mmx.errors import DataError
from mmx.experiment.access_log import log_access
from mmx.experiment.auditing import AuditResult, short_audit
from mmx.experiment.outcome import (
    Outcome,
    metrics,
    outcome_notes,
    parquet,
    predict_and_score,
    prediction_table,
)
from mmx.experiment.pages import run_page
from mmx.experiment.saved import Run
from mmx.inference import keep_hooks, keep_model
from mmx.interfaces import (
    IMAGE,
    RECORD,
    Encoder,
    Hook,
    Sample,
    SingleImageEncoder,
    Store,
    TextEncoder,
    WrappingEncoder,
)
from mmx.model import tried_encoders
from mmx.pipeline import (
    LEAKY,
    SETTLED,
    FrozenFeatures,
    Learner,
    PreparedData,
    Sources,
    build_learner,
    cache_folder,
    check_pictures,
    check_promises,
    check_views,
    class_notes,
    environment,
    first_process,
    heard,
    lock_of,
    open_hooks,
    open_sources,
    prepare,
    run_digest,
    wait_for_everyone,
    weights_digest,
)
from mmx.runs import Hooks, Observer, RunFolder, sigterm_stops
from mmx.spec import PARTS, Spec, idle_keys, too_many_images
from mmx.training import History, train


def runs_folder() -> Path:
    """Where runs are kept: ``MMX_RUNS``, else ``runs`` in the working folder."""
    return Path(os.environ.get("MMX_RUNS") or "runs")


def run(spec: Spec, *, fresh: bool = False, observer: Observer | None = None) -> Run:
    """Train and evaluate what a spec describes, or come back to it.

    The same spec on the same data continues a run that was stopped, and returns one that is done.

    Args:
        spec: what ``load_spec`` gave.
        fresh: start over.
        observer: is told how far the run has come.

    Raises:
        MmxError: faults of data, weights, plugins or widths, and errors of the audit that the
            spec does not waive, in plain words.
        KeyboardInterrupt: stopped by hand; the run can be resumed.
    """
    return run_into(runs_folder(), spec, fresh=fresh, observer=observer)


@sigterm_stops()
def run_into(
    root: Path,
    spec: Spec,
    *,
    fresh: bool = False,
    observer: Observer | None = None,
    settled: Mapping[str, Any] | None = None,
    split_file: Path | None = None,
    also: Sequence[Hook] = (),
) -> Run:
    """``run`` in another folder of runs.

    ``settled`` holds precision, threads and the like of an earlier run, ``split_file`` its split;
    ``also`` are hooks of mmx itself, beside those of the spec.
    """
    observer = heard(observer)
    if spec.train.threads:
        torch.set_num_threads(spec.train.threads)
    for note in idle_keys(spec):
        observer.message(note)
    hooks = open_hooks(spec, observer, also)
    for note in spec.plugins.notes:
        observer.message(f"note: {note}")
    encoders = tried_encoders(spec)
    for note in _encoder_notes(encoders):
        observer.message(note)
    prepared = prepare_spec(spec, observer, split_file)
    allowed = prepared.manifest.facts.allowed_views
    check_views(spec, allowed)
    check_promises(spec, prepared)
    for note in class_notes(prepared):
        observer.message(note)
    _check_images(spec, encoders, prepared)
    audited = short_audit(spec, prepared, hooks, observer)
    learner = build_learner(spec, prepared.manifest, prepared.split, encoders)
    check_pictures(spec, learner.model.named_encoders(), allowed)
    stores = learner.inputs.stores(prepared.rows)
    others = _others(prepared, stores, spec.data.max_bad)
    initial = {name: weights_digest(one) for name, one in learner.model.named_encoders().items()}
    digests = {**prepared.digests, **others, **learner.inputs.digests}
    digest = run_digest(spec, digests, initial)
    folder = RunFolder.create(root, spec.name, digest, fresh and first_process())
    with lock_of(folder, observer):
        if folder.finished:
            folder.check()
            observer.message(f"{folder.path} is finished already; --fresh starts it over")
        else:
            work = _Work(
                spec,
                prepared,
                learner,
                stores,
                initial,
                folder,
                digest,
                digests,
                observer,
                audited,
                hooks,
            )
            work.do(settled or {})
    wait_for_everyone()
    return Run(folder.path)


def prepare_spec(spec: Spec, observer: Observer, split_file: Path | None = None) -> PreparedData:
    """Rows, split, texts and images of a spec; the split of an earlier run where one is given."""
    folder = cache_folder(spec.data) / "features"

    def features(manifest: Manifest, images: ImageStore, modality: str) -> FrozenFeatures:
        return FrozenFeatures(spec, folder, manifest.samples, images, modality)

    return prepare(
        spec.data, spec.task, observer, features, split_file, partial(_holds, spec), spec.plugins
    )


def _holds(spec: Spec, sample: Sample) -> bool:
    """Whether a sample has something for an encoder of neither images nor texts."""
    return any(
        sample.inputs.get(name) is not None
        or (params.modality == RECORD and any(one is not None for one in sample.record.values()))
        for name, params in spec.model.encoders.items()
    )


def _others(prepared: PreparedData, stores: Mapping[str, Store], max_bad: float) -> dict[str, str]:
    """Digests of what is neither text nor image, where enough of it can be read.

    Raises:
        DataError: more rows than ``data.max_bad`` allows cannot be read.
    """
    others = {k: s for k, s in stores.items() if not isinstance(s, ImageStore | TextStore)}
    for store in others.values():
        check_bad(store.unreadable, len(prepared.manifest), max_bad)
    return {f"input of {name}": store.digest for name, store in others.items()}


def _check_images(spec: Spec, encoders: Mapping[str, Encoder], prepared: PreparedData) -> None:
    """Refuse images that their encoder would not read, before anything is encoded.

    Raises:
        DataError: says which encoders read several.
    """
    for name in spec.model.reading(IMAGE):
        params, encoder = spec.model.encoders[name], encoders[name]
        most = prepared.pictures[name].views if name in prepared.pictures else 0
        limit = 1 if isinstance(encoder, SingleImageEncoder) else params.most_images
        words = too_many_images(most, params, limit, spec.plugins)
        if words:
            raise DataError(words)
        if isinstance(encoder, WrappingEncoder):
            encoder.check_views(most)


def _encoder_notes(encoders: Mapping[str, Encoder]) -> list[str]:
    """What encoders tell of themselves, and of the backbones inside wrapping ones."""
    inside = [module for one in encoders.values() for module in one.modules()]
    return [note for one in inside if isinstance(one, Encoder) for note in one.notes]


class _Work:
    """The stages of a run that is not finished."""

    def __init__(
        self,
        spec: Spec,
        prepared: PreparedData,
        learner: Learner,
        stores: Mapping[str, Store],
        initial: Mapping[str, str],
        folder: RunFolder,
        digest: str,
        digests: Mapping[str, str],
        observer: Observer,
        audited: AuditResult,
        hooks: Hooks,
    ) -> None:
        self.audited, self.stores, self.digests, self.hooks = audited, stores, digests, hooks
        self.spec, self.prepared, self.learner, self.initial = spec, prepared, learner, initial
        self.folder, self.digest, self.observer = folder, digest, observer
        self.seconds: dict[str, float] = {}
        self._begun = False
        self._last = time.monotonic()

    def do(self, settled: Mapping[str, Any]) -> None:
        """All stages, and the hooks told how they end; ``settled`` is kept from an earlier run."""
        try:
            found = self._stages(settled)
        except KeyboardInterrupt:
            self._tell_end("stopped", self.folder.path)
            raise
        except BaseException as error:
            self._tell_end("failed", self.folder.path, error)
            raise
        self._tell_end("finished", self.folder.path, found)

    def _tell_end(self, moment: str, *facts: Any) -> None:
        """Tell it where the beginning was told: in the first process alone."""
        if self._begun:
            self.hooks.tell(moment, *facts)

    def _stages(self, settled: Mapping[str, Any]) -> dict[str, Any]:
        """Encode, train, predict, score, report; gives the metrics, in the first process."""
        for note in self.audited.notes:
            self.observer.message(note)
        if first_process():
            self._begin()
            if settled:
                self.folder.write_json(SETTLED, settled)
        sources = self._encode()
        parts = sources.parts(self.prepared)
        history = self._train(parts)
        if first_process():
            if any(params.reads_pixels for params in self.spec.inference):
                sources = sources.pixels()
                parts = sources.parts(self.prepared)
            outcome = self._predict(parts, history)
            return self._keep(sources, parts, history, outcome)
        return {}

    def _begin(self) -> None:
        folder, prepared = self.folder, self.prepared
        folder.sweep()
        self.surroundings = environment(
            self.spec, self.digests, self.learner.model.named_encoders(), self.initial
        )
        folder.write_text("spec.yaml", self.spec.text)
        folder.write_text("resolved.yaml", self.spec.to_yaml())
        folder.write_json("environment.json", self.surroundings)
        folder.write_json("audit.json", self.audited.to_json())
        write_split(folder.path / "split.csv", prepared.manifest, prepared.split)
        folder.event("started", digest=self.digest)
        self._begun = True
        self.hooks.tell("started", folder.path, self.spec)

    def _encode(self) -> Sources:
        used = [row for row, part in enumerate(self.prepared.split.parts) if part in PARTS]
        sources = open_sources(
            self.spec, self.learner.model, self.stores, self.observer,
            rows=used, statistics=self.learner.inputs.statistics,
        )  # fmt: skip
        if first_process():
            self.folder.event("encoded", **sources.encoded)
            self._count_tokens()
        for note in sources.notes:
            self.observer.message(note)
        self._stop("encode")
        return sources

    def _count_tokens(self) -> None:
        """Note what of the texts never reaches the model, and say so where it is much."""
        model = self.learner.model
        self.tokens: dict[str, TokenLoss] = {}
        self.lost: list[str] = []
        for name, encoder in model.named_encoders().items():
            if model.reads[name] and isinstance(encoder, TextEncoder):
                texts, split = self.prepared.written[name], self.prepared.split
                found, advice = token_losses(encoder, texts, split)
                method = self.spec.model.encoders[name].entry_point
                self.lost += loss_warnings(found, method, advice)
                alone = len(self.spec.narratives_read) == 1
                self.tokens |= found if alone else {f"{k} of {name}": v for k, v in found.items()}
        for warning in self.lost:
            self.observer.message(f"warning: {warning}")

    def _train(self, parts: Mapping[str, Part]) -> History:
        prepared, tell = self.prepared, partial(self.hooks.tell, "epoch_ended", self.folder.path)
        history = train(
            self.learner.model,
            parts,
            self.spec,
            self.learner.loss,
            self.learner.sampler,
            self.learner.task,
            self.folder,
            self.observer,
            allowed_views=prepared.manifest.facts.allowed_views,
            sample_names=prepared.manifest.ids[parts["train"].rows].tolist(),
            epoch_ended=lambda epoch, values: tell(epoch, dict(values)),
        )
        self._stop("train")
        return history

    def _predict(self, parts: Mapping[str, Part], history: History) -> Outcome:
        look = partial(log_access, cache_folder(self.spec.data))
        self.accesses = look(self.prepared.manifest, self.prepared.split, self.folder.path.name)
        outcome = predict_and_score(
            self.spec, self.learner, self.prepared, parts, self.observer, history.precision
        )
        self._stop("evaluate")
        return outcome

    def _keep(
        self, sources: Sources, parts: Mapping[str, Part], history: History, outcome: Outcome
    ) -> dict[str, Any]:
        folder, prepared = self.folder, self.prepared
        keep_model(
            folder, self.learner, prepared, self.initial, history.precision,
            outcome.placeholders.untrained, outcome.task.state(),
        )  # fmt: skip
        keep_hooks(folder, outcome.fitted)
        table = prediction_table(prepared, outcome.task, parts, outcome.predictions)
        folder.write_bytes("predictions.parquet", parquet(table))
        data_report = make_data_report(
            prepared.manifest, prepared.split,
            pictures=prepared.pictures, texts=prepared.texts, tokens=self.tokens,
        ).to_json()  # fmt: skip
        facts = {
            "digest": self.digest, "data": self.digests, "seconds": self.seconds,
            "best_epoch": history.best_epoch, "precision": history.precision,
            "stopped_early": history.stopped_early, "test_set_accesses": self.accesses,
            "leaky": self.spec.leaky,
            "data_report": data_report, "encoded": dict(sources.encoded),
        }  # fmt: skip
        found = metrics(outcome, self.learner, facts)
        folder.write_json("metrics.json", found)
        sections = self.hooks.report_sections(folder.path, found)
        folder.write_text(
            "report.html", self._page(parts, history, outcome, sections, sources, data_report)
        )
        folder.event("finished", seconds=self.seconds)
        folder.finish(digest=self.digest)
        return found

    def _page(
        self,
        parts: Mapping[str, Part],
        history: History,
        outcome: Outcome,
        sections: list[tuple[str, str]],
        sources: Sources,
        data_report: Mapping[str, Any],
    ) -> str:
        facts: dict[str, Any] = {
            "digest": self.digest,
            "data_report": data_report,
            "history": [_for_report(epoch) for epoch in history.to_json()["epochs"]],
            "best_epoch": history.best_epoch - 1,
            "environment": self.surroundings,
            "seconds": self.seconds,
            "version": self.surroundings["libraries"]["mmx"],
            "warnings": self._warnings(),
            "notes": [
                *self._notes(),
                *idle_keys(self.spec),
                *class_notes(self.prepared),
                *outcome_notes(outcome),
                *_encoder_notes(self.learner.model.named_encoders()),
                *self.learner.inputs.notes,
                *sources.notes,
                *self.prepared.manifest.facts.notes,
                *map(_said, self.prepared.notes),
                *self.audited.notes,
                *self.spec.plugins.notes,
                *self.hooks.notes,
            ],
            "sections": sections,
        }
        return run_page(self.spec, self.learner, self.prepared, outcome, parts["test"], facts)

    def _warnings(self) -> list[str]:
        return [*([LEAKY] if self.spec.leaky else []), *self.audited.alerts, *map(_said, self.lost)]

    def _notes(self) -> list[str]:
        if self.accesses == 1:
            return ["This run is the first one that reads this test part."]
        return [
            f"{self.accesses} runs have read this test part. Choosing among them by their test "
            "figures would make the best one look better than it is."
        ]

    def _stop(self, stage: str) -> None:
        """Give the time since the last stop to a stage."""
        now = time.monotonic()
        self.seconds[stage], self._last = round(now - self._last, 3), now


def _said(warning: str) -> str:
    """A warning as a sentence."""
    return f"{warning[:1].upper()}{warning[1:]}."


def _for_report(epoch: Mapping[str, Any]) -> dict[str, Any]:
    """An epoch in the words of the report, which counts from 0."""
    return {
        "epoch": epoch["epoch"] - 1,
        "loss": epoch["loss"],
        "terms": epoch["terms"],
        "validation": epoch["scores"],
        "lr": epoch["rates"],
        "seconds": epoch["seconds"],
        "images_per_second": epoch["samples_per_second"],
    }
