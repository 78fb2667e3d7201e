"""What a run is made of, ready before the folder of the run is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmx.data import ImageStore, TextStore, check_bad
from mmx.errors import DataError
from mmx.experiment.auditing import AuditResult, short_audit
from mmx.experiment.zero_shot import check_names
from mmx.interfaces import IMAGE, Encoder, Hook, ImageEncoder, SingleImageEncoder, Store
from mmx.model import tried_encoders
from mmx.pipeline import (
    Learner,
    PreparedData,
    build_learner,
    check_pictures,
    check_promises,
    check_views,
    class_notes,
    open_hooks,
    prepare,
    run_digest,
    tell_files,
    weights_digest,
)
from mmx.runs import Hooks, Observer
from mmx.spec import Spec, idle_keys, too_many_images


@dataclass(frozen=True, slots=True)
class RunSetup:
    """All that a run is made of.

    Attributes:
        spec: of the run.
        observer: is told how far it has come.
        hooks: those of the spec, and those of mmx itself.
        prepared: rows, split, texts and images.
        audited: what the audit of the rows found.
        learner: at its start.
        stores: modality -> what its encoder reads.
        initial: modality -> digest of the weights that its encoder starts from.
        digests: of the data.
        digest: of everything that decides the numbers of the run.
    """

    spec: Spec
    observer: Observer
    hooks: Hooks
    prepared: PreparedData
    audited: AuditResult
    learner: Learner
    stores: Mapping[str, Store]
    initial: Mapping[str, str]
    digests: Mapping[str, str]
    digest: str


def set_up(
    spec: Spec, observer: Observer, split_file: Path | None = None, also: Sequence[Hook] = ()
) -> RunSetup:
    """Read, check and build everything; what does not fit is refused before anything is trained.

    Args:
        spec: of the run.
        observer: is told what is worth knowing.
        split_file: of an earlier run, whose split is taken.
        also: hooks of mmx itself, beside those of the spec.
    """
    for note in idle_keys(spec):
        observer.message(note)
    hooks = open_hooks(spec, observer, also)
    for note in spec.plugins.notes:
        observer.message(f"note: {note}")
    encoders = tried_encoders(spec)
    for note in encoder_notes(encoders):
        observer.message(note)
    prepared = prepare(spec, observer, split_file)
    _check_rows(spec, encoders, prepared, observer)
    audited = short_audit(spec, prepared, hooks, observer)
    learner = build_learner(spec, prepared.manifest, prepared.split, encoders)
    files = tell_files(spec, learner.sampler, prepared)
    check_pictures(spec, learner.model.named_encoders(), prepared.manifest.facts.allowed_views)
    stores = learner.inputs.stores(prepared.rows)
    initial = {name: weights_digest(one) for name, one in learner.model.named_encoders().items()}
    digests = prepared.digests | _others(spec, prepared, stores) | learner.inputs.digests | files
    return RunSetup(
        spec=spec,
        observer=observer,
        hooks=hooks,
        prepared=prepared,
        audited=audited,
        learner=learner,
        stores=stores,
        initial=initial,
        digests=digests,
        digest=run_digest(spec, digests, initial),
    )


def encoder_notes(encoders: Mapping[str, Encoder]) -> list[str]:
    """What encoders tell of themselves, and of the backbones inside wrapping ones."""
    inside = [module for one in encoders.values() for module in one.modules()]
    return [note for one in inside if isinstance(one, Encoder) for note in one.notes]


def _check_rows(
    spec: Spec, encoders: Mapping[str, Encoder], prepared: PreparedData, observer: Observer
) -> None:
    """Refuse rows that the spec does not fit, and tell what is worth knowing of the others."""
    check_views(spec, prepared.manifest.facts.allowed_views)
    check_promises(spec, prepared)
    check_names(spec, prepared.manifest.task)
    for note in class_notes(prepared):
        observer.message(note)
    _check_images(spec, encoders, prepared)


def _others(spec: Spec, prepared: PreparedData, stores: Mapping[str, Store]) -> dict[str, str]:
    """Digests of what is neither text nor image, where enough of it can be read.

    Raises:
        DataError: more rows than ``data.max_bad`` allows cannot be read.
    """
    others = {k: s for k, s in stores.items() if not isinstance(s, ImageStore | TextStore)}
    for store in others.values():
        check_bad(store.unreadable, len(prepared.manifest), spec.data.max_bad)
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
        if isinstance(encoder, ImageEncoder):
            encoder.check_views(most)
