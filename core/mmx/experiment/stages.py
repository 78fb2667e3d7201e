"""The stages of a run that is not finished: encode, train, predict and score, write."""

import time
from collections.abc import Mapping
from functools import partial

from mmx.data import (
    DataReport,
    Part,
    TokenLoss,
    loss_warnings,
    make_data_report,
    token_losses,
    write_split,
)
from mmx.experiment.access_log import log_access
from mmx.experiment.frozen_probe import FrozenProbe, frozen_probe
from mmx.experiment.kept_run import keep_run
from mmx.experiment.outcome import Outcome, predict_and_score
from mmx.experiment.run_result import LostTokens, RunResult
from mmx.experiment.run_setup import RunSetup
from mmx.experiment.zero_shot import ZeroShot, zero_shot
from mmx.inference import Attempts
from mmx.interfaces import TextEncoder
from mmx.pipeline import (
    SETTLED,
    Sources,
    cache_folder,
    environment,
    first_process,
    open_sources,
    reading_notes,
)
from mmx.runs import Progress, RunFolder
from mmx.spec import PARTS
from mmx.training import History, TrainingData, train


class Stages:
    """Does a run in its folder, whose lock the caller holds."""

    def __init__(self, setup: RunSetup, folder: RunFolder) -> None:
        self.setup = setup
        self.folder = folder
        self.seconds: dict[str, float] = {}
        self._begun = False
        self._last = time.monotonic()

    def do(self, settled: Mapping[str, object]) -> None:
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

    def _tell_end(self, moment: str, *facts: object) -> None:
        """Tell it where the beginning was told: in the first process alone."""
        if self._begun:
            self.setup.hooks.tell(moment, *facts)

    def _stages(self, settled: Mapping[str, object]) -> dict[str, object]:
        """Encode, train, predict, score, report; gives the metrics, in the first process."""
        for note in self.setup.audited.notes:
            self.setup.observer.message(note)
        surroundings: Mapping[str, object] = {}
        if first_process():
            surroundings = self._begin()
            if settled:
                self.folder.write_json(SETTLED, settled)
        sources, lost = self._encode()
        parts = sources.parts(self.setup.prepared)
        history = self._train(parts)
        if not first_process():
            return {}
        shown = sources
        if any(params.reads_pixels for params in self.setup.spec.inference):
            shown = sources.pixels()
            parts = shown.parts(self.setup.prepared)
        accesses, outcome = self._predict(parts)
        probe = self._probe(sources, parts)
        compared = self._zero_shot(sources, parts)
        result = RunResult(
            surroundings=surroundings,
            lost=lost,
            data_report=data_report_of(self.setup, lost),
            sources=shown,
            parts=parts,
            history=history,
            outcome=outcome,
            probe=probe,
            zero_shot=compared,
            accesses=accesses,
            seconds=self.seconds,
        )
        return keep_run(self.setup, self.folder, result)

    def _begin(self) -> Mapping[str, object]:
        """Write what is known before the first stage; gives the surroundings."""
        setup, folder = self.setup, self.folder
        folder.sweep()
        surroundings = environment(
            setup.spec, setup.digests, setup.learner.model.named_encoders(), setup.initial
        )
        folder.write_text("spec.yaml", setup.spec.text)
        folder.write_text("resolved.yaml", setup.spec.to_yaml())
        folder.write_json("environment.json", surroundings)
        folder.write_json("audit.json", setup.audited.to_json())
        write_split(folder.path / "split.csv", setup.prepared.manifest, setup.prepared.split)
        folder.event("started", digest=setup.digest)
        self._begun = True
        setup.hooks.tell("started", folder.path, setup.spec)
        return surroundings

    def _encode(self) -> tuple[Sources, LostTokens]:
        setup = self.setup
        used = [row for row, part in enumerate(setup.prepared.split.parts) if part in PARTS]
        sources = open_sources(
            setup.spec, setup.learner.model, setup.stores, setup.observer,
            rows=used, statistics=setup.learner.inputs.statistics,
        )  # fmt: skip
        lost = LostTokens({}, ())
        if first_process():
            self.folder.event("encoded", **sources.encoded)
            lost = lost_tokens(setup)
        warnings = [f"warning: {words}" for words in lost.warnings]
        train = setup.prepared.split.rows("train").tolist()
        reading = reading_notes(setup.spec, setup.learner.sampler, sources, train)
        for note in (*warnings, *sources.notes, *reading):
            setup.observer.message(note)
        self._stop("encode")
        return sources, lost

    def _train(self, parts: Mapping[str, Part]) -> History:
        manifest = self.setup.prepared.manifest
        names = manifest.ids[parts["train"].rows].tolist()
        tell = partial(self.setup.hooks.tell, "epoch_ended", self.folder.path)
        history = train(
            self.setup.learner.trainee,
            TrainingData(parts, manifest.facts.allowed_views, names),
            self.setup.spec,
            self.folder,
            self.setup.observer,
            epoch_ended=lambda epoch, values: tell(epoch, dict(values)),
        )
        self._stop("train")
        return history

    def _predict(self, parts: Mapping[str, Part]) -> tuple[int, Outcome]:
        """How many runs have read the test part, noted before it is read, and what came of it."""
        setup = self.setup
        cache, prepared = cache_folder(setup.spec.data), setup.prepared
        accesses = log_access(cache, prepared.manifest, prepared.split, self.folder.path.name)
        outcome = predict_and_score(setup.spec, setup.learner, prepared, parts, setup.observer)
        self._stop("evaluate")
        return accesses, outcome

    def _probe(self, sources: Sources, parts: Mapping[str, Part]) -> FrozenProbe:
        """The control on frozen features; a run does not fail by it."""
        setup, attempts = self.setup, Attempts()
        setup.observer.progress(Progress("probe", 0, 1, "model"))
        found = attempts.get(
            "what a probe reaches",
            lambda: frozen_probe(
                sources, parts, setup.learner.task, setup.spec.task, cache_folder(setup.spec.data)
            ),
            None,
        )
        setup.observer.progress(Progress("probe", 1, 1, "model"))
        self._stop("probe")
        return found or FrozenProbe({}, missing=attempts.notes[0])

    def _zero_shot(self, sources: Sources, parts: Mapping[str, Part]) -> dict[str, ZeroShot]:
        """The controls of encoders that compare images with texts."""
        found = zero_shot(self.setup.spec, sources, parts, self.setup.learner.task)
        if found:
            self._stop("zero-shot")
        return found

    def _stop(self, stage: str) -> None:
        """Give the time since the last stop to a stage."""
        now = time.monotonic()
        self.seconds[stage] = round(now - self._last, 3)
        self._last = now


def data_report_of(setup: RunSetup, lost: LostTokens) -> DataReport:
    """What is worth knowing of the rows of a run."""
    prepared = setup.prepared
    return make_data_report(
        prepared.manifest,
        prepared.split,
        pictures=prepared.pictures,
        texts=prepared.texts,
        tokens=lost.counts,
        present={name: store.present for name, store in setup.stores.items()},
    )


def lost_tokens(setup: RunSetup) -> LostTokens:
    """What of the texts never reaches the model, and sentences where it is much."""
    model, prepared = setup.learner.model, setup.prepared
    counts: dict[str, TokenLoss] = {}
    warnings: list[str] = []
    for name, encoder in model.named_encoders().items():
        if model.reads[name] and isinstance(encoder, TextEncoder):
            found, advice = token_losses(encoder, prepared.written[name], prepared.split)
            method = setup.spec.model.encoders[name].entry_point
            warnings += loss_warnings(found, method, advice)
            alone = len(setup.spec.narratives_read) == 1
            counts |= found if alone else {f"{k} of {name}": v for k, v in found.items()}
    return LostTokens(counts, warnings)
